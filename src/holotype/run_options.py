"""The options that `load` and similar functions take.

The TypedDicts are closed: they allow no other keys, which ty would otherwise assume. Python 3.14
and older do not support `closed`, so only type checkers see it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from typing_extensions import TypedDict
else:
    from typing import TypedDict

Backend: TypeAlias = Literal["torch", "onnx", "openvino"]
"""The library that runs a model: torch, or ONNX Runtime or OpenVINO on an export."""

Precision: TypeAlias = Literal["float32", "float16", "bfloat16", "int8", "auto"]
"""The type of the weights and the arithmetic; `load` says what each means."""


class _Options(TypedDict, total=False):
    device: str | None
    dtype: Precision | None
    checkpoint: str | os.PathLike[str] | None
    trust_remote_code: bool


class _LoadOptions(_Options, total=False):
    backend: Backend
    max_length: int | None


if TYPE_CHECKING:

    class RunOptions(_Options, closed=True):
        """The options of a run on torch; see `ModelConfig`."""

    class PromptlessOptions(_LoadOptions, total=False, closed=True):
        """The options of a run of models without prompts: classifiers and captioners."""

    class LoadOptions(_LoadOptions, total=False, closed=True):
        """The options of a run, for every other kind of model; see `ModelConfig`."""

        query_prompt: str | None
        document_prompt: str | None

else:

    class RunOptions(_Options):
        """The options of a run on torch; see `ModelConfig`."""

    class PromptlessOptions(_LoadOptions, total=False):
        """The options of a run of models without prompts: classifiers and captioners."""

    class LoadOptions(_LoadOptions, total=False):
        """The options of a run, for every other kind of model; see `ModelConfig`."""

        query_prompt: str | None
        document_prompt: str | None
