"""The examples of search, reranking, hybrid search, classification and pictures run, and find what they should."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests import warm_process

pytestmark = pytest.mark.usefixtures("_warm_process")

ROOT = Path(__file__).parents[2]


def lines_of(example: str) -> list[str]:
    run = warm_process.run([str(ROOT / "examples" / example)], ROOT)
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


def test_semantic_search_puts_the_right_document_first() -> None:
    _, *rest = lines_of("semantic_search.py")
    best = {rest[at + 1]: rest[at + 2].strip().partition("  ")[2] for at in range(0, len(rest), 4)}
    assert best == {
        "Why does bread get fluffy?": (
            "Yeast turns sugar into carbon dioxide, which makes dough rise."
        ),
        "How do insects communicate?": "Bees tell each other where flowers are by dancing.",
        "What protects people against infections?": (
            "A vaccine shows the body a harmless part of a germ."
        ),
    }


def test_late_interaction_puts_the_right_candidate_first() -> None:
    lines = lines_of("colbert_rerank.py")
    first = lines[lines.index("with one vector per token") + 1]
    assert first.endswith("The Danube flows through Vienna, Bratislava, Budapest and Belgrade.")


def test_hybrid_search_is_right_where_each_search_alone_fails() -> None:
    lines = lines_of("hybrid_search.py")
    table = lines[next(at for at, line in enumerate(lines) if line.startswith("rank of")) + 1 :]
    places = {line[:62].strip(): line[62:].split() for line in table}
    assert places.pop("right at rank 1")[-3:] == ["8", "of", "8"]
    by_meaning, by_words, by_both = zip(*places.values(), strict=True)
    assert {*by_both} == {"1"}
    assert any(place != "1" for place in by_meaning)
    assert any(place != "1" for place in by_words)
    # Each question is one that a search alone gets wrong.
    assert all(
        meaning != "1" or words != "1" for meaning, words in zip(by_meaning, by_words, strict=True)
    )


def test_the_taught_classifier_tells_new_sentences_apart() -> None:
    labels = [line.split()[0] for line in lines_of("classify.py")]
    assert labels == ["weather", "sport", "food", "money"]


def test_a_picture_search_finds_what_was_drawn() -> None:
    lines = [line.split() for line in lines_of("image_search.py")]
    found = {(words[1], words[4]): words[5] for words in lines if words[0] == "a"}
    assert len(found) == 12
    right = [name == "-".join(pair) for pair, name in found.items()]
    assert sum(right) >= 10
    assert ["(a", "drawing)", "blue-white"] in lines
    assert any(words[:2] == ["shows", "a"] for words in lines)


def test_captions_of_a_folder_name_what_was_drawn() -> None:
    lines = [line.split() for line in lines_of("caption_folder.py")]
    assert any(words[0] == "notes.png" and words[1] == "begins" for words in lines)
    found = {words[0]: words[2:6] for words in lines if words[0] != "notes.png"}
    assert len(found) == 12
    right = [
        name == f"{words[0]}-{words[3]}.png" for name, words in found.items() if len(words) == 4
    ]
    assert sum(right) >= 10
