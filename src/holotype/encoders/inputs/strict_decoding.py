"""Pillow without the leniency that a program may have set for itself.

With `PIL.ImageFile.LOAD_TRUNCATED_IMAGES`, a global of the process, Pillow fills what is missing of
a damaged file with grey or black, and says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, get_ident
from typing import Any

from PIL import ImageFile

_module: Any = ImageFile
_LOCK = Lock()


class _LenientElsewhere:
    """The flag while some threads decode strictly: false in these, and as it was in others."""

    def __init__(self, stated: object) -> None:
        self.stated = stated
        self.depths: dict[int, int] = {}

    def __bool__(self) -> bool:
        return get_ident() not in self.depths


@contextmanager
def refusing_damage() -> Iterator[None]:
    """Let Pillow raise for damaged files in this thread, whatever the program has set."""
    stated = _module.LOAD_TRUNCATED_IMAGES
    if not stated and not isinstance(stated, _LenientElsewhere):
        yield
        return
    thread = get_ident()
    with _LOCK:
        flag = _module.LOAD_TRUNCATED_IMAGES
        if not isinstance(flag, _LenientElsewhere):
            flag = _module.LOAD_TRUNCATED_IMAGES = _LenientElsewhere(flag)
        flag.depths[thread] = flag.depths.get(thread, 0) + 1
    try:
        yield
    finally:
        with _LOCK:
            flag.depths[thread] -= 1
            if not flag.depths[thread]:
                del flag.depths[thread]
            # The program may have set another value meanwhile.
            if not flag.depths and _module.LOAD_TRUNCATED_IMAGES is flag:
                _module.LOAD_TRUNCATED_IMAGES = flag.stated
