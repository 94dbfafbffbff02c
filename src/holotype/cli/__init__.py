"""The `holotype` command; it needs only the extra `cli` (typer, rich)."""

from __future__ import annotations

import errno
import sys

from holotype.errors import MissingExtraError

_NEEDED = frozenset({"typer", "rich", "click"})
_NO_ROOM = frozenset({errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EDQUOT})
"""The errors of writing to stdout if it is a full disk or a broken device."""


def main() -> None:
    """Run the command with the arguments of this process, and exit.

    Exit codes: 0 for success; 1 for a negative answer (no such model, no match, a stale file, a
    catalogue with problems); 2 for a usage error.
    """
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets its escape code, not a traceback.
        getattr(stream, "reconfigure", _keep)(errors="backslashreplace")
    try:
        from holotype.cli.app import make_app
        from holotype.cli.output import discard_stdout

        try:
            make_app()(prog_name="holotype")
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            discard_stdout()
            sys.exit(f"error: the answer cannot be written: {error.strerror}")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _NEEDED:
            raise
        sys.exit(f"error: {MissingExtraError('cli', missing, 'the command line')}")


def _keep(*, errors: str) -> None:
    """Leave a replaced, simpler stream unchanged."""
