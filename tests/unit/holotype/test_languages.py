"""The names of languages, and what they mean."""

from __future__ import annotations

import langcodes
import pytest

from holotype import MODEL_REGISTRY
from holotype.criteria import KINDS
from holotype.errors import CriterionError
from holotype.languages import known_licences, meant_language, table
from holotype.references.entry import RECORDS
from holotype_codegen.licences import HUB_LICENCES


@pytest.mark.parametrize(
    ("wanted", "tag"),
    [
        ("German", "de"),
        ("Deutsch", "de"),
        ("ger", "de"),
        ("deu", "de"),
        ("Español", "es"),
        ("espanol", "es"),
        ("中文", "zh"),
        ("한국어", "ko"),
        ("日本語", "ja"),
        ("العربية", "ar"),
        ("Bengali", "bn"),
        ("Bangla", "bn"),
        ("Farsi", "fa"),
        ("norwegian bokmål", "nb"),
        ("Norwegian_Bokmal", "nb"),
        ("Simplified Chinese", "zh-hans"),
        ("chinese-hans", "zh-hans"),
        ("Brazilian Portuguese", "pt-br"),
        ("Klingon", "tlh"),
    ],
)
def test_a_language_has_many_names(wanted: str, tag: str) -> None:
    assert meant_language(wanted, {tag}) == tag


@pytest.mark.parametrize("wanted", ["", "xx", "germna", "multilingual", "de!", "-", "all"])
def test_what_is_no_language_is_refused(wanted: str) -> None:
    with pytest.raises(CriterionError, match=r"is no language that is known; .*BCP 47"):
        meant_language(wanted, {"de", "en"})


def test_a_language_that_only_a_record_names_is_known() -> None:
    assert meant_language("QAA-x", {"qaa", "qaa-x"}) == "qaa-x"


def test_a_script_counts_only_where_records_name_scripts() -> None:
    assert meant_language("pt-Latn-BR", {"pt"}) == "pt"
    assert meant_language("zh-Hant-TW", {"zh", "zh-hans"}) == "zh-hant-tw"
    assert meant_language("zh-Hans-CN", {"zh", "zh-hans"}) == "zh-hans"


def test_every_language_of_the_catalogue_has_a_name_or_is_rare() -> None:
    tags = {tag.partition("-")[0] for record in MODEL_REGISTRY for tag in record.languages}
    common = {tag for tag in tags if len(tag) == 2}
    assert len(common) > 100
    assert common - set(table()["languages"]) <= {"sh"}


def test_a_name_belongs_to_one_language_and_every_tag_is_valid() -> None:
    languages = table()["languages"]
    names = [name for each in languages.values() for name in each]
    assert len(names) == len(set(names)) > 1000
    # CLDR has the language before langcodes does.
    assert [tag for tag in languages if not langcodes.tag_is_valid(tag)] == ["tok"]


def test_the_licences_of_the_catalogue_and_of_the_hub_are_known() -> None:
    used = {record.license.lower() for record in MODEL_REGISTRY if record.license}
    assert used | HUB_LICENCES | {"gpl-3.0-only", "isc"} <= known_licences()


def test_the_kinds_are_those_that_holotype_has_records_for() -> None:
    assert tuple(RECORDS) == KINDS
