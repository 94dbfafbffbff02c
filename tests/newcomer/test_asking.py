"""The first hour of asking the catalogue: each question as it is typed first, in Python and the shell."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import holotype
from holotype import (
    HolotypeError,
    ModelType,
    list_model_ids,
    models_by_language,
    models_by_organization,
    models_by_type,
)

SRC = Path(__file__).parents[2] / "src"

select: Any = holotype.select
"""A newcomer has no type checker yet."""


def typed(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m holotype` as at a prompt."""
    return subprocess.run(
        [sys.executable, "-m", "holotype", *arguments],
        env={**os.environ, "PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ({"language": "german"}, {"language": "de"}),
        ({"language": "Deutsch"}, {"language": "de"}),
        ({"language": "de-DE"}, {"language": "de"}),
        ({"language": "DE"}, {"language": "de"}),
        ({"language": "Simplified Chinese"}, {"language": "zh-Hans"}),
        ({"type": "DENSE"}, {"type": "dense"}),
        ({"type": "CROSS_ENCODER"}, {"type": "cross-encoder"}),
        ({"type": "cross encoder"}, {"type": "cross-encoder"}),
        ({"license": "Apache 2.0"}, {"license": "apache-2.0"}),
        ({"license": "MIT License"}, {"license": "mit"}),
        ({"license": {"MIT"}}, {"license": ["mit"]}),
        ({"organization": "baai"}, {"organization": "BAAI"}),
        ({"organization": "Sentence Transformers"}, {"organization": "sentence-transformers"}),
        ({"modality": "Text"}, {"modality": "text"}),
        ({"min_context_length": "8k"}, {"min_context_length": 8000}),
        ({"max_parameters": "500M"}, {"max_parameters": 500_000_000}),
        ({"max_parameters": "1.5B"}, {"max_parameters": 1_500_000_000}),
        ({"max_memory": "500MB"}, {"max_parameters": 125_000_000}),
        ({"max_memory": "0.5GiB"}, {"max_parameters": 2**27}),
    ],
)
def test_what_is_surely_meant_is_understood(typed: dict[str, Any], meant: dict[str, Any]) -> None:
    assert select(**typed) == select(**meant) != ()


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: select(language="germna"), "did you mean 'de' (german)?"),
        (lambda: select(language=["de"]), "write language='de'"),
        (lambda: select(language={"de"}), "write language='de'"),
        (lambda: select(type="densee"), "did you mean 'dense'?"),
        (lambda: select(type="reranker"), "did you mean 'cross-encoder'?"),
        (lambda: select(matryoshka="yes"), "write matryoshka=True"),
        (lambda: select(modality="images"), "did you mean 'image'?"),
        (lambda: select(license="apache"), "did you mean 'apache-2.0'?"),
        (lambda: select(organization="bai"), "did you mean 'BAAI'?"),
        (lambda: select(max_parameters="500MB"), "is a number of bytes; write 8k, 500M"),
        (lambda: select(max_parameters="lots"), "write 8k, 500M"),
        (lambda: select(min_beir_avg=53.2), "write 0.532 for 53.2 points"),
        (lambda: select(sort_by="params"), "did you mean 'parameters'?"),
        (lambda: select(min_parameters="1B", max_parameters="1M"), "no model can have both"),
        (lambda: models_by_language("germna"), "did you mean 'de' (german)?"),
        (lambda: models_by_type("densee"), "did you mean 'dense'?"),  # type: ignore[call-overload]
        (lambda: models_by_organization("bai"), "did you mean 'BAAI'?"),
        (lambda: list_model_ids("bge"), "write 'bge*'"),
    ],
)
def test_what_no_model_can_have_is_one_line_with_a_suggestion(
    ask: Callable[[], object], words: str
) -> None:
    with pytest.raises(HolotypeError) as caught:
        ask()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_lists_by_one_criterion_understand_the_same() -> None:
    assert models_by_language("German") == models_by_language("de") != ()
    assert models_by_type("CROSS_ENCODER") == models_by_type(ModelType.CROSS_ENCODER) != ()  # type: ignore[call-overload]
    assert models_by_organization("baai") == models_by_organization("BAAI") != ()
    assert list_model_ids("BGE-*") == list_model_ids("bge-*") != ()


@pytest.mark.parametrize(
    ("typed_so", "meant"),
    [
        (("-l", "german"), ("-l", "de")),
        (("--type", "CROSS_ENCODER"), ("--type", "cross-encoder")),
        (("--license", "Apache 2.0"), ("--license", "apache-2.0")),
        (("--max-memory", "500MB"), ("--max-parameters", "125M")),
        (("BGE-*",), ("bge-*",)),
    ],
)
def test_the_command_line_understands_the_same(
    typed_so: tuple[str, ...], meant: tuple[str, ...]
) -> None:
    found = typed("list", "--ids", *typed_so)
    assert found.returncode == 0, found.stderr
    assert found.stdout == typed("list", "--ids", *meant).stdout != ""


def test_the_command_line_says_how_many_models_a_bound_cannot_judge() -> None:
    shown = typed("list", "--max-memory", "500MB", "--ids").stderr
    unknown = sum(model.weights_bytes is None for model in select())
    assert f"max_memory leaves out {unknown} models with unknown parameters" in shown


def test_scores_have_one_unit_in_tables_and_filters() -> None:
    page = typed("docs", "--stdout").stdout
    best = max(select(min_beir_avg=0.5), key=lambda model: model.beir_avg)
    line = next(line for line in page.splitlines() if line.startswith(f"| [{best.id}]"))
    assert f"| {best.beir_avg:.3f} |" in line


def test_the_version_is_where_people_look_for_it() -> None:
    assert holotype.__version__
    shown = typed("--version").stdout
    assert shown.startswith(f"holotype {holotype.__version__}, catalogue holotype.models")
