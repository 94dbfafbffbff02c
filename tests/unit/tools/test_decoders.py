"""What the parameter count of a decoder proves: its layers, and a projection."""

from __future__ import annotations

import pytest

from catalogue.decoders import DECODERS, Decoder, shapes_of_decoders
from catalogue.facts import Candidates, Fact


def test_the_formula_counts_every_parameter() -> None:
    """Four projections of attention, three of the feed-forward network, the norms."""
    shape = Decoder(like="tiny", hidden=8, layers=2, queries=16, keys=4, inner=32, norm=6)
    layer = (8 * 16 + 8 * 4 + 8 * 4 + 16 * 8) + 3 * 8 * 32 + 2 * 8 + 6
    assert shape.parameters == 2 * layer + 8


def test_no_two_of_the_shapes_have_as_many_parameters() -> None:
    assert len({decoder.parameters for decoder in DECODERS}) == len(DECODERS)


QWEN3 = 4_021_774_336 - 388_262_400


TABLE = 151_665 * 2560


def shapes(
    total: int | None, table: int | None, width: int | list[int] | None = 2560
) -> Candidates:
    row = {"n_parameters": total, "n_embedding_parameters": table, "embed_dim": width}
    return shapes_of_decoders(row)


@pytest.mark.parametrize("head", [0, 2560, TABLE])
def test_a_count_tells_the_layers_also_beside_a_head(head: int) -> None:
    found = shapes(QWEN3 + TABLE + head, TABLE)
    assert found == {"/specs/layers": [Fact(36, "parameter-count: as Qwen3-4B")]}


@pytest.mark.parametrize("biases", [0, 1024])
def test_what_is_more_is_a_projection_of_its_width(biases: int) -> None:
    source = "parameter-count: as Qwen3-4B"
    assert shapes(QWEN3 + TABLE + 2560 * 1024 + biases, TABLE, 1024) == {
        "/specs/layers": [Fact(36, source)],
        "/architecture/has_projection": [Fact(value=True, source=source)],
        "/architecture/projection_dims": [Fact(1024, source)],
    }


def test_a_count_that_forgets_the_norms_inside_the_layers_is_completed() -> None:
    """Three lines of the registry count two norms for each layer, as older decoders have."""
    source = "parameter-count: as Qwen3-4B"
    assert shapes(QWEN3 - 36 * 256 + TABLE, TABLE) == {
        "/specs/layers": [Fact(36, source)],
        "/specs/parameters": [Fact(QWEN3 + TABLE, source)],
    }


@pytest.mark.parametrize("width", [512, [512, 1024], None])
def test_a_projection_to_another_width_tells_nothing(width: int | list[int] | None) -> None:
    assert shapes(QWEN3 + TABLE + 2560 * 1024, TABLE, width) == {}


@pytest.mark.parametrize(
    ("total", "table"),
    [(QWEN3 + 2561, 2560), (QWEN3 + 2561, 2561), (None, 2560), (QWEN3, None)],
)
def test_any_other_count_tells_nothing(total: int | None, table: int | None) -> None:
    assert shapes(total, table) == {}
