"""The page on deployments shows what the reader takes, and all of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holotype.deployment.reading import read_text
from holotype.deployment.schema import read_schema
from holotype.deployment.sources import load_deployment

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")


def keys(schema: Any) -> Iterator[str]:
    """Every key that the schema knows."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for each in schema.values():
            yield from keys(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from keys(each)


def test_the_deployment_of_the_page_is_right() -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.M | re.S)
    assert len(read_text(text).models) == 9


def test_the_page_shows_every_key() -> None:
    known = set(keys(json.loads(read_schema())))
    assert len(known) > 40
    assert {key for key in known if not re.search(rf"\b{key}\b", PAGE)} == set()


@pytest.mark.parametrize("name", ["deployment.yaml", "next.yaml", "flat.json"])
def test_the_examples_are_right(name: str) -> None:
    assert load_deployment(ROOT / "examples" / "deployments" / name).deployment.models
