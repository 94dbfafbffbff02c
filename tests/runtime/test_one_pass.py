"""Several heads read the token vectors of one pass, with and without padding."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.runtime.architectures import HIDDEN, save_architecture

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.modules import LinearSpec, NormalizeSpec, PoolingSpec
from holotype.encoders.checkpoints.settings import read_checkpoint
from holotype.encoders.inputs.rows import Row
from holotype.encoders.running.network import Output
from holotype.encoders.torch_backend.backbone import open_backbone, place
from holotype.encoders.torch_backend.layers import LayersHead
from holotype.encoders.torch_backend.packed_backbone import PackedBackbone
from holotype.encoders.torch_backend.tensors import read_tensors
from holotype.encoders.torch_backend.transformer import Head, HeadedTransformer, Transformer
from holotype.encoders.torch_backend.transformer_opening import open_transformer
from holotype.encoders.torch_backend.word_heads import TokenHead, WordHead

N_WORDS = 15
LINEAR = LinearSpec(
    folder=Checkpoint(Path()),
    in_dim=HIDDEN,
    out_dim=8,
    bias=False,
    activation="torch.nn.Identity",
    residual=False,
)


def some_rows() -> list[Row]:
    """Rows of 1 to 20 tokens, of which the first does not count."""
    generator = np.random.default_rng(7)
    found = []
    for n_tokens in [20, 3, 3, 7, 1, 20]:
        ids = generator.integers(4, N_WORDS, n_tokens).tolist()
        whole = [True] * n_tokens
        found.append(Row(ids, [0] * n_tokens, whole, [at > 0 for at in range(n_tokens)]))
    return found


def by_row(outputs: Iterator[Output]) -> dict[int, NDArray[np.float32]]:
    """Return what a head gives for each row: of a vector per token those that count."""
    return {
        index: vectors[mask[: len(vectors)]] if vectors.ndim == 2 else vectors
        for indices, batch, counted in outputs
        for index, vectors, mask in zip(indices, batch, counted, strict=True)
    }


def heads_of(transformer: Transformer) -> list[Head]:
    generator = torch.Generator().manual_seed(3)
    pooled = (PoolingSpec(modes=("mean",)), NormalizeSpec())
    projection = {"linear.weight": torch.randn(8, HIDDEN, generator=generator)}
    weight, bias = torch.randn(1, HIDDEN, generator=generator), torch.ones(1)
    return [
        LayersHead(transformer, pooled, dim=HIDDEN, normalized=True),
        LayersHead(transformer, (LINEAR,), dim=8, normalized=False, projection=projection),
        WordHead(TokenHead(weight, bias, torch.tensor([5]), N_WORDS)),
    ]


@pytest.mark.parametrize("batch_size", [None, 4])
def test_heads_share_a_pass_packed_or_padded(batch_size: int | None, tmp_path: Path) -> None:
    save_architecture("BertModel", tmp_path)
    checkpoint = Checkpoint(tmp_path)
    settings, tensors = read_checkpoint(checkpoint), read_tensors(checkpoint)
    packed, padded = (
        opened(settings, tensors, place("cpu", "float32"))
        for opened in (open_transformer, open_backbone)
    )
    assert isinstance(packed, PackedBackbone)
    rows = some_rows()
    together: list[dict[int, NDArray[np.float32]]] = [{}, {}, {}]
    heads = heads_of(packed)
    for batch in packed.batches(rows, batch_size):
        vectors = packed.token_vectors(batch)
        for found, head in zip(together, heads, strict=True):
            outputs = head.outputs(vectors, batch)
            found |= by_row((indices, ready(), counted) for indices, ready, counted in outputs)
    for found, head in zip(together, heads_of(padded), strict=True):
        alone = by_row(HeadedTransformer(padded, head).run(rows, batch_size))
        assert found.keys() == alone.keys() == set(range(len(rows)))
        for index, expected in alone.items():
            np.testing.assert_allclose(found[index], expected, atol=1e-5)
