"""Small catalogues for the tests of the generator, and ways to break them."""

from __future__ import annotations

import copy
import json
from typing import Any

from holotype_codegen.positions import unescape_token
from holotype_codegen.report import Problem
from holotype_codegen.source import parse_source
from holotype_codegen.validate import find_problems

_ENCODINGS: dict[str, dict[str, Any]] = {
    "dense": {
        "pooling": "mean",
        "normalize": True,
        "similarity": "cosine",
        "query_prompt": "",
        "document_prompt": None,
    },
    "colbert": {
        "query_length": 32,
        "document_length": 180,
        "query_marker": "[Q] ",
        "document_marker": "[D] ",
        "query_expansion": True,
        "attend_to_expansion_tokens": False,
        "skiplist": "punctuation",
    },
    "sparse": {"pooling": "max", "activation": "log1p-relu", "similarity": "dot"},
    "cross-encoder": {"activation": "identity"},
    "classifier": {"activation": "softmax", "labels": ["no", "yes"], "multi_label": False},
    "image-text": {
        "normalize": True,
        "similarity": "sigmoid",
        "query_prompt": "",
        "document_prompt": None,
        "text_padding": "max-length",
        "text_length": 64,
        "lower_case": True,
        "logit_scale": 112.5,
        "logit_bias": -16.75,
    },
    "captioner": {"prompt": "a photo of", "num_beams": 3, "max_length": 20, "min_length": 5},
}
_IMAGES: dict[str, dict[str, Any]] = {
    "image-text": {
        "shortest_edge": 224,
        "crop": [224, 192],
        "resample": "bicubic",
        "rescale": 1 / 255,
        "mean": [0.5, 0.4, 0.3],
        "std": [0.3, 0.2, 0.1],
        "patch_size": 16,
        "tokens": 168,
    },
    "captioner": {"size": [384, 384], "crop": [], "rescale": 1, "patch_size": 16, "tokens": 32},
}
_EMBEDDING_DIMS = {
    **{"dense": 384, "colbert": 128, "sparse": 30522, "two-tower": 64},
    **{"image-text": 512},
}
KINDS = (
    *("dense", "colbert", "sparse", "cross-encoder", "classifier"),
    *("image-text", "captioner", "two-tower"),
)
"""The known kinds, and another one."""


def valid_entry(kind: str = "dense", number: int = 1) -> dict[str, Any]:
    """A complete entry without problems, with an id and a repository of its own."""
    entry: dict[str, Any] = {
        "id": f"tiny-{kind}-v{number}",
        "type": kind,
        "name": f"Tiny {kind} v{number}",
        "huggingface_id": f"acme/tiny-{kind}-v{number}",
        "organization": "Acme",
        "release_date": "2024-05-17",
        "license": "apache-2.0",
        "description": "A model for the tests.",
        "architecture": {"type": "bert", "variant": None, "has_projection": False},
        "specs": {
            "parameters": 30_000_000,
            "embedding_dim": _EMBEDDING_DIMS.get(kind),
            "hidden_dim": 384,
            "context_length": 512,
            "max_position_embeddings": 512,
            "vocab_size": 30522,
        },
        "files": {
            "tokenizer": "tokenizer.json",
            "config": None,
            "weights": {"safetensors": "model.safetensors"},
        },
        "capabilities": {
            "languages": ["en", "zh-Hans"],
            "modalities": ["text"],
            "multi_vector": kind == "colbert",
            "quantization": None,
        },
        "performance": {"beir_avg": 0.5, "ms_marco_mrr10": None},
        "variants": [{"id": "int8", "quantization": "int8"}],
        "dependencies": {"tokenizer_model": None, "requires_remote_code": False},
        "revision": "0123456789abcdef0123456789abcdef01234567",
        "lineage": {"aliases": [f"tiny-{kind}-{number}"], "superseded_by": None},
        "provenance": {"*": "lab", "/specs/embedding_dim": "lab: table 1"},
    }
    if kind == "colbert":
        entry["architecture"] |= {"has_projection": True, "projection_dims": 128}
        entry["architecture"]["matryoshka_dims"] = [64, 128]
        entry["capabilities"]["matryoshka"] = True
    if kind in _IMAGES:
        entry["image"] = copy.deepcopy(_IMAGES[kind])
        entry["capabilities"]["modalities"] = ["text", "image"]
    if kind in _ENCODINGS:
        entry["encoding"] = copy.deepcopy(_ENCODINGS[kind])
    return entry


def valid_catalogue(*entries: dict[str, Any]) -> dict[str, Any]:
    """A catalogue without problems: these entries, or one of each kind."""
    return {
        "version": "1.0.0",
        "sources": {"lab": {"title": "A laboratory", "retrieved": "2024-05"}},
        "models": list(entries) or [valid_entry(kind) for kind in KINDS],
    }


def changed(values: Any, pointer: str, value: Any) -> Any:
    """A copy with another value at a pointer; with no member there where the value is `...`."""
    result = copy.deepcopy(values)
    *parents, last = (unescape_token(token) for token in pointer.split("/")[1:])
    place = result
    for token in parents:
        place = place[int(token)] if isinstance(place, list) else place[token]
    key = int(last) if isinstance(place, list) else last
    if value is ...:
        del place[key]
    elif isinstance(place, list) and key == len(place):
        place.append(value)
    else:
        place[key] = value
    return result


def problems_of(catalogue: Any) -> tuple[Problem, ...]:
    """What the validator says of a catalogue, written with one value a line."""
    return find_problems(parse_source(text_of(catalogue).encode()))


def text_of(catalogue: Any) -> str:
    """The text of a catalogue's file, with one value a line."""
    return json.dumps(catalogue, indent=1, ensure_ascii=False)


def text_at(text: str, problem: Problem) -> str:
    """The text from the place of a problem to the end of its line."""
    return text.split("\n")[problem.line - 1][problem.column - 1 :]


def sentence(problem: Problem) -> str:
    """The three parts of a problem, as its line has them."""
    return f"{problem.found}; {problem.expected}; {problem.action}"
