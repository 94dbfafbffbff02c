"""The settings of a run that `load` and its relatives take.

The dictionaries are closed: nothing but their keys may be passed. ty takes a dictionary that is not
for one that has any other key besides; Python 3.14 and older do not know the word, so that it
stands where only type checkers read it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from typing_extensions import TypedDict
else:
    from typing import TypedDict

Backend: TypeAlias = Literal["torch", "onnx", "openvino"]
"""What runs a model: torch, or ONNX Runtime or OpenVINO on an export of it."""


class _Options(TypedDict, total=False):
    device: str | None
    dtype: str | None
    checkpoint: str | os.PathLike[str] | None
    trust_remote_code: bool


if TYPE_CHECKING:

    class RunOptions(_Options, closed=True):
        """The settings of a run on torch; `ModelConfig` explains them."""

    class LoadOptions(_Options, total=False, closed=True):
        """The settings of a run that every kind of model takes; `ModelConfig` explains them."""

        backend: Backend

else:

    class RunOptions(_Options):
        """The settings of a run on torch; `ModelConfig` explains them."""

    class LoadOptions(_Options, total=False):
        """The settings of a run that every kind of model takes; `ModelConfig` explains them."""

        backend: Backend
