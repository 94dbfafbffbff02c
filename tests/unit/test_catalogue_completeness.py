"""What registries of other projects list is in the catalogue, or left out for a reason."""

from __future__ import annotations

import json
import pkgutil
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
CONVERTED = {
    "BAAI/bge-reranker-v2-m3-int8": "BAAI/bge-reranker-v2-m3",
    "Qdrant/clip-ViT-B-32-text": "sentence-transformers/clip-ViT-B-32",
    "Qdrant/clip-ViT-B-32-vision": "sentence-transformers/clip-ViT-B-32",
    "Qdrant/colmodernvbert": "ModernVBERT/colmodernvbert",
    "Qdrant/colpali-v1.3-fp16": "vidore/colpali-v1.3",
    "Qdrant/stella-en-400M-v5-doc-onnx": "NovaSearch/stella_en_400M_v5",
    "Qwen/Qwen3-Embedding-0.6B-Q": "Qwen/Qwen3-Embedding-0.6B",
    "Xenova/ms-marco-MiniLM-L-12-v2": "cross-encoder/ms-marco-MiniLM-L12-v2",
    "Xenova/ms-marco-MiniLM-L-6-v2": "cross-encoder/ms-marco-MiniLM-L6-v2",
    "nomic-ai/nomic-embed-text-v1.5-Q": "nomic-ai/nomic-embed-text-v1.5",
    "nomic-ai/nomic-embed-vision-v1.5-Q": "nomic-ai/nomic-embed-vision-v1.5",
    "prithvida/Splade_PP_en_v1": "prithivida/Splade_PP_en_v1",
}
"""fastembed's names of models converted to ONNX, and the repository of each original."""

FASTEMBED_ALONE = {
    "Qdrant/Unicom-ViT-B-16": "reads images alone",
    "Qdrant/Unicom-ViT-B-32": "reads images alone",
    "Qdrant/bm25": "counts words, without a network",
    "Qdrant/bm42-all-minilm-l6-v2-attentions": "weights from attention, which nothing here runs",
    "Qdrant/constella-nano": "a preview, as ONNX alone, of queries for stella-en-400m-v5's documents",
    "Qdrant/constella-zero": "a preview, as ONNX alone, of queries for stella-en-400m-v5's documents",
    "Qdrant/minicoil-v1": "a vocabulary of small heads, which nothing here runs",
    "Qdrant/resnet50-onnx": "reads images alone",
}
"""What fastembed lists and the catalogue leaves out, each with the reason."""

FASTEMBED_LISTS = (
    "fastembed.ImageEmbedding",
    "fastembed.LateInteractionMultimodalEmbedding",
    "fastembed.LateInteractionTextEmbedding",
    "fastembed.SparseTextEmbedding",
    "fastembed.TextEmbedding",
    "fastembed.rerank.cross_encoder.TextCrossEncoder",
)


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


@pytest.fixture(scope="module")
def fastembed_ids() -> list[str]:
    """The ids of every registry of the installed fastembed."""
    pytest.importorskip("fastembed")
    registries = [pkgutil.resolve_name(name) for name in FASTEMBED_LISTS]
    return [model["model"] for registry in registries for model in registry.list_supported_models()]


def test_every_model_of_the_installed_fastembed_is_there_or_left_out_for_a_reason(
    fastembed_ids: list[str],
) -> None:
    missing = [
        name
        for name in fastembed_ids
        if CONVERTED.get(name, name).lower() not in HAVE
        and name not in FASTEMBED_ALONE
        and name not in EXCLUDED
    ]
    assert missing == []


def test_what_is_left_out_of_fastembed_is_still_listed_there_and_not_here(
    fastembed_ids: list[str],
) -> None:
    assert set(FASTEMBED_ALONE) | set(CONVERTED) <= set(fastembed_ids)
    assert [name for name in [*FASTEMBED_ALONE, *CONVERTED] if name.lower() in HAVE] == []
