"""docs/openapi.json is what the application serves with every area on; UPDATE_DOCS=1 rewrites it."""

import json
import os
from pathlib import Path

from app import create_app
from app.settings import load_settings

FILE = Path(__file__).parents[2] / "docs" / "openapi.json"


def test_the_committed_document_is_the_one_that_is_served(tmp_path):
    every_area = {"VELOUR_DATA_DIR": str(tmp_path), "RESOURCES_ENABLED": "true"}
    app = create_app(load_settings(every_area))
    served = app.test_client().get("/api/openapi.json").get_json()

    if os.environ.get("UPDATE_DOCS"):
        FILE.write_text(json.dumps(served, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    assert json.loads(FILE.read_text()) == served, "stale: run the tests with UPDATE_DOCS=1"
