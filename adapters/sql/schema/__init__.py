"""Tables. Column names equal the domain's field names, so that one mapper serves all."""

from adapters.sql.database import Base
from adapters.sql.schema.catalogue import (
    external_id,
    library_work,
    series,
    term,
    video,
    work,
    work_term,
)
from adapters.sql.schema.federation import api_key, audit, connection
from adapters.sql.schema.jobs import job
from adapters.sql.schema.library import library, node, storage_location
from adapters.sql.schema.people import session, user, watch_state
from adapters.sql.schema.resources import (
    device,
    folder,
    folder_grant,
    resource,
    resource_account,
    resource_small,
    resource_version,
)

metadata = Base.metadata

__all__ = [
    "api_key",
    "audit",
    "connection",
    "device",
    "external_id",
    "folder",
    "folder_grant",
    "job",
    "library",
    "library_work",
    "metadata",
    "node",
    "resource",
    "resource_account",
    "resource_small",
    "resource_version",
    "series",
    "session",
    "storage_location",
    "term",
    "user",
    "video",
    "watch_state",
    "work",
    "work_term",
]
