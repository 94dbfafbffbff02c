"""The parity matrix that the tests of parity print."""

from __future__ import annotations

from tests.parity_table import Measurement, Subject, lines, record, recording

BERT = Subject(kind="dense", architecture="bert", format="pylate")
QWEN3 = Subject(kind="cross-encoder", architecture="qwen3", format="transformers")


def test_a_line_shows_the_worst_of_its_options() -> None:
    with recording() as first:
        record(BERT, Measurement(vectors=1e-7, cosine=1.0))
        record(QWEN3, Measurement(scores=3e-7))
    with recording() as second:
        record(BERT, Measurement(vectors=2e-6, cosine=1 - 4e-8, scores=1e-6))
    header, *found = lines([("mean", True, first), ("cls", False, second)])
    assert header.split() == [
        "kind",
        "architecture",
        "format",
        "reference",
        "options",
        "vectors",
        "cosine",
        "scores",
    ]
    assert [line.split() for line in found] == [
        [
            "cross-encoder",
            "qwen3",
            "transformers",
            "sentence-transformers",
            "1",
            "-",
            "-",
            "3.0e-07",
            "pass",
        ],
        [
            "dense",
            "bert",
            "pylate",
            "sentence-transformers",
            "2",
            "2.0e-06",
            "1",
            "-",
            "4e-08",
            "1.0e-06",
            "FAIL",
        ],
    ]


def test_each_option_may_have_a_line() -> None:
    with recording() as rows:
        record(BERT, Measurement(vectors=1e-7, cosine=1.0))
    found = lines([("mean", True, rows), ("cls", True, rows)], each_option=True)
    assert ["cls" in line for line in found] == [False, True, False]
