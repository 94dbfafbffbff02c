"""`--catalogue`, once and several times."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import ModuleType

import pytest
from tests.golden import small_models as small
from tests.unit.holotype.cli.command import FIXTURE, Answer, run

from holotype.catalogue import Catalogue
from holotype.cli import showing
from holotype.records import ModelInfo, Source

OTHER = "acme_other_models"
SAME = small.TINY_DENSE_V1_5
DIFFERENT = replace(small.TINY_DENSE_V2, license="isc", provenance=(("*", "elsewhere"),))
FURTHER = replace(small.TINY_DENSE_V2, id="further")


@pytest.fixture(autouse=True)
def other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second module, with a model of the first, another one of its id, and one of its own."""
    module = ModuleType(OTHER)
    records: dict[str, ModelInfo] = {"SAME": SAME, "DIFFERENT": DIFFERENT, "FURTHER": FURTHER}
    vars(module).update(records)
    vars(module)["CATALOGUE"] = Catalogue(records.values())
    vars(module)["SOURCES"] = {"elsewhere": Source(title="Measured elsewhere")}
    vars(module)["CATALOGUE_VERSION"] = "7"
    monkeypatch.setitem(sys.modules, OTHER, module)


def both(*arguments: str) -> Answer:
    return run("--catalogue", OTHER, *arguments)


def other_first(*arguments: str) -> Answer:
    return run("--catalogue", FIXTURE, *arguments, catalogue=OTHER)


def test_the_models_of_several_modules_are_listed_once_each() -> None:
    listed = both("list", "--ids").stdout.split()
    assert listed == [*run("list", "--ids").stdout.split(), "further"]
    assert (
        f"catalogue {FIXTURE},{OTHER} {small.CATALOGUE_VERSION},7 with" in both("--version").stdout
    )


def test_the_first_module_with_an_id_counts_and_others_are_named() -> None:
    first, later = both("licenses", DIFFERENT.id), other_first("licenses", DIFFERENT.id)
    assert (first.lines[0][5], later.lines[0][5]) == ("mit", "isc")
    told = [line for line in first.stderr.splitlines() if "differs between" in line]
    assert told == [
        f"note: {DIFFERENT.id!r} differs between {FIXTURE} and {OTHER}; that of {FIXTURE} counts"
    ]
    assert f"that of {OTHER} counts" in later.stderr


def test_people_see_the_constant_and_the_sources_of_the_module_that_a_model_is_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(showing, "is_terminal", lambda: True)
    text = other_first("show", DIFFERENT.id).stdout
    assert f"{OTHER}.DIFFERENT" in text and "Measured elsewhere" in text


def test_pages_are_of_one_catalogue() -> None:
    answer = both("docs", "--stdout")
    assert answer.exit_code == 2
    assert "pages are of one catalogue" in answer.stderr
