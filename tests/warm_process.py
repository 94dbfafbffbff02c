"""Programs that run in forks of one process that has imported torch and transformers.

A new interpreter takes five seconds of processor time for these imports, whatever its program does.
A fork has memory, environment, current folder and streams of its own, as a new process has, and
imports holotype itself.
"""

from __future__ import annotations

import importlib.metadata
import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

IMPORTED = (
    "torch",
    "torch._dynamo",
    "torch.distributed.tensor",
    "transformers",
    "transformers.modeling_utils",
    "transformers.models.bert.modeling_bert",
)
ROOT = Path(__file__).parent.parent
# What pytest adds to the path of its own process.
_OF_PYTEST = {str(ROOT), str(ROOT / "tools")}


def start() -> None:
    """Start the process that programs are forks of.

    What its libraries read from the environment while they are imported holds for all programs: the
    Hub is out of reach.
    """
    multiprocessing.set_forkserver_preload(list(IMPORTED))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        first = multiprocessing.get_context("forkserver").Process(target=_nothing)
        first.start()
        first.join()
    if first.exitcode != 0:
        raise RuntimeError(f"a fork that does nothing ended with {first.exitcode}")


def run(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder, with the environment of this process, and wait for its end.

    Its temporary files are in a folder of its own, which is removed.

    Args:
        command: the path of a file of Python, the name of a command that a package installs, or
            `-c` and a program; and arguments.
        folder: the current folder of the program.
    """
    with TemporaryDirectory() as place:
        out, err = Path(place) / "out", Path(place) / "err"
        environment = {**os.environ, "TMPDIR": place}
        process = multiprocessing.get_context("forkserver").Process(
            target=_run, args=(list(command), str(folder), environment, str(out), str(err))
        )
        process.start()
        process.join()
        assert process.exitcode is not None
        return subprocess.CompletedProcess(
            list(command),
            process.exitcode,
            out.read_text(encoding="utf-8"),
            err.read_text(encoding="utf-8"),
        )


def _nothing() -> None:
    pass


def _run(command: list[str], folder: str, environment: dict[str, str], out: str, err: str) -> None:
    for descriptor, file in ((1, out), (2, err)):
        opened = os.open(file, os.O_WRONLY | os.O_CREAT)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    sys.argv = command
    sys.path[:] = [path for path in sys.path if path not in _OF_PYTEST]
    if command[0].endswith(".py"):
        sys.path.insert(0, str(Path(command[0]).parent))
        runpy.run_path(command[0], run_name="__main__")
    elif command[0] == "-c":
        sys.argv = ["-c", *command[2:]]
        sys.path.insert(0, "")
        exec(compile(command[1], "<string>", "exec"), {"__name__": "__main__"})
    else:
        (entry,) = importlib.metadata.entry_points(group="console_scripts", name=command[0])
        sys.exit(entry.load()())
