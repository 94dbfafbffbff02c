"""Proves that nothing is missing: loads every locked model with the network denied.

Run it in a separate process, `python -m holotype.publishing.offline LOCK`, because the network
stays denied.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from holotype.encoders import load
from holotype.errors import HolotypeError
from holotype.references.lock_file import read_lock

_DENIED = frozenset(
    {
        *("socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"),
        *("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"),
        *("socket.getnameinfo",),
    }
)


class NetworkDeniedError(HolotypeError):
    """A model tries to use the network, although nothing should be missing."""


def deny_network() -> None:
    """Make every use of a socket in this process fail from now on, irreversibly."""
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _DENIED:
        raise NetworkDeniedError(f"the network is denied, and {event} was called")


def main() -> None:
    """Load every model of a lock file and write a line for each; exit with 1 if one fails."""
    path = Path(sys.argv[1])
    deny_network()
    failed = False
    for locked in read_lock(path).models:
        try:
            load(locked.reference, lock=path, verify="full")
        # Report whatever stops a model from loading.
        except Exception as error:
            failed = True
            answer = f"{type(error).__name__}: {error}".partition("\n")[0]
        else:
            answer = "loads"
        sys.stdout.write(f"{locked.reference}\t{answer}\n")
        sys.stdout.flush()
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
