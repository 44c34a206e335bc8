import re

from openapi_spec_validator import OpenAPIV31SpecValidator

from app.api.openapi import declared_routes


def test_the_document_is_valid_openapi_3_1(home):
    response = home.get("/api/openapi.json")

    assert response.mimetype == "application/json"
    assert response.get_json()["openapi"].startswith("3.1")
    assert list(OpenAPIV31SpecValidator(response.get_json()).iter_errors()) == []


def test_every_route_of_the_api_is_documented(home):
    documented = set(home.get("/api/openapi.json").get_json()["paths"])
    served = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for rule in home.app.url_map.iter_rules()
        if rule.rule.startswith(("/api/v1", "/.well-known", "/health"))
    }

    assert documented == served


def test_every_route_below_v1_needs_a_key(home):
    paths = home.get("/api/openapi.json").get_json()["paths"]

    open_to_all = {path for path, methods in paths.items() if methods["get"].get("security") == []}

    assert open_to_all == {
        "/.well-known/velour", "/.well-known/jwks.json", "/health/live", "/health/ready"
    }  # fmt: skip
    assert all(r.operation.scope for r in declared_routes(home.app) if r.path.startswith("/api/v1"))


def test_the_page_shows_every_operation_and_needs_no_other_host(home):
    page = home.get("/api/docs")
    paths = home.get("/api/openapi.json").get_json()["paths"]

    assert page.mimetype == "text/html"
    assert all(f"GET {path}</code>" in page.text for path in paths)
    assert "<script" not in page.text
    assert not re.search(r"(src|href)=\"?(https?:)?//", page.text)
    assert "style=" not in page.text
