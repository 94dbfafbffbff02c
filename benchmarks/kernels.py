"""The kernels, which `make bench` installs beside the environment, so that peers run without."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

INSTALLED = Path(__file__).parent.parent / ".venv-kernels"


def are_installed() -> bool:
    """Return whether they are there."""
    return (INSTALLED / "holotype_kernels").exists()


@contextmanager
def found() -> Iterator[None]:
    """Let models that are loaded here find them."""
    from holotype.encoders.kernels import kernels

    sys.path.insert(0, str(INSTALLED))
    kernels.cache_clear()
    try:
        yield
    finally:
        sys.path.remove(str(INSTALLED))
        sys.modules.pop("holotype_kernels", None)
        kernels.cache_clear()
