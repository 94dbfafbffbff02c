"""MODELS.md, at the root of the repository, is what the catalogue gives."""

from __future__ import annotations

from pathlib import Path

from holotype.cli.catalogues import OWN, open_catalogue
from holotype.cli.page import page

PAGE = Path(__file__).parents[4] / "MODELS.md"


def test_models_md_is_not_stale() -> None:
    current = PAGE.read_text(encoding="utf-8") == page(open_catalogue(OWN))
    assert current, "run `holotype docs`"
