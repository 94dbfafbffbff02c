"""The `holotype` command; it needs only the extra `cli` (typer, rich)."""

from __future__ import annotations

import errno
import os
import sys
from typing import TextIO

from holotype.errors import MissingExtraError

_NEEDED = frozenset({"typer", "rich", "click"})
_NO_ROOM = frozenset({errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EDQUOT})
"""The errors of writing to stdout if it is a full disk or a broken device."""

_INTERRUPTED = 130
"""The exit code of a command that SIGINT ends."""


def main() -> None:
    """Run the command with the arguments of this process, and exit.

    Exit codes: 0 for success; 1 for a negative answer (no such model, no match, a stale file, a
    catalogue with problems); 2 for a usage error; 130 for Ctrl+C.
    """
    is_closed = sys.stdout is None
    if is_closed:
        sys.stdout = _closed_stdout()
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets its escape code, not a traceback.
        getattr(stream, "reconfigure", _keep)(errors="backslashreplace")
    try:
        from holotype.cli.app import make_app
        from holotype.cli.output import discard_stdout

        try:
            make_app()(prog_name="holotype")
        except OSError as error:
            if error.errno not in _NO_ROOM and not (is_closed and error.errno == errno.EBADF):
                raise
            discard_stdout()
            why = "stdout is closed" if is_closed else error.strerror
            sys.exit(f"error: the answer cannot be written: {why}")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _NEEDED:
            raise
        sys.exit(f"error: {MissingExtraError('cli', missing, 'the command line')}")
    except KeyboardInterrupt:
        # typer does the same, once it has been imported and called.
        sys.exit(_INTERRUPTED)


def _closed_stdout() -> TextIO:
    """Return a stream on descriptor 1 that fails when written to, for Python has none.

    It also keeps the descriptor from the next file that is opened, which a child would write to.
    """
    os.dup2(os.open(os.devnull, os.O_RDONLY), 1)
    return open(1, "w", encoding="utf-8", closefd=False)


def _keep(*, errors: str) -> None:
    """Leave a replaced, simpler stream unchanged."""
