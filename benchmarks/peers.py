"""The peers that run exported graphs, each in its own way and on the same weights."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TOKENS_AT_ONCE = 4096


class Fastembed:
    """fastembed with a model of one's own, as its documentation describes it."""

    def __init__(self, folder: Path) -> None:
        """Open an export for ONNX Runtime in float32."""
        fastembed: Any = importlib.import_module("fastembed")
        description: Any = importlib.import_module("fastembed.common.model_description")
        # A name is taken once and for all in a process.
        name = f"benchmarks/{folder.parent.name}"
        fastembed.TextEmbedding.add_custom_model(
            model=name,
            pooling=description.PoolingType.MEAN,
            normalization=True,
            # Nothing is fetched, since the folder is given; it wants a source all the same.
            sources=description.ModelSource(hf=name),
            dim=384,
            model_file="onnx/model.onnx",
        )
        self._model: Any = fastembed.TextEmbedding(name, specific_model_path=str(folder))

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return ``[n_texts, 384]``."""
        return np.array(list(self._model.embed(texts)))


class PlainOpenvino:
    """OpenVINO as one would use it by hand at its best: sorted texts, batches by their tokens."""

    def __init__(self, folder: Path, precision: str) -> None:
        """Open an export for OpenVINO; `precision` is its name for the type of the arithmetic."""
        openvino: Any = importlib.import_module("openvino")
        tokenizers: Any = importlib.import_module("tokenizers")
        self._tokenizer: Any = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(256)
        self._tokenizer.no_padding()
        self._model: Any = openvino.Core().compile_model(
            str(folder / "openvino" / "openvino_model.xml"),
            "CPU",
            {"INFERENCE_PRECISION_HINT": precision},
        )
        self._request: Any = self._model.create_infer_request()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return ``[n_texts, 384]``."""
        rows = [found.ids for found in self._tokenizer.encode_batch_fast(list(texts))]
        order = sorted(range(len(rows)), key=lambda at: -len(rows[at]))
        vectors = np.empty((len(rows), 384), dtype=np.float32)
        start = 0
        while start < len(order):
            chosen = order[start : start + max(1, _TOKENS_AT_ONCE // len(rows[order[start]]))]
            vectors[chosen] = self._run([rows[at] for at in chosen])
            start += len(chosen)
        return vectors

    def _run(self, rows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        shape = (len(rows), len(rows[0]))
        ids, attended = (np.zeros(shape, dtype=np.int64) for _ in range(2))
        for at, row in enumerate(rows):
            ids[at, : len(row)] = row
            attended[at, : len(row)] = 1
        inputs = {
            "input_ids": ids,
            "attention_mask": attended,
            "token_type_ids": np.zeros_like(ids),
        }
        states = self._request.infer(inputs)[0]
        sums = np.matmul(attended[:, None].astype(np.float32), states)[:, 0]
        unit: NDArray[np.float32] = sums / np.linalg.norm(sums, axis=1, keepdims=True)
        return unit
