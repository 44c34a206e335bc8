"""Keys, passwords and tokens of a Jellyfin server are in no log, error, answer, file or row."""

import json
import logging
import traceback
from contextlib import suppress

import pytest

from adapters.storage.jellyfin.session import Credentials
from app import create_app
from app.settings import load_settings
from domain.errors import DomainError
from domain.federation.audit import CLI
from ports.library.storage import CompanionKind
from tests.jellyfin.conftest import KEY, READER, make_client
from tests.jellyfin.fake import API_KEY, FakeJellyfin, Running

PASSWORD = READER.password
ACTS = (
    lambda storage, _: storage.check(),
    lambda storage, _: list(storage.walk()),
    lambda storage, locator: storage.stat(locator),
    lambda storage, locator: b"".join(storage.open(locator, start=0, length=2, etag=None)),
    lambda storage, locator: storage.picture(locator, CompanionKind.POSTER),
)


def all_words(storage, locator):
    """Do everything, and return all that came of it or was raised."""
    told = []
    for act in ACTS:
        try:
            told.append(repr(act(storage, locator)))
        except DomainError as exc:
            told.append("".join(traceback.format_exception(exc)) + repr(exc) + repr(exc.context))
    return "\n".join(told)


@pytest.mark.parametrize("credentials", [KEY, READER], ids=["key", "user"])
@pytest.mark.parametrize("trouble", ["none", "refused", "broken", "nonsense", "address", "off"])
def test_nothing_that_is_said_holds_a_secret(
    server, fake, make_storage, caplog, credentials, trouble
):
    caplog.set_level(logging.DEBUG)
    item = fake.shelf.movie()
    client = make_client(allowed=() if trouble == "address" else ("127.0.0.0/8",))
    storage = make_storage(server.url, credentials, client=client)
    if trouble in {"refused", "broken", "nonsense"}:
        with suppress(DomainError):
            storage.check()
        body = {"refused": ("", 401), "broken": ("", 500), "nonsense": ("<html>", 200)}[trouble]
        for operation in ("GET /Items", "GET /UserViews", "GET /Library/MediaFolders"):
            fake.instead[operation] = body
        fake.instead["HEAD /Videos/{itemId}/stream"] = body
    if trouble == "off":
        server.stop()
    told = all_words(storage, f"{item.id}/{item.id}") + repr(vars(storage)) + str(credentials)
    secrets = [API_KEY, PASSWORD, *fake.tokens]
    for text in (told, caplog.text, "\n".join(map(str, caplog.records))):
        assert not [one for one in secrets if one in text]


@pytest.fixture
def node(tmp_path):
    """A whole node on its own SQLite that may contact this machine."""
    app = create_app(
        load_settings(
            {
                "VELOUR_DATA_DIR": str(tmp_path / "data"),
                "VELOUR__STORAGE__ALLOWED_NETWORKS": "127.0.0.0/8",
                "VELOUR__MEDIA__THUMBNAILS": "false",
            }
        )
    )
    app.extensions["velour"].create_library()(name="Films", actor=CLI)
    return app


@pytest.mark.parametrize(
    "given", [{"api_key": API_KEY}, {"username": "reader", "password": PASSWORD}]
)
def test_a_location_is_added_scanned_and_keeps_its_secret(node, tmp_path, caplog, given):
    caplog.set_level(logging.DEBUG)
    fake = FakeJellyfin()
    fake.shelf.movie()
    fake.shelf.episode()
    server = Running(fake)
    runner = node.test_cli_runner()
    try:
        options = {"base_url": f"{server.url}/", "libraries": "films,Series", **given}
        pairs = [part for k, v in options.items() for part in ("--option", f"{k}={v}")]
        said = [
            runner.invoke(args=["storage", *arguments])
            for arguments in (
                ["add", "jelly", "--type", "jellyfin", "--library", "Films", *pairs, "--json"],
                ["test", "jelly"],
                ["scan", "jelly", "--wait", "--json"],
                ["list", "--json"],
            )
        ]
    finally:
        server.stop()
    assert [one.exit_code for one in said] == [0, 0, 0, 0], [one.output for one in said]
    assert "2 libraries (Films, Series)" in said[1].output
    result = json.loads(said[2].stdout)
    assert result["success"]
    assert result["counts"]["added"] == 2
    (listed,) = json.loads(said[3].output)["items"]
    assert listed["options"]["base_url"] == server.url
    assert "api_key" not in listed["options"]
    assert fake.faults == []
    written = b"".join(one.read_bytes() for one in (tmp_path / "data").rglob("*") if one.is_file())
    secrets = [API_KEY, PASSWORD, *fake.tokens]
    for text in (*(one.output for one in said), caplog.text, written.decode("latin-1")):
        assert not [one for one in secrets if one in text]


def test_a_server_that_answers_nothing_any_more_leaves_all_films(node):
    fake = FakeJellyfin()
    for number in range(30):
        fake.shelf.movie(path=f"/srv/{number}.mkv")
    server = Running(fake)
    runner = node.test_cli_runner()
    add = ["storage", "add", "jelly", "--type", "jellyfin", "--library", "Films"]
    runner.invoke(
        args=[*add, "--option", f"base_url={server.url}", "--option", f"api_key={API_KEY}"]
    )

    def scan():
        said = runner.invoke(args=["storage", "scan", "jelly", "--wait", "--json"])
        return json.loads(said.stdout)

    try:
        assert scan()["counts"]["added"] == 30
        for wrong in (
            ("", 401),
            ("<html>", 200),
            ("", 502),
            ('{"Items":[],"TotalRecordCount":9}', 200),
        ):
            fake.instead["GET /Items"] = wrong
            result = scan()
            assert not result["success"]
            assert result["counts"]["removed"] == 0
            assert "Jellyfin server" in result["message"]
        fake.instead.clear()
        assert scan()["success"]
    finally:
        server.stop()
    with node.extensions["velour"].read_only() as tx:
        (location,) = tx.locations.all()
        assert tx.scans.count_known(location.id) == 30


def test_credentials_are_never_printed():
    assert "hush" not in repr(Credentials(api_key="hush")) + str([Credentials(password="hush")])
