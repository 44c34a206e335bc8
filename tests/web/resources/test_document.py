"""The OpenAPI document of the area, and answers held to it; the hourly job."""

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.usecases.resources.collecting import COLLECT
from tests.web.resources.conftest import API, PASSWORD


@pytest.fixture
def document(node):
    return node.app.test_client().get("/api/openapi.json").get_json()


def held_to(document, path, method, answer):
    described = document["paths"][API + path][method]["responses"][str(answer.status_code)]
    schema = described["content"]["application/json"]["schema"]
    whole = {**schema, "components": document["components"]}
    jsonschema.validate(answer.get_json(), whole, format_checker=jsonschema.FormatChecker())


def test_the_document_is_valid_and_names_every_route(node, document):
    OpenAPIV31SpecValidator(document).validate()
    described = {path for path in document["paths"] if path.startswith(API)}
    rules = {r.rule.replace("<", "{").replace(">", "}") for r in node.app.url_map.iter_rules()}
    assert described == {rule for rule in rules if rule.startswith(API)}
    assert "token" in document["components"]["securitySchemes"]
    for path in described - {f"{API}/login"}:
        for operation in document["paths"][path].values():
            assert operation["security"] == [{"token": []}]


def test_answers_are_as_the_document_says(node, document):
    uma = node.signed_in("uma", "ResourceUploader")
    login = uma.http.post(f"{API}/login", json={"email": "uma@example.org", "password": PASSWORD})
    held_to(document, "/login", "post", login)
    held_to(document, "/users/current", "get", uma.ask("GET", "/users/current"))
    held_to(document, "/resources/check", "post", uma.check())
    held_to(document, "/resources/cdn", "get", uma.plan("Models", "a.bin", 10))
    sealed = uma.upload("Models", "a.bin", b"x" * 2000)
    held_to(document, "/resources/{folder}", "post", uma.publish("Models", sealed))
    listed = uma.ask("GET", "/resources/list/Models")
    held_to(document, "/resources/list/{folder}", "get", listed)
    held_to(document, "/resources/get/{folder}", "post", uma.deliver("Models", "a.bin"))
    held_to(document, "/resources/cdn", "get", uma.address("Models", "a.bin"))


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "folder"), ({"folder": "Models"}, "name"), ({"folder": ["Models", "x"], "name": "a"}, "folder"),
        ({"folder": "Models", "name": "a", "purpose": "delete"}, "purpose"),
        ({"folder": "Models", "name": "a", "version": "-1"}, "version"),
        ({"folder": "Models", "name": "a", "version": "0"}, "version"),
        ({"folder": "Models", "name": "a", "purpose": "write"}, "length"),
        ({"folder": "Models", "name": "a", "purpose": "write", "length": "1e9"}, "length"),
    ],
    ids=str,
)  # fmt: skip
def test_a_question_that_cannot_be_read_names_its_field(node, query, field):
    uma = node.signed_in("uma", "ResourceUploader")
    answer = uma.ask("GET", "/resources/cdn", query_string=query)
    assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (400, field)


def test_the_hourly_round_asks_for_a_collection_once(node):
    worker = node.container.worker()
    worker.tidy_up()
    worker.tidy_up()

    with node.container.read_only() as tx:
        assert tx.jobs.find_live(COLLECT) is not None
        assert len(tx.jobs.recent(limit=10)) == 1
    assert node.collect() == {"versions": 0, "objects": 0, "unfinished": 0}


def test_without_resources_nothing_is_collected(make_node):
    off = make_node(RESOURCES_ENABLED="false")
    off.container.worker().tidy_up()
    with off.container.read_only() as tx:
        assert tx.jobs.recent(limit=10) == []
