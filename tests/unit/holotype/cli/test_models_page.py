"""MODELS.md and the pages of the families, as they lie in the repository, are not stale."""

from __future__ import annotations

from pathlib import Path

from holotype.cli.catalogues import OWN, open_catalogue
from holotype.cli.family_pages import family_pages
from holotype.cli.models_page import FOLDER, models_page

ROOT = Path(__file__).parents[4]
SHOWN_BY_GITHUB = 500_000
"""Bytes of Markdown that GitHub still renders."""


def test_models_md_is_not_stale() -> None:
    current = (ROOT / "MODELS.md").read_text(encoding="utf-8") == models_page(open_catalogue(OWN))
    assert current, "run `holotype docs`"


def test_the_pages_of_the_families_are_not_stale() -> None:
    found = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / FOLDER).glob("*.md")}
    assert found == family_pages(open_catalogue(OWN)), "run `holotype docs`"


def test_every_page_is_small_enough_to_be_shown() -> None:
    pages = [ROOT / "MODELS.md", *(ROOT / FOLDER).glob("*.md")]
    assert [path.name for path in pages if path.stat().st_size > SHOWN_BY_GITHUB] == []
