"""Typed settings: defaults, config.ini, secret files, environment, arguments.

Later sources win. A key that nobody knows stops the start: a misspelt setting never passes for its
default. Values are frozen once read.
"""

import configparser
import os
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

ROOT = Path(__file__).resolve().parent.parent


class SettingsInvalid(Exception):
    """A setting is misspelt, missing or wrong; the text says which and what to do."""


def _split(value: Any) -> Any:
    """Read a list as people write it: values between commas or blanks."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _networks(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(ip_network(value, strict=False)) for value in values)


def _base_url(value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query):
        raise ValueError("write it like https://films.example.org")
    return value.rstrip("/")


def _database_url(value: str) -> str:
    if value and not value.startswith(
        ("sqlite:///", "postgresql://", "postgres://", "postgresql+psycopg://")
    ):
        raise ValueError("write it like postgresql://user@host/name, or leave it out for SQLite")
    return value


Networks = Annotated[tuple[str, ...], BeforeValidator(_split), AfterValidator(_networks)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]


class Section(BaseModel):
    """A section of config.ini."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Node(Section):
    """Who this node is."""

    name: str = "Velour"
    description: str = ""
    base_url: BaseUrl = ""
    data_dir: Path = Path("var")
    terms_url: str = ""
    privacy_url: str = ""
    abuse_contact: str = ""


class Server(Section):
    """The web server that ``flask serve`` starts."""

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    workers: int = Field(1, ge=1, le=64)
    threads: int = Field(8, ge=1, le=256)
    max_streams: int = Field(4000, ge=1)
    stall_timeout_s: float = Field(60, gt=0)
    graceful_timeout_s: int = Field(30, ge=1)
    send_buffer_bytes: int = Field(0, ge=0)
    x_accel_prefix: str = ""
    trusted_proxies: Networks = ()
    run_jobs: bool = True


class Database(Section):
    """Where rows are kept; empty: SQLite in the data directory."""

    url: DatabaseUrl = ""
    pool_size: int = Field(8, ge=1, le=256)


class Redis(Section):
    """Shared counters and the job doorbell for several machines; empty: files of the data dir."""

    url: str = ""


class Jobs(Section):
    """Background work."""

    threads: int = Field(2, ge=1, le=32)
    keep_days: int = Field(30, ge=1)


class Media(Section):
    """Probing and pictures, in killable children."""

    probe_processes: int = Field(2, ge=1, le=16)
    probe_timeout_s: float = Field(30, gt=0)
    probe_memory_mib: int = Field(1024, ge=256)
    thumbnails: bool = True
    storyboards: bool = True


class Library(Section):
    """Scanning and pages."""

    scan_batch: int = Field(500, ge=1, le=1000)
    growing_seconds: float = Field(5, ge=0)
    stream_url_minutes: int = Field(360, ge=1)


class Storage(Section):
    """Locations on other machines: buckets, Jellyfin and web servers."""

    allowed_networks: Networks = ()
    require_https: bool = False
    connect_timeout_s: float = Field(5, gt=0)
    first_byte_timeout_s: float = Field(15, gt=0)
    page_timeout_s: float = Field(60, gt=0)
    max_page_bytes: int = Field(16 * 1024 * 1024, ge=1024)
    max_objects: int = Field(1_000_000, ge=1)
    probe_bytes: int = Field(4 * 1024 * 1024, ge=256 * 1024)
    redirect_minutes: int = Field(60, ge=1, le=7 * 24 * 60)


class Federation(Section):
    """Other nodes. The environment names are FEDERATION_…, see the documentation."""

    enabled: bool = True
    max_connections: int = Field(10, ge=0)
    rate_limit_per_hour: int = Field(5000, ge=1)
    stream_limit_per_hour: int = Field(1000, ge=1)
    require_https: bool = True
    token_expiry_hours: int = Field(24, ge=1)
    allowed_networks: Networks = ()
    connect_timeout_s: float = Field(5, gt=0)
    first_byte_timeout_s: float = Field(10, gt=0)
    page_timeout_s: float = Field(30, gt=0)
    max_page_bytes: int = Field(16 * 1024 * 1024, ge=1024)
    max_record_bytes: int = Field(64 * 1024, ge=1024)
    max_works: int = Field(1_000_000, ge=1)
    sync_page_size: int = Field(200, ge=1, le=1000)


class Resources(Section):
    """Encrypted files for known people on known devices: the small part here, the rest in a CDN."""

    enabled: bool = False
    small_size_kb: int = Field(256, ge=1, le=4096)
    max_size_bytes: int = Field(10 * 1024**3, ge=1, le=1024**4)
    token_hours: float = Field(4, gt=0, le=24)
    manifest_days: int = Field(30, ge=1, le=3650)
    url_minutes: int = Field(60, ge=1, le=7 * 24 * 60)
    cdn: Literal["local", "s3"] = "local"
    s3_endpoint_url: BaseUrl = ""
    s3_bucket: str = ""
    s3_region: str = "us-east-1"
    s3_prefix: str = ""
    s3_reader_key_id: str = ""
    s3_reader_secret: SecretStr = SecretStr("")
    s3_writer_key_id: str = ""
    s3_writer_secret: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def _whole(self) -> "Resources":
        needed = ("s3_bucket", "s3_reader_key_id", "s3_writer_key_id")
        missing = [name for name in needed if not getattr(self, name)]
        missing += [
            name
            for name in ("s3_reader_secret", "s3_writer_secret")
            if not getattr(self, name).get_secret_value()
        ]
        if self.enabled and self.cdn == "s3" and missing:
            raise ValueError(f"cdn = s3 needs {', '.join(sorted(missing))}")
        return self


class Limits(Section):
    """Requests an address or an account may make."""

    sign_in_failures: int = Field(5, ge=1)
    sign_in_window_s: int = Field(900, ge=1)
    key_failures_per_minute: int = Field(60, ge=1)
    enabled: bool = True


class Logging(Section):
    """One JSON line per event, or text for people."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "text"] = "json"


class Settings(Section):
    """Everything that can be set."""

    node: Node = Node()
    server: Server = Server()
    database: Database = Database()
    redis: Redis = Redis()
    jobs: Jobs = Jobs()
    media: Media = Media()
    library: Library = Library()
    storage: Storage = Storage()
    federation: Federation = Federation()
    resources: Resources = Resources()
    limits: Limits = Limits()
    logging: Logging = Logging()

    @property
    def data_dir(self) -> Path:
        """The directory of everything this node writes."""
        return self.node.data_dir

    @property
    def database_url(self) -> str:
        """The database's URL as SQLAlchemy takes it."""
        url = self.database.url or f"sqlite:///{self.data_dir.resolve() / 'velour.db'}"
        for short in ("postgresql://", "postgres://"):
            if url.startswith(short):
                return "postgresql+psycopg://" + url.removeprefix(short)
        return url


# Short names of the environment beside VELOUR__SECTION__KEY.
_SHORT = {
    "VELOUR_DATA_DIR": ("node", "data_dir"),
    "VELOUR_DATABASE_URL": ("database", "url"),
    "VELOUR_REDIS_URL": ("redis", "url"),
    "VELOUR_BASE_URL": ("node", "base_url"),
    "FEDERATION_ENABLED": ("federation", "enabled"),
    "FEDERATION_RATE_LIMIT_PER_HOUR": ("federation", "rate_limit_per_hour"),
    "FEDERATION_STREAM_LIMIT_PER_HOUR": ("federation", "stream_limit_per_hour"),
    "FEDERATION_REQUIRE_HTTPS": ("federation", "require_https"),
    "FEDERATION_TOKEN_EXPIRY_HOURS": ("federation", "token_expiry_hours"),
    "FEDERATION_ALLOWED_NETWORKS": ("federation", "allowed_networks"),
    "MAX_FEDERATED_CONNECTIONS": ("federation", "max_connections"),
    "RESOURCES_ENABLED": ("resources", "enabled"),
}
# Read elsewhere, or by features that this version does not have yet.
_OTHER = {
    "VELOUR_CONFIG",
    "HUB_ENABLED",
    "HUB_SIGNUPS_ENABLED",
    "CLIENTS_ENABLED",
}
_PREFIX = "VELOUR__"

Tree = dict[str, dict[str, Any]]


def load_settings(
    environ: Mapping[str, str] | None = None, arguments: Mapping[str, Mapping[str, Any]] = {}
) -> Settings:
    """Read all sources and check the whole.

    Args:
        environ: the process's environment unless given.
        arguments: section -> key -> value, winning over everything.

    Raises:
        SettingsInvalid: with a sentence per fault.
    """
    environ = os.environ if environ is None else environ
    tree: Tree = {}
    _merge(tree, _read_ini(environ))
    from_environment = _read_environment(environ)
    secrets_dir = from_environment.get("node", {}).get("data_dir") or tree.get("node", {}).get(
        "data_dir", "var"
    )
    _merge(tree, _read_secret_files(Path(secrets_dir) / "settings"))
    _merge(tree, from_environment)
    _merge(tree, {section: dict(values) for section, values in arguments.items()})
    try:
        return Settings.model_validate(tree)
    except ValidationError as exc:
        raise SettingsInvalid("\n".join(_sentence(dict(e)) for e in exc.errors())) from exc


def _merge(tree: Tree, source: Mapping[str, Mapping[str, Any]]) -> None:
    for section, values in source.items():
        tree.setdefault(section, {}).update(values)


def _read_ini(environ: Mapping[str, str]) -> Tree:
    named = environ.get("VELOUR_CONFIG")
    path = Path(named) if named else ROOT / "config.ini"
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=None)
    try:
        with path.open(encoding="utf-8") as file:
            parser.read_file(file)
    except FileNotFoundError:
        if named:
            raise SettingsInvalid(
                f"VELOUR_CONFIG names {named}, and there is no such file"
            ) from None
        return {}
    except (configparser.Error, UnicodeDecodeError) as exc:
        raise SettingsInvalid(f"{path} cannot be read: {exc}") from exc
    return {section: dict(parser[section]) for section in parser.sections()}


def _read_secret_files(folder: Path) -> Tree:
    """Read ``section.key`` files, for container secrets such as ``database.url``."""
    tree: Tree = {}
    if not folder.is_dir():
        return tree
    for path in sorted(folder.iterdir()):
        section, dot, key = path.name.partition(".")
        if dot and path.is_file():
            tree.setdefault(section, {})[key] = path.read_text(encoding="utf-8").strip()
    return tree


def _read_environment(environ: Mapping[str, str]) -> Tree:
    tree: Tree = {}
    unknown = []
    for name, value in environ.items():
        if name in _SHORT:
            section, key = _SHORT[name]
            tree.setdefault(section, {})[key] = value
        elif name.startswith(_PREFIX):
            section, _, key = name.removeprefix(_PREFIX).lower().partition("__")
            tree.setdefault(section, {})[key] = value
        elif name.startswith(("VELOUR_", "FEDERATION_")) and name not in _OTHER:
            unknown.append(name)
    if unknown:
        raise SettingsInvalid(
            f"The environment sets {', '.join(sorted(unknown))}, which no setting is called. "
            f"Known short names: {', '.join(sorted({*_SHORT, *_OTHER}))}; any other setting is "
            "VELOUR__SECTION__KEY."
        )
    return tree


def _sentence(error: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return (
            f"There is no setting {where}. Compare it with config.ini, where every key stands "
            "with its default."
        )
    return f"The setting {where} is wrong: {error['msg']}."
