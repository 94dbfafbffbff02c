"""What every adapter refuses to wrap."""

from __future__ import annotations

from typing import Any

import pytest

from holotype.adapters.langchain import HolotypeEmbeddings
from holotype.adapters.llama_index import HolotypeEmbedding
from holotype.adapters.mteb import MtebEncoder
from holotype.models import ALL_MINILM_L6_V2

ADAPTERS: tuple[Any, ...] = (HolotypeEmbeddings, HolotypeEmbedding, MtebEncoder)


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("wrong", ["all-minilm-l6-v2", ALL_MINILM_L6_V2])
def test_what_is_no_dense_encoder_is_refused_before_the_first_text(
    adapter: Any, wrong: object
) -> None:
    with pytest.raises(
        TypeError, match=rf"of type {type(wrong).__name__}; expected a DenseEncoder"
    ):
        adapter(wrong)
