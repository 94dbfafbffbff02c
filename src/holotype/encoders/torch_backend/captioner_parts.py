"""The parts of captioners that run faster than as transformers has them, with the same results."""

from __future__ import annotations

from transformers import PreTrainedModel


def speed_up(model: PreTrainedModel) -> None:
    """Replace parts of a model that is on its device and in its type."""
