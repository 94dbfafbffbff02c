"""An export without the messages of the libraries that make it, which the user cannot act on."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from logging import StreamHandler

from holotype.encoders.torch_backend.quiet import without_messages

# It warns of operators of torchvision, whether or not the model has any.
_WARNS = "torch.onnx._internal.exporter._registration"


@contextmanager
def _same_root_handlers() -> Generator[None]:
    """Take the handler away again that `logging.info` gives a root logger which has none.

    ONNX Runtime's quantisation logs that way.
    """
    root = logging.getLogger()
    had = bool(root.handlers)
    try:
        yield
    finally:
        if not had:
            for handler in [found for found in root.handlers if type(found) is StreamHandler]:
                root.removeHandler(handler)


@contextmanager
def without_noise() -> Generator[None]:
    """Hide what libraries print while a model is exported; afterwards all is as it was."""
    with without_messages(_WARNS), _same_root_handlers():
        yield
