"""Checkpoints of a few bytes, file by file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.unit.holotype.hub.server import REPOSITORY, REVISION

from holotype.hub.checkpoint_files import CheckpointFiles, open_folder
from holotype.records import DenseModel

Files = dict[str, bytes]


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


def safetensors(tensors: dict[str, tuple[str, list[int]]]) -> bytes:
    """A header with these types and shapes, and a few bytes in the place of the tensors."""
    header = {
        name: {"dtype": dtype, "shape": shape, "data_offsets": [0, 0]}
        for name, (dtype, shape) in tensors.items()
    }
    text = as_json({"__metadata__": {"format": "pt"}, **header})
    return len(text).to_bytes(8, "little") + text + b"\0" * 64


def bert(**changes: Any) -> Files:
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": 32,
        "vocab_size": 100,
        "max_position_embeddings": 64,
        **changes,
    }
    tensors = {
        "embeddings.word_embeddings.weight": ("F32", [100, 32]),
        "embeddings.position_ids": ("I64", [1, 64]),
    }
    return {
        "config.json": as_json(config),
        "tokenizer_config.json": as_json({"model_max_length": 64}),
        "tokenizer.json": b"{}",
        "model.safetensors": safetensors(tensors),
        "README.md": b"---\nlicense: mit\nlanguage:\n- en\n- code\n---\n# Tiny\n",
    }


def modules(*kinds: str) -> bytes:
    """The list of these modules, the first in the folder itself."""
    return as_json(
        [
            {"idx": at, "name": str(at), "path": f"{at}_{kind.rpartition('.')[2]}" * (at > 0)}
            | {"type": kind}
            for at, kind in enumerate(kinds)
        ]
    )


def dense(**changes: Any) -> Files:
    """A model of sentence-transformers that takes the mean and normalises it."""
    package = "sentence_transformers.models"
    kinds = (f"{package}.Transformer", f"{package}.Pooling", f"{package}.Normalize")
    return bert(**changes) | {
        "modules.json": modules(*kinds),
        "1_Pooling/config.json": as_json({"pooling_mode": "mean"}),
        "sentence_bert_config.json": as_json({"max_seq_length": 48}),
    }


def record(**known: Any) -> DenseModel[Any]:
    """A record that agrees with `dense()` in all that it says."""
    values = {
        "id": "tiny",
        "type": "dense",
        "name": "Tiny",
        "huggingface_id": REPOSITORY,
        "organization": "Tests",
        "description": "A model of the tests.",
        "embedding_dim": 32,
        "revision": REVISION,
        **known,
    }
    return DenseModel(**values)


def saved(folder: Path, files: Files) -> CheckpointFiles:
    for name, body in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(body)
    return open_folder(folder)
