"""DeBERTa's own forward pass: every option of its configuration, as transformers computes it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.runtime.architectures import build
from tests.runtime.packed_rows import in_batches, some_rows
from torch import Tensor

from holotype.encoders.inputs.rows import Row
from holotype.encoders.torch_backend import distance_attention
from holotype.encoders.torch_backend.deberta_forward import DebertaForward
from holotype.encoders.torch_backend.distance_attention import Distances
from holotype.encoders.torch_backend.forwards import packed_forward, runs_without_padding

CPU = torch.device("cpu")
NAME = "DebertaV2Model"
# One block, a block and a token, blocks of unlike sizes, and many that share buckets.
LENGTHS = (1, 2, 2, 7, 63, 64, 65, 65, 130, 200)
OPTIONS: dict[str, dict[str, Any]] = {
    "as DeBERTa-v3": {},
    "queries alone look at distances": {"pos_att_type": ["c2p"]},
    "keys alone look at distances": {"pos_att_type": ["p2c"]},
    "nobody looks at distances": {"pos_att_type": []},
    "kinds of one string": {"pos_att_type": "c2p|p2c"},
    "projections of their own": {"share_att_key": False},
    "projections of their own, queries alone": {"share_att_key": False, "pos_att_type": ["c2p"]},
    "projections of their own, keys alone": {"share_att_key": False, "pos_att_type": ["p2c"]},
    "a bucket for each distance": {"position_buckets": -1, "max_relative_positions": 300},
    "distances beyond the last": {"position_buckets": -1, "max_relative_positions": 9},
    "buckets of an odd number": {"position_buckets": 9},
    "many buckets": {"position_buckets": 64, "max_relative_positions": 512},
    "no norm of distances": {"norm_rel_ebd": "none"},
    "a convolution": {"conv_kernel_size": 3},
    "a convolution in groups": {"conv_kernel_size": 5, "conv_groups": 4, "conv_act": "gelu"},
    "absolute positions and segments": {"position_biased_input": True, "type_vocab_size": 2},
    "absolute positions alone": {
        "position_biased_input": True,
        "relative_attention": False,
        "pos_att_type": [],
    },
    "a scale for distances, without them": {
        "position_biased_input": True,
        "relative_attention": False,
        "pos_att_type": ["c2p", "p2c"],
    },
    "narrow words": {"embedding_size": 16},
    "another activation": {"hidden_act": "relu"},
}


def model_of(**options: Any) -> Any:
    sizes = {"max_position_embeddings": 256, "max_relative_positions": -1, "position_buckets": 16}
    return build(NAME, **{**sizes, **options})


def alone(model: Any, row: Row, dtype: torch.dtype = torch.float32) -> Tensor:
    """Run a model of transformers over one row."""
    found: Tensor = model(
        input_ids=torch.tensor([row.ids]),
        attention_mask=torch.tensor([row.attended]).long(),
        token_type_ids=torch.tensor([row.type_ids]),
    )[0][0]
    return found.to(dtype)


@pytest.mark.parametrize("all_attended", [True, False])
@pytest.mark.parametrize("name", OPTIONS)
@torch.inference_mode()
def test_each_option_gives_the_vectors_of_transformers(name: str, all_attended: bool) -> None:
    model = model_of(**OPTIONS[name])
    rows = some_rows(LENGTHS, all_attended=all_attended, with_types=True)
    expected = [alone(model, row) for row in rows]
    forward = packed_forward(model, has_types=True)
    assert isinstance(forward, DebertaForward)
    for max_tokens in (100, 1000):
        for found, whole in zip(
            in_batches(forward, rows, max_tokens=max_tokens, with_types=True), expected, strict=True
        ):
            torch.testing.assert_close(found, whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("at_once", [1, 5000])
@torch.inference_mode()
def test_few_scores_at_once_are_the_same(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = some_rows(LENGTHS, all_attended=False, with_types=True)
    forward = packed_forward(model_of(), has_types=True)
    expected = in_batches(forward, rows, max_tokens=1000, with_types=True)
    monkeypatch.setattr(distance_attention, "_SCORES_AT_ONCE", at_once)
    for found, whole in zip(
        in_batches(forward, rows, max_tokens=1000, with_types=True), expected, strict=True
    ):
        torch.testing.assert_close(found, whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("tables", [True, False])
@pytest.mark.parametrize("all_attended", [True, False])
@torch.inference_mode()
def test_rows_padded_to_few_lengths_are_the_same(
    all_attended: bool, tables: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = some_rows(LENGTHS, all_attended=all_attended, with_types=True)
    options = {} if tables else {"relative_attention": False}
    forward = packed_forward(model_of(**options), has_types=True)
    expected = in_batches(forward, rows, max_tokens=1000, with_types=True)
    lengths: list[int] = []

    def padded(n_tokens: int, *_others: Any) -> int:
        lengths.append(-(-n_tokens // 32) * 32)
        return lengths[-1]

    monkeypatch.setattr(distance_attention, "padded_length", padded)
    for row, found, whole in zip(
        rows, in_batches(forward, rows, max_tokens=1000, with_types=True), expected, strict=True
    ):
        attended = torch.tensor(row.attended)
        torch.testing.assert_close(found[attended], whole[attended], atol=1e-5, rtol=0)
    assert {32, 96, 160, 224} <= set(lengths)


@torch.inference_mode()
def test_bfloat16_is_as_near_to_float32_as_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = some_rows(LENGTHS, all_attended=False, with_types=True)
    expected = [alone(model_of(), row) for row in rows]
    model = model_of().to(torch.bfloat16)
    theirs = [alone(model, row, torch.float32) for row in rows]
    found = [
        one.float()
        for one in in_batches(
            packed_forward(model, has_types=True), rows, max_tokens=1000, with_types=True
        )
    ]
    assert loss(found, expected) <= 1.2 * loss(theirs, expected)


def loss(found: list[Tensor], expected: list[Tensor]) -> float:
    """Return the root of the mean square of what separates vectors."""
    return float((torch.cat(found) - torch.cat(expected)).square().mean().sqrt())


@pytest.mark.parametrize(
    ("n_buckets", "furthest"), [(256, 512), (16, 40), (9, 256), (64, 24), (None, 40)]
)
def test_distances_are_in_the_buckets_of_transformers(n_buckets: int | None, furthest: int) -> None:
    from transformers.models.deberta_v2.modeling_deberta_v2 import build_relative_position

    n_tokens = 1500
    span = n_buckets or furthest
    far = torch.empty(1, n_tokens, 1)
    theirs: Any = build_relative_position(
        far, far, bucket_size=n_buckets or -1, max_position=furthest
    )
    at = torch.arange(n_tokens)
    found = Distances(span, n_buckets, furthest).rows(at[:, None] - at[None, :])
    assert torch.equal(found, (theirs[0] + span).clamp(0, 2 * span - 1))


@torch.inference_mode()
def test_the_tables_of_distances_are_told_of() -> None:
    model = model_of(pos_att_type=["c2p"], position_buckets=16)
    forward = packed_forward(model, has_types=True)
    assert isinstance(forward, DebertaForward)
    n_layers, hidden_dim, itemsize = 3, 32, 4
    assert forward.memory_bytes_of_tables == n_layers * 2 * 16 * hidden_dim * itemsize


def test_it_is_padded_on_a_gpu_and_as_a_decoder() -> None:
    model = model_of()
    assert runs_without_padding(model)
    model.config.is_decoder = True
    assert not runs_without_padding(model)
    assert not runs_without_padding(model_of().to("meta"))
