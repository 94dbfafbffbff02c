"""Memory before loading: the weights, from the catalogue."""

from __future__ import annotations

import dataclasses

import pytest

from holotype.encoders import estimate_memory
from holotype.models import ALL_MINILM_L6_V2


def test_a_parameter_takes_the_bytes_of_its_type() -> None:
    known = dataclasses.replace(ALL_MINILM_L6_V2, parameters=1_000)
    assert estimate_memory(known) == 4_000
    assert estimate_memory(known, "float16") == estimate_memory(known, "bfloat16") == 2_000


def test_an_unknown_number_of_parameters_gives_no_estimate() -> None:
    assert estimate_memory(dataclasses.replace(ALL_MINILM_L6_V2, parameters=None)) is None


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown dtype 'int3'"):
        estimate_memory(ALL_MINILM_L6_V2, "int3")
