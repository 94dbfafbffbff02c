"""Reads the arrays of a file that vectors were saved to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def read_npz(path: str | os.PathLike[str], names: Sequence[str]) -> list[NDArray[Any]]:
    """Return the named arrays of a NumPy ``.npz`` file.

    Raises:
        OSError: the file cannot be opened.
        ValueError: it is damaged, or holds something else.
    """
    where = os.fspath(path)
    with Path(path).open("rb") as file:
        try:
            with np.load(file, allow_pickle=False) as arrays:
                if isinstance(arrays, np.lib.npyio.NpzFile) and {*names} <= {*arrays}:
                    return [arrays[name] for name in names]
        # What reads zip archives and headers raises a dozen kinds of errors for damaged ones.
        except Exception as error:
            raise ValueError(
                f"{where} is damaged, or is no file that save() wrote: {type(error).__name__}: {error}"
            ) from error
    raise ValueError(f"{where} lacks one of {', '.join(names)}; expected all")
