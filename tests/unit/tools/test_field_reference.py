"""docs/fields.md, derived from the schema."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import field_reference
from holotype import ModelInfo, records

ROOT = Path(__file__).parents[3]
SCHEMA: dict[str, Any] = json.loads((ROOT / "schema" / "models.schema.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def text() -> str:
    return field_reference.page(SCHEMA)


def section(text: str, heading: str) -> str:
    found = re.search(rf"^#+ {re.escape(heading)}$(.*?)(?=^#|\Z)", text, re.M | re.S)
    assert found
    return found[1]


def test_the_page_in_docs_is_not_stale() -> None:
    assert field_reference.main(["--check"]) == 0, "run: python tools/field_reference.py"


def test_a_stale_page_is_told_and_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "fields.md"
    assert field_reference.main(["--check", "--output", str(page)]) == 1
    assert "is stale; run: python tools/field_reference.py" in capsys.readouterr().out
    assert not page.exists()


def test_writing_makes_the_page_current(tmp_path: Path, text: str) -> None:
    page = tmp_path / "fields.md"
    assert field_reference.main(["--output", str(page)]) == 0
    assert page.read_text("utf-8") == text
    assert field_reference.main(["--check", "--output", str(page)]) == 0


def test_every_field_of_the_schema_is_on_the_page(text: str) -> None:
    def names(schema: Any) -> set[str]:
        if isinstance(schema, list):
            return {name for each in schema for name in names(each)}
        if not isinstance(schema, dict):
            return set()
        described = {
            name
            for name, field in schema.get("properties", {}).items()
            if isinstance(field, dict) and "title" in field
        }
        return described | {name for each in schema.values() for name in names(each)}

    missing = [name for name in names(SCHEMA) if f"| `{name}` |" not in text]
    assert not missing


def test_every_attribute_of_the_records_is_on_the_page(text: str) -> None:
    classes = [
        each
        for each in vars(records).values()
        if isinstance(each, type) and issubclass(each, ModelInfo)
    ]
    attributes = {name for each in classes for name in each.__dataclass_fields__}
    shown = set(re.findall(r"^\| `\w+` \| `(\w+)` \|", text, re.M))
    assert shown == attributes | {"matryoshka"}


def test_types_are_told_in_words(text: str) -> None:
    assert "| `embedding_dim` | positive integer or `null` | yes |" in section(
        text, "`specs`"
    ).replace("| `embedding_dim` | `embedding_dim` |", "| `embedding_dim` |")
    assert "| number from 0 to 1 or `null` | yes |" in section(text, "`performance`")
    assert '`"punctuation"` or list of strings or `null`' in section(
        text, "`encoding` of the kind `colbert`"
    )


def test_what_depends_on_the_kind_says_so(text: str) -> None:
    assert "| for `dense`, `colbert`, `sparse` and `image-text` |" in section(
        text, "An entry of `models`"
    )
    specs = section(text, "`specs`")
    assert (
        "For `cross-encoder`, `classifier` and `captioner`, `embedding_dim` has the type `null`."
    ) in specs
