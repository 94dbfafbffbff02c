"""Whatever lengths texts have, oneDNN sees few numbers of rows, and attention few lengths of rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.runtime.architectures import save_architecture
from torch.nn import functional
from transformers import AutoModel

from holotype.encoders.inputs.rows import Row
from holotype.encoders.running.packing import pack
from holotype.encoders.torch_backend import attention
from holotype.encoders.torch_backend.attention import TokenBatch
from holotype.encoders.torch_backend.forwards import packed_forward
from holotype.encoders.torch_backend.linear_map import OneDnnLinearMap
from holotype.encoders.torch_backend.row_counts import (
    BY_ROWS,
    BY_TILES,
    LARGEST,
    RowCounts,
)

CPU = torch.device("cpu")
LADDERS = pytest.mark.parametrize("counts", [BY_ROWS, BY_TILES], ids=["rows", "tiles"])


@LADDERS
def test_5000_numbers_of_rows_run_in_a_few_dozen(counts: RowCounts) -> None:
    seen = {piece for n_rows in range(1, 5001) for piece in counts.pieces(n_rows)}
    assert seen <= set(counts.ladder)
    assert len(counts.ladder) <= 32
    assert max(counts.ladder) == LARGEST


@pytest.mark.parametrize(("counts", "share"), [(BY_ROWS, 0.21), (BY_TILES, 0.48)])
def test_pieces_hold_all_rows_and_few_more(counts: RowCounts, share: float) -> None:
    assert counts.pieces(0) == counts.ladder[:1]
    for n_rows in range(1, 5001):
        n_more = sum(counts.pieces(n_rows)) - n_rows
        # The first 25 rows cost what reading the weights does.
        assert 0 <= n_more <= share * (n_rows + 25)
    for n_rows in counts.ladder:
        assert counts.pieces(n_rows) == (n_rows,)


@pytest.mark.parametrize("n_rows", [0, 1, 15, 16, 300, 1500])
@pytest.mark.parametrize("shape", ["flat", "one batch"])
def test_maps_of_any_number_of_rows_give_the_same(n_rows: int, shape: str) -> None:
    torch.manual_seed(0)
    weight, bias = torch.randn(48, 32), torch.randn(48)
    mapped = OneDnnLinearMap(weight, bias, BY_ROWS)
    vectors, residual = torch.randn(n_rows, 32), torch.randn(n_rows, 48)
    if shape == "one batch":
        vectors, residual = vectors[None], residual[None]
    exact = functional.linear(vectors, weight, bias)
    for found, expected in (
        (mapped(vectors), exact),
        (mapped.gelu(vectors), functional.gelu(exact)),
        (mapped.tanh_gelu(vectors), functional.gelu(exact, approximate="tanh")),
        (mapped.silu(vectors), functional.silu(exact)),
        (mapped.add_to(residual, vectors), exact + residual),
    ):
        torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-5)


def test_a_map_runs_with_no_other_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    mapped = OneDnnLinearMap(torch.randn(8, 4), None, BY_ROWS)
    seen: set[int] = set()
    run = mapped._run

    def watch(vectors: torch.Tensor, *options: Any) -> torch.Tensor:
        seen.add(vectors.shape[0])
        return run(vectors, *options)

    monkeypatch.setattr(mapped, "_run", watch)
    for n_rows in range(1, 2500):
        assert mapped(torch.zeros(n_rows, 4)).shape == (n_rows, 8)
    assert seen == set(BY_ROWS.ladder)


@LADDERS
def test_a_number_that_comes_again_and_again_is_not_padded(counts: RowCounts) -> None:
    assert sum(counts.pieces(50)) > 50
    assert counts.including(50).pieces(50) == (50,)
    assert counts.including(577).pieces(577) == (577,)
    assert counts.including(50).pieces(49) in ((50,), counts.pieces(49))


@pytest.mark.parametrize("tiles", [True, False])
def test_attention_sees_few_lengths_where_tiles_multiply(
    tiles: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention, "multiplies_by_tiles", lambda: tiles)
    lengths = {attention.padded_length(n, torch.bfloat16, CPU) for n in range(1, 513)}
    assert len(lengths) == (9 if tiles else 512)
    assert attention.padded_length(9, torch.float32, CPU) == 9
    for n_tokens in range(1, 5000):
        assert n_tokens <= attention.padded_length(n_tokens, torch.bfloat16, CPU)


@pytest.mark.parametrize("name", ["BertModel", "MPNetModel", "ModernBertModel", "Qwen3Model"])
@pytest.mark.parametrize("all_attended", [True, False])
def test_rows_in_blocks_with_padding_equal_rows_on_their_own(
    name: str, all_attended: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In float32, in which the difference would show, with the blocks of bfloat16."""

    def padded_length(n_tokens: int, _dtype: torch.dtype, _device: torch.device) -> int:
        return -(-n_tokens // 8) * 8

    monkeypatch.setattr(attention, "padded_length", padded_length)
    monkeypatch.setattr("holotype.encoders.torch_backend.bert_forward.padded_length", padded_length)
    save_architecture(name, tmp_path)
    build: Any = AutoModel.from_pretrained
    model = build(tmp_path, dtype=torch.float32).eval()
    generator = np.random.default_rng(3)
    rows = [
        Row(
            generator.integers(4, 10, n_tokens).tolist(),
            [0] * n_tokens,
            [all_attended or at == 0 or bool(generator.random() < 0.7) for at in range(n_tokens)],
            [True] * n_tokens,
        )
        for n_tokens in (1, 2, 2, 2, 2, 2, 3, 3, 3, 5, 8, 8, 9, 20)
    ]
    with torch.inference_mode():
        expected = [
            model(
                input_ids=torch.tensor([row.ids]),
                attention_mask=torch.tensor([row.attended]).long(),
            )[0][0]
            for row in rows
        ]
        forward = packed_forward(model, has_types=True)
        assert forward is not None
        (batch,) = pack(rows, max_rows=None, max_tokens=100, pad_id=0)
        placed = TokenBatch.place(batch, CPU, with_types=True, pieces=(64, 16))
        vectors = forward(placed)
    assert len(vectors) == 80
    start = 0
    for index in batch.indices:
        stop = start + rows[index].n_tokens
        torch.testing.assert_close(vectors[start:stop], expected[index], atol=1e-5, rtol=0)
        start = stop
