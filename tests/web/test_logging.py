import io
import json
import logging

import pytest
import structlog

from app.logging import redact, setup_logging


@pytest.fixture
def lines():
    """What was logged so far, a dictionary a line; logging is as before afterwards."""
    stream, root = io.StringIO(), logging.getLogger()
    kept, level = root.handlers[:], root.level
    setup_logging("info", "json", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    structlog.reset_defaults()
    root.handlers[:] = kept
    root.setLevel(level)


def test_each_request_has_one_line_with_its_id(home, lines):
    key = home.key("read", name="north")
    response = home.get("/api/v1/works?per_page=3", key)

    (line,) = [line for line in lines() if line["event"] == "request"]

    assert line["request_id"] == response.headers["X-Request-Id"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/v1/works", 200)
    assert line["who"] == "peer:north"
    assert line["ms"] >= 0


def test_no_secret_reaches_the_log(home, lines):
    key = home.key("read")
    home.get("/api/v1/ping", key)
    home.get(f"/api/v1/{key}", key)
    home.get("/api/v1/works", query_string={"api_key": key})
    home.get("/s/eyJzZWNyZXQi.c2lnbmF0dXJl/film.mp4")
    structlog.get_logger("x").warning("upstream", authorization=f"Bearer {key}", text=f"sent {key}")
    logging.getLogger("lib").warning("header Authorization: Bearer %s", "opaque-credential")

    text = json.dumps(lines())

    assert key not in text
    assert key[12:30] not in text
    assert "eyJzZWNyZXQi" not in text
    assert "opaque-credential" not in text


def test_a_bug_is_logged_with_its_trace_and_its_request(home, lines, monkeypatch):
    def fail(*_args):
        raise RuntimeError("the cause")

    monkeypatch.setattr(type(home.catalogue), "totals", fail)
    response = home.get("/api/v1/instance", home.key("read"))

    (line,) = [line for line in lines() if line["event"] == "request.failed"]

    assert "the cause" in line["exception"]
    assert line["request_id"] == response.get_json()["request_id"]
    assert "the cause" not in response.text


def test_libraries_log_in_the_same_shape(lines):
    logging.getLogger("gunicorn.error").warning("worker %d was %s", 7, "late")

    (line,) = lines()

    assert (line["event"], line["level"], line["logger"]) == (
        "worker 7 was late",
        "warning",
        "gunicorn.error",
    )


def test_text_for_people(capsys):
    stream = io.StringIO()
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    setup_logging("info", "text", stream)
    structlog.get_logger("x").info("scan.finished", found=3)
    structlog.reset_defaults()
    root.handlers[:] = kept
    root.setLevel(level)

    assert "scan.finished" in stream.getvalue()
    assert "found=3" in stream.getvalue()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("vlr_peer_0123456789abc rest", "vlr_peer_[redacted] rest"),
        ("GET /s/abc.def/film.mp4", "GET /s/[redacted]/film.mp4"),
        ("bearer abc", "bearer [redacted]"),
        ("Basic dXNlcjpwYXNz", "Basic [redacted]"),
    ],
)
def test_secrets_are_made_unreadable(text, shown):
    assert redact(text) == shown
