"""The layers that the parameter count of a decoder proves."""

from __future__ import annotations

import pytest

from catalogue.decoders import DECODERS, Decoder, layers_of_decoders
from catalogue.facts import Fact


def test_the_formula_counts_every_parameter() -> None:
    """Four projections of attention, three of the feed-forward network, the norms."""
    shape = Decoder(like="tiny", hidden=8, layers=2, queries=16, keys=4, inner=32, norm=6)
    layer = (8 * 16 + 8 * 4 + 8 * 4 + 16 * 8) + 3 * 8 * 32 + 2 * 8 + 6
    assert shape.parameters == 2 * layer + 8


def test_no_two_of_the_shapes_have_as_many_parameters() -> None:
    assert len({decoder.parameters for decoder in DECODERS}) == len(DECODERS)


QWEN3 = 4_021_774_336 - 388_262_400


@pytest.mark.parametrize("head", [0, 2560, 151_665 * 2560])
def test_a_count_tells_the_layers_also_beside_a_head(head: int) -> None:
    table = 151_665 * 2560
    found = layers_of_decoders(
        {"n_parameters": QWEN3 + table + head, "n_embedding_parameters": table}
    )
    assert found == {"/specs/layers": [Fact(36, "parameter-count: as Qwen3-4B")]}


@pytest.mark.parametrize(
    ("total", "table"),
    [(QWEN3 + 2561, 2560), (QWEN3 + 2561, 2561), (None, 2560), (QWEN3, None)],
)
def test_any_other_count_tells_nothing(total: int | None, table: int | None) -> None:
    assert layers_of_decoders({"n_parameters": total, "n_embedding_parameters": table}) == {}
