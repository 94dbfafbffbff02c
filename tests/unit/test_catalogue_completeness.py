"""What registries of other projects list is in the catalogue, or left out for a reason."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from catalogue.facts import mteb_kind, read_lines

ROOT = Path(__file__).parents[2]
MODELS: list[dict[str, Any]] = json.loads((ROOT / "models.json").read_text("utf-8"))["models"]
HAVE = {model["huggingface_id"].lower() for model in MODELS}
EXCLUDED: dict[str, str] = json.loads((ROOT / "tools" / "selection.json").read_text("utf-8"))[
    "excluded"
]
FASTEMBED_ALONE = {
    "prithvida/splade_pp_en_v1": "another spelling of prithivida/Splade_PP_en_v1",
    "qdrant/bm25": "counts words, without a network",
    "qdrant/bm42-all-minilm-l6-v2-attentions": "weights from attention, which nothing here runs",
    "qdrant/minicoil-v1": "a vocabulary of small heads, which nothing here runs",
}


def why_left_out(row: dict[str, Any]) -> str | None:
    """Return why a model of mteb's registry is not in the catalogue; None for no reason."""
    if row["huggingface_id"] in EXCLUDED:
        return EXCLUDED[row["huggingface_id"]]
    if row["is_baseline"]:
        return "a baseline, not a model"
    if "text" not in row["modalities"]:
        return "reads no text"
    if not {"text", "image"} >= set(row["modalities"]):
        return "reads sound or film as well"
    if mteb_kind(row) is None:
        return "of a kind that the catalogue does not have"
    if not re.fullmatch(r"[0-9a-f]{40}", row["revision"] or ""):
        return "pinned to no commit"
    if mteb_kind(row) != "cross-encoder" and row["embed_dim"] is None:
        return "its width is not known"
    return None


def test_the_catalogue_is_large_enough() -> None:
    assert sum(model["capabilities"]["modalities"] == ["text"] for model in MODELS) >= 750


def test_every_model_of_mteb_is_there_or_left_out_for_a_reason() -> None:
    rows = read_lines(ROOT / "tools" / "facts" / "mteb.jsonl")
    missing = [row for name, row in rows.items() if name.lower() not in HAVE]
    assert [row["huggingface_id"] for row in missing if why_left_out(row) is None] == []


def test_nothing_that_is_left_out_is_there() -> None:
    assert [name for name in EXCLUDED if name.lower() in HAVE] == []


def test_the_installed_mteb_lists_nothing_else() -> None:
    mteb = pytest.importorskip("mteb")
    known = {name.lower() for name in read_lines(ROOT / "tools" / "facts" / "mteb.jsonl")}
    known |= HAVE | {name.lower() for name in EXCLUDED}
    listed = [
        meta.name
        for meta in mteb.get_model_metas()
        if meta.open_weights and meta.name and {"text", "image"} >= set(meta.modalities) >= {"text"}
    ]
    assert [name for name in listed if name.lower() not in known] == []


def test_every_text_model_of_the_installed_fastembed_is_there_or_left_out_for_a_reason() -> None:
    fastembed = pytest.importorskip("fastembed")
    listed = [
        model["model"]
        for kind in ("TextEmbedding", "SparseTextEmbedding", "LateInteractionTextEmbedding")
        for model in getattr(fastembed, kind).list_supported_models()
    ]
    left_out = set(FASTEMBED_ALONE) | {"qdrant/clip-vit-b-32-text"}
    missing = [
        name
        for name in listed
        if name.lower().removesuffix("-q") not in HAVE | left_out and name not in EXCLUDED
    ]
    assert missing == []
