"""Who the node is to a Jellyfin server, and what it says when it is not let in."""

import json
import re
import ssl
import threading

import pytest
from flask import request

from adapters.storage.http_objects import OriginClosed
from adapters.storage.jellyfin.options import JellyfinOptions, jellyfin_kind
from adapters.storage.jellyfin.session import Credentials
from adapters.storage.registry import StorageRegistry
from domain.library.storage_location import StorageType
from ports.library.storage import FoundObject, OptionsInvalid, StorageEmpty, StorageUnreachable
from tests.federation.servers import RawServer, respond
from tests.jellyfin.conftest import READER, make_client
from tests.jellyfin.fake import Running


def names(storage):
    return [one.name for one in storage.walk() if isinstance(one, FoundObject)]


def refused(act):
    """Return the sentence of a refusal; an empty place would be a lie."""
    with pytest.raises(StorageUnreachable) as caught:
        act()
    assert not isinstance(caught.value, StorageEmpty)
    return str(caught.value)


def test_check_names_the_server_its_version_and_its_libraries(storage, fake):
    fake.shelf.movie()
    fake.shelf.episode()
    version = re.escape(fake.described.version)
    assert re.fullmatch(
        rf"Jellyfin {version} on attic: 2 libraries \(Films, Series\)", storage.check()
    )


def test_a_user_signs_in_once_and_reads(server, fake, make_storage):
    fake.shelf.movie()
    storage = make_storage(server.url, READER)
    assert "1 library" in storage.check()
    assert names(storage) == ["Heat.mkv"]
    assert fake.sign_ins == 1


def test_a_session_that_ended_is_renewed_in_the_middle_of_a_walk(
    server, fake, make_storage, monkeypatch
):
    monkeypatch.setattr("adapters.storage.jellyfin.catalogue.BATCH", 2)
    for number in range(6):
        fake.shelf.movie(path=f"/srv/{number}.mkv")
    storage = make_storage(server.url, READER)
    walk = storage.walk()
    next(walk)
    fake.expire()
    assert len(list(walk)) == 5
    assert fake.sign_ins == 2


def test_threads_that_are_refused_together_sign_in_once(server, fake, make_storage):
    film = fake.shelf.movie()
    storage = make_storage(server.url, READER)
    storage.check()
    fake.expire()
    fake.shelf.library("Other")
    together = threading.Barrier(4)

    def act():
        together.wait()
        storage.check()

    threads = [threading.Thread(target=act) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(10)
    assert names(storage) == [film.fields["Path"].rpartition("/")[2]]
    assert len(fake.tokens) == 1


def test_a_key_that_is_withdrawn_in_the_middle_ends_the_walk(storage, fake, monkeypatch):
    monkeypatch.setattr("adapters.storage.jellyfin.catalogue.BATCH", 2)
    for number in range(6):
        fake.shelf.movie(path=f"/srv/{number}.mkv")
    walk = storage.walk()
    next(walk)
    fake.keys.clear()
    assert "does not accept the API key" in refused(lambda: list(walk))


@pytest.mark.parametrize(
    ("credentials", "words"),
    [
        (Credentials(api_key="f" * 32), "does not accept the API key"),
        (Credentials(username="reader", password="guess"), "user name or the password is wrong"),
        (
            Credentials(username="nobody", password="let me in"),
            "user name or the password is wrong",
        ),
        (Credentials(username="barred", password="x"), "disabled"),
    ],
)
def test_who_is_not_let_in_is_told_why(server, fake, make_storage, credentials, words):
    fake.users["barred"] = {"password": "x", "disabled": True}
    fake.shelf.movie()
    storage = make_storage(server.url, credentials)
    for act in (storage.check, lambda: list(storage.walk())):
        assert words in refused(act)
    with pytest.raises(OriginClosed):
        storage.check()


def test_a_wrong_password_is_not_tried_again_and_again(server, fake, make_storage):
    now = [0.0]
    wrong = Credentials(username="reader", password="guess")
    fake.shelf.movie()
    storage = make_storage(server.url, wrong, monotonic=lambda: now[0])
    for _ in range(5):
        assert "password is wrong" in refused(storage.check)
    assert fake.sign_ins == 1
    fake.users["reader"]["password"] = "guess"
    now[0] += 61
    assert storage.check()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"ProductName": "Emby Server"}, "does not answer like a Jellyfin server"),
        ({"ProductName": None}, "does not answer like a Jellyfin server"),
        ({"Version": None}, "does not answer like a Jellyfin server"),
        ({"Version": "10.9.11"}, "runs Jellyfin 10.9.11; 10.10 is needed"),
        ({"Version": "9.99"}, "10.10 is needed"),
        ({"StartupWizardCompleted": False}, "set-up of the Jellyfin server is not finished"),
    ],
)
def test_servers_that_will_not_do_are_told_apart(storage, fake, said, words):
    fake.shelf.movie()
    fake.info = said
    for act in (storage.check, lambda: list(storage.walk())):
        assert words in refused(act)


@pytest.mark.parametrize("version", ["10.10.0", "10.11.5", "11.0", "12.0.0-rc1"])
def test_newer_servers_will_do(storage, fake, version):
    fake.shelf.movie()
    fake.info = {"Version": version}
    assert version in storage.check()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("302 Found", "redirects"),
        ("404 Not Found", "does not answer like a Jellyfin server"),
        ("502 Bad Gateway", "answers with status 502"),
        ("503 Service Unavailable", "starting or under maintenance"),
        ("429 Too Many Requests", "status 429"),
    ],
)
def test_other_answers_are_told_apart(make_storage, status, words):
    with RawServer(lambda _request, sock: respond(sock, b"<html>", status=status)) as raw:
        assert words in refused(make_storage(raw.url).check)


def test_an_address_that_is_not_allowed_names_the_setting(server, make_storage):
    storage = make_storage(server.url, client=make_client(allowed=()))
    words = refused(storage.check)
    assert "storage.allowed_networks" in words
    assert "FEDERATION" not in words


def test_a_server_that_is_switched_off_is_unreachable(server, make_storage):
    storage = make_storage(server.url)
    server.stop()
    assert "the connection was refused" in refused(storage.check)


def test_a_server_that_speaks_no_tls_is_told_so(server, make_storage):
    words = refused(make_storage(server.url.replace("http:", "https:")).check)
    assert "does not speak TLS" in words


def test_a_base_url_may_have_a_path(fake, make_storage):
    fake.shelf.movie()
    inner = fake.app.wsgi_app

    def mounted(environ, start_response):
        path = environ["PATH_INFO"]
        if not path.startswith("/media/jellyfin/"):
            start_response("404 Not Found", [("Content-Length", "0")])
            return [b""]
        environ["PATH_INFO"] = path.removeprefix("/media/jellyfin")
        return inner(environ, start_response)

    fake.app.wsgi_app = mounted
    running = Running(fake)
    try:
        storage = make_storage(f"{running.url}/media/jellyfin")
        (found,) = storage.walk()
        assert storage.stat(found.locator).size_bytes == 4
    finally:
        running.stop()


def test_the_sign_in_is_one_small_post(server, fake, make_storage):
    seen = []

    def keep():
        seen.append((request.headers.to_wsgi_list(), request.get_data()))
        return "", 401

    fake.instead["POST /Users/AuthenticateByName"] = keep
    credentials = Credentials(username='Zoë "Z"', password='p"ä\r\nss')
    refused(make_storage(server.url, credentials).check)
    ((headers, body),) = seen
    assert json.loads(body) == {"Username": 'Zoë "Z"', "Pw": 'p"ä\r\nss'}
    assert [value for name, value in headers if name == "Content-Length"] == [str(len(body))]
    assert dict(headers)["Content-Type"] == "application/json"
    assert "Token" not in dict(headers)["Authorization"]


def test_a_key_cannot_smuggle_anything_into_the_header(make_storage):
    with RawServer(lambda _request, sock: respond(sock, status="401 No")) as raw:
        key = 'x", Evil="1\r\nX-Evil: 1'
        storage = make_storage(raw.url, Credentials(api_key=key))
        refused(storage._client.libraries)
        refused(lambda: storage.stat(f"{'a' * 32}/b"))
        assert len(raw.requests) == 3  # a HEAD that is refused is tried as a GET
        assert all('Token="x%22%2C%20Evil' in one for one in raw.requests)
        assert not any("\r\nX-Evil" in one or 'Evil="' in one for one in raw.requests)


# -- options


def options(**given):
    kind = jellyfin_kind(documents=None, origins=None, max_objects=10)
    registry = StorageRegistry({StorageType.JELLYFIN: kind}, secrets_of=lambda _: {})
    return registry.check_options(StorageType.JELLYFIN, given)


def test_secrets_are_kept_apart_from_other_options():
    assert options(base_url="https://host/jellyfin/", api_key="k", libraries="A,  B,,") == (
        {"base_url": "https://host/jellyfin", "libraries": "A, B"},
        {"api_key": "k"},
    )
    assert options(base_url="http://192.168.1.5:8096", username="me", password="p") == (
        {"base_url": "http://192.168.1.5:8096", "username": "me"},
        {"password": "p"},
    )


def test_a_secret_that_is_not_needed_is_not_kept():
    _, secret = options(base_url="https://host", username="me", password="p", api_key="k")
    assert secret == {"password": "p"}
    _, secret = options(base_url="https://host", username="", password="p", api_key="k")
    assert secret == {"api_key": "k"}


def test_a_user_may_have_no_password():
    assert options(base_url="https://host", username="me", password="") == (
        {"base_url": "https://host", "username": "me"},
        {},
    )


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "base_url"),
        ({"base_url": "jellyfin.example.org", "api_key": "k"}, "base_url"),
        ({"base_url": "ftp://host", "api_key": "k"}, "base_url"),
        ({"base_url": "https://", "api_key": "k"}, "base_url"),
        ({"base_url": "https://host:99999", "api_key": "k"}, "base_url"),
        ({"base_url": "https://host/web/#/home", "api_key": "k"}, "base_url"),
        ({"base_url": "https://host/?api_key=k", "api_key": "k"}, "base_url"),
        ({"base_url": "https://me:secret@host", "api_key": "k"}, "base_url"),
        ({"base_url": "https://ho st", "api_key": "k"}, "base_url"),
        ({"base_url": "https://hö.st/", "api_key": "k"}, "base_url"),
        ({"base_url": "https://host"}, "api_key"),
        ({"base_url": "https://host", "password": "p"}, "api_key"),
        ({"base_url": "https://host", "api_key": ""}, "api_key"),
        ({"base_url": "https://host", "api_key": "k" * 1001}, "api_key"),
        ({"base_url": "https://host", "api_key": "k", "token": "x"}, "token"),
    ],
)
def test_a_wrong_option_is_named_without_its_value(given, field):
    with pytest.raises(OptionsInvalid) as caught:
        options(**given)
    assert caught.value.field == field
    assert field in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "kkkk" not in str(caught.value)


def test_every_option_is_explained():
    assert all(field.description for field in JellyfinOptions.model_fields.values())


def test_tls_is_verified_with_the_systems_certificates():
    outbound, _ = make_client()
    context = outbound._dialer._tls
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
