"""What a model's card says is taken as it is meant, and what is not taken is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.unit.holotype.hub.checkpoints import dense, record, saved

from holotype.encoders.kinds.merge import Comparer
from holotype.hub.card import compare_card


def card(folder: Path, text: str | bytes) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The values that a card gives a record which says nothing, and the notes."""
    data = text if isinstance(text, bytes) else text.encode()
    comparer = Comparer(record(license=None, languages=()))
    notes = compare_card(comparer, saved(folder, dense() | {"README.md": data}))
    said = {each.field: each.theirs.value for each in comparer.comparisons if each.theirs}
    return said, notes


@pytest.mark.parametrize(
    ("language", "tags"),
    [
        ("no", ("no",)),
        ("[da, no, sv]", ("da", "no", "sv")),
        ("\n- da\n- no", ("da", "no")),
        ("EN", ("en",)),
        ("zh_CN", ("zh-CN",)),
        ("[zh-hans, zh-Hans]", ("zh-Hans",)),
        ("[en, code, multilingual]", ("en",)),
        ("on", None),
        ("~", None),
        ("{en: yes}", None),
    ],
)
def test_languages_are_tags_in_their_shortest_form(
    tmp_path: Path, language: str, tags: tuple[str, ...] | None
) -> None:
    said, _ = card(tmp_path, f"---\nlanguage: {language}\n---\n")
    assert said.get("languages") == tags


def test_one_bad_tag_takes_no_good_one_with_it(tmp_path: Path) -> None:
    said, notes = card(tmp_path, "---\nlanguage: [en, english, jp, de]\nlicense: mit\n---\n")
    assert said == {"license": "mit", "languages": ("en", "de")}
    assert notes == (
        "README.md names languages by invalid tags, which are left out: 'english', 'jp'",
    )


def test_one_licence_in_a_list_is_taken(tmp_path: Path) -> None:
    assert card(tmp_path, "---\nlicense: [MIT]\n---\n") == ({"license": "mit"}, ())


@pytest.mark.parametrize(
    ("front", "shown"),
    [
        ("license: {name: mit}", "'license' is {'name': 'mit'}"),
        ("license: mit\nlanguage:\n- en: 1", "'language' is [{'en': '1'}]"),
        ("language: [[en]]", "'language' is [['en']]"),
        ('license: "mi\\et"', r"'license' is 'mi\x1bt'"),
        ('license: "\\ud800"', r"'license' is '\ud800'"),
    ],
)
def test_a_value_that_is_no_text_is_told(tmp_path: Path, front: str, shown: str) -> None:
    said, notes = card(tmp_path, f"---\n{front}\n---\n")
    assert notes == (f"README.md: {shown}; what is no text in one line is left out",)
    assert said == ({"license": "mit"} if "license: mit" in front else {})


def test_of_several_licences_none_is_taken_and_that_is_told(tmp_path: Path) -> None:
    said, notes = card(tmp_path, "---\nlicense:\n- mit\n- apache-2.0\nlanguage: en\n---\n")
    assert said == {"languages": ("en",)}
    assert len(notes) == 1
    assert "README.md names 2 licences, mit, apache-2.0; so it is left null" in notes[0]


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbf---\nlicense: mit\n---\n",
        b"---\r\nlicense: mit\r\n---\r\n# Title\r\n",
        b"\n---\nlicense: mit\n---",
        b"---\nlicense: mit\ndate: 2024-99-99\ntags: [no, on, 1:30]\n---\n",
    ],
    ids=["byte order mark", "Windows", "no line end", "odd values"],
)
def test_front_matter_is_found_however_it_is_saved(tmp_path: Path, text: bytes) -> None:
    assert card(tmp_path, text) == ({"license": "mit"}, ())


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (b"---\nlicense: mit\ntags: [a\n---\n", "README.md: its front matter is not valid YAML ("),
        (b"---\nlicense: \xff\n---\n", "README.md is not UTF-8, so it is ignored"),
    ],
)
def test_a_damaged_card_is_told_and_nothing_is_taken_of_it(
    tmp_path: Path, text: bytes, note: str
) -> None:
    said, notes = card(tmp_path, text)
    assert said == {}
    assert len(notes) == 1
    assert notes[0].startswith(note)


@pytest.mark.parametrize(
    "text", ["# No front matter\n\n---\n", "---\n- a list\n---\n", "---\n---\n", ""]
)
def test_a_card_without_values_says_nothing(tmp_path: Path, text: str) -> None:
    assert card(tmp_path, text) == ({}, ())
