"""What import-linter's lists cannot say: the core imports the standard library and itself only."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INNER = {
    "domain": {"domain"},
    "ports": {"domain", "ports"},
    "app/usecases": {"domain", "ports", "app"},
}
FILES = [(path, root) for root in INNER for path in sorted((ROOT / root).rglob("*.py"))]


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize(("path", "root"), FILES, ids=lambda v: str(v).replace(str(ROOT), ""))
def test_the_core_imports_the_standard_library_and_itself(path, root):
    for name in imported(path):
        top = name.split(".")[0]
        assert top in sys.stdlib_module_names | INNER[root], f"{path.name} imports {name}"
        if top == "app":
            assert name.startswith("app.usecases"), f"{path.name} imports {name}"


def test_no_python_file_grows_past_four_hundred_lines():
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in ("app", "adapters", "ports", "domain", "tests")
        for path in (ROOT / folder).rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 400
    }
    assert long == {}


def test_the_top_level_holds_what_was_agreed():
    allowed = {
        "app", "domain", "adapters", "ports", "config.ini", "wsgi.py", "tests", "requirements.txt",
        "README.md", "pyproject.toml", "Makefile", "CHANGELOG.md", "docs", "deploy",
        "var", "__pycache__",
    }  # fmt: skip
    assert {p.name for p in ROOT.iterdir() if not p.name.startswith(".")} <= allowed
