"""Forms of locations of every kind: options in words, secrets that are written and never shown."""

import pytest

from adapters.memory.storage import MemoryStorages
from domain.federation.audit import CLI
from domain.library.storage_location import StorageType
from ports.library.storage import Option

SECRET = "s3cret-value"


class Bucketful(MemoryStorages):
    """Storages in memory that take buckets too."""

    def types(self):
        bucket = {
            "bucket": Option(help="Name of the bucket", required=True),
            "endpoint_url": Option(help="Address of the server"),
            "redirect": Option(help="Send readers there", choices=("yes", "no"), default="no"),
            "path": Option(help="Where", required=True),
            "secret_key": Option(help="The key", secret=True),
        }
        return {**super().types(), StorageType.S3: bucket}


@pytest.fixture
def node(make_node):
    return make_node(storages=Bucketful())


@pytest.fixture
def location(node):
    library = node.library()
    return node.container.add_location()(
        name="bucket", storage_type="s3", library=str(library.id), actor=CLI,
        options={"bucket": "films", "path": "b", "secret_key": SECRET},
    )  # fmt: skip


def secrets(node, location):
    with node.rows() as tx:
        return tx.locations.secrets(location.id)


def test_every_type_has_a_form_in_words(node, admin):
    node.library()
    page = admin.get("/admin/locations/new?type=s3").text
    for word in ("S3 bucket", "Folder on this machine", "Endpoint URL", "Name of the bucket"):
        assert word in page
    assert '<option selected value="no">' in page
    assert 'type="password"' in page


def test_a_secret_is_stored_and_never_shown(node, admin, location):
    for path in (f"/admin/locations/{location.id}", f"/admin/locations/{location.id}/edit"):
        page = admin.get(path).text
        assert SECRET not in page
        assert "stored" in page


def test_a_secret_stays_until_it_is_replaced_or_removed(node, admin, location):
    edit = f"/admin/locations/{location.id}/edit"
    form = {"name": "bucket", "library": str(location.library_id), "bucket": "films", "path": "b",
            "redirect": "no", "enabled": "y"}  # fmt: skip
    before = secrets(node, location)
    admin.post(edit, **form)
    assert secrets(node, location) == before
    admin.post(edit, **form, secret_key="another", remove_secret_key="y")
    replaced = secrets(node, location)
    assert replaced not in (before, None)
    admin.post(edit, **form, remove_secret_key="y")
    assert secrets(node, location) is None
    assert "Remove the stored" not in admin.get(edit).text


def test_a_typed_secret_is_not_sent_back_after_an_error(node, admin):
    library = node.library()
    answer = admin.post(
        "/admin/locations/new?type=s3", name="b", library=str(library.id), bucket="films",
        path="b", secret_key=SECRET, scan_every_hours="x",
    )  # fmt: skip
    assert answer.status_code == 422
    assert SECRET not in answer.text
    assert 'value="films"' in answer.text


def test_only_folders_can_be_watched(node, admin):
    node.library()
    assert 'name="watch"' in admin.get("/admin/locations/new?type=local").text
    assert 'name="watch"' not in admin.get("/admin/locations/new?type=s3").text
