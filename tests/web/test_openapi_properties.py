"""Schemathesis sends what the document allows, and what it does not, to the application in process.

Nothing may answer with 5xx; every answer must be one that the document describes.
"""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.web.conftest import issue

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


EXAMPLES = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def films(home):
    shelf = home.shelf()
    made = [
        home.film(
            shelf, f"Film {number}", year=1990 + number, tags=("noir",), rating=7.5,
            description="Words", external_ids={"imdb": f"tt{number}"},
        )
        for number in range(12)
    ]  # fmt: skip
    for film in made[:6]:
        home.pictures[film.video.id] = b"RIFF\x10\x00\x00\x00WEBPVP8 "
    home.reader = home.key("read", "stream", "metadata", libraries=[shelf])
    return made


def operations(app):
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    return [result.ok() for result in schema.get_all_operations()]


def check(key, case):
    case.call_and_validate(headers={"Authorization": f"Bearer {key}"}, checks=CHECKS)


def test_what_is_there_is_answered_as_documented(home, films):
    for operation in operations(home.app):
        for film in (films[0], films[-1]):
            ids = {"work_id": str(film.work.id), "video_id": str(film.video.id)}
            wanted = {p: v for p, v in ids.items() if f"{{{p}}}" in operation.path}
            for query in ({}, {"per_page": 3}, {"query": "film"}, {"after": ""}, {"sort": "-year"}):
                check(home.reader, operation.Case(path_parameters=wanted, query=query))


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_whatever_is_asked_is_answered_as_documented(whole, mode):
    key = issue(whole, "read", "stream", "metadata", kind="app")
    for operation in operations(whole):
        if mode.is_negative and not (operation.query or operation.path_parameters):
            continue  # there is nothing to get wrong

        @EXAMPLES
        @given(case=operation.as_strategy(generation_mode=mode))
        def holds(case):
            check(key, case)

        holds()


def test_the_bytes_of_a_film_are_answered_as_documented(whole):
    key = issue(whole, "read", "stream", kind="app")
    (stream,) = [o for o in operations(whole) if o.path.endswith("/stream")]
    for wanted in (
        None,
        "bytes=0-9",
        "bytes=-5",
        "bytes=99999-",
        "bytes=0-1,5-6",
        "lines=1-2",
        "bytes=x",
    ):
        headers = {"Authorization": f"Bearer {key}"} | ({"Range": wanted} if wanted else {})
        case = stream.Case(path_parameters={"video_id": str(whole.video.id)})
        response = case.call_and_validate(headers=headers, checks=CHECKS)
        assert response.status_code in {200, 206, 416}, wanted
