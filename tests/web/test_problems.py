import pytest
from flask import request

from app.api.problems import all_errors
from domain.errors import BadUpstream, Limited, StaleWrite, Unavailable
from ports.library.storage import OriginSlow, OriginUnreachable

MEMBERS = {"type", "title", "status", "detail", "error", "request_id"}


def problem_of(response):
    assert response.content_type == "application/problem+json"
    body = response.get_json()
    assert set(body) >= MEMBERS
    assert body["status"] == response.status_code
    assert body["request_id"] == response.headers["X-Request-Id"]
    assert isinstance(body["error"], str)
    return body


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/nothing", 404),
        ("GET", "/api", 404),
        ("POST", "/api/openapi.json", 405),
        ("GET", "/api/v1/nothing", 404),
        ("DELETE", "/api/v1/works", 405),
        ("BREW", "/api/v1/works", 405),
        ("GET", "/api/v1/works/not-a-uuid", 404),
        ("GET", "/api/v1/works/%00", 404),
        ("GET", "/.well-known/nothing", 404),
    ],
)
def test_the_frameworks_own_refusals_are_problems(home, method, path, status):
    response = home.get(path, home.key("read"), method=method)

    assert response.status_code == status
    problem_of(response)


def test_a_wrong_method_says_which_are_right(home):
    response = home.get("/api/v1/works", home.key("read"), method="PUT")

    assert response.headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    ("error", "status", "header"),
    [
        (Limited(retry_after_s=7), 429, ("Retry-After", "7")),
        (Unavailable(), 503, ("Retry-After", "30")),
        (OriginUnreachable(), 502, ("Retry-After", "30")),
        (OriginSlow(), 504, ("Retry-After", "30")),
        (BadUpstream(), 502, None),
        (StaleWrite(), 409, None),
        (RuntimeError("the password is hunter2"), 500, None),
    ],
)
def test_each_family_has_its_status(home, monkeypatch, error, status, header):
    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(type(home.catalogue), "totals", fail)

    response = home.get("/api/v1/instance", home.key("read"))

    assert response.status_code == status
    body = problem_of(response)
    assert "hunter2" not in str(body)
    if header:
        assert response.headers[header[0]] == header[1]


def test_outside_the_api_an_error_is_a_page(home):
    response = home.get("/nothing<script>")

    assert response.status_code == 404
    assert response.mimetype == "text/html"
    assert b"<script>" not in response.data


def test_every_code_names_one_error_and_has_words():
    for error in all_errors():
        assert error.title
        assert error.__doc__
        assert all(part.replace("-", "").isalnum() for part in error.code.split("."))


def test_a_request_id_from_outside_is_not_believed(home):
    response = home.get("/health/live", headers={"X-Request-Id": "mine"})

    assert response.headers["X-Request-Id"] != "mine"
    assert len(response.headers["X-Request-Id"]) == 16


def test_http_1_1_without_a_host_is_refused(home):
    with home.app.test_request_context("/health/live") as context:
        context.request.environ.pop("HTTP_HOST")
        response = home.app.full_dispatch_request()

    assert response.status_code == 400


def test_a_body_over_a_mebibyte_is_refused(home):
    home.app.add_url_rule("/api/echo", view_func=lambda: request.get_data(), methods=["POST"])

    response = home.get("/api/echo", method="POST", data=b"x" * (1024 * 1024 + 1))

    assert response.status_code == 413
    problem_of(response)
