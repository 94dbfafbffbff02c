"""One command at a time changes a file that several may change."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from holotype.cli.output import fail
from holotype.errors import HolotypeError, StoreBusyError
from holotype.references.locks import exclusive

PATIENCE_S = 60.0
"""How long to wait for another command that changes the same file; a change takes seconds."""


@contextmanager
def sole_writer(file: Path) -> Iterator[None]:
    """Lock a file against other commands that change it; exit if one of them does not finish.

    The lock is in the folder for temporary files, so that none remains in a repository. The system
    releases it when the process ends.
    """
    place = f"{Path.home()}\n{file.resolve()}"
    name = f"holotype-{hashlib.sha256(place.encode()).hexdigest()[:32]}.lock"
    lock = Path(tempfile.gettempdir()) / name
    with ExitStack() as stack:
        try:
            stack.enter_context(exclusive(lock, busy="", patience_s=PATIENCE_S))
        except StoreBusyError:
            fail(f"{file}: another command has been changing it for {PATIENCE_S:g} s; try again")
        except HolotypeError as error:
            fail(str(error))
        yield
