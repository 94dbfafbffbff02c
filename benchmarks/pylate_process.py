"""PyLate beside this process: it pins older versions, and lives in an environment of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from corpus import CHECKPOINT

_ROOT = Path(__file__).parent.parent
_PYTHON = _ROOT / ".venv-pylate" / "bin" / "python"
_WORKER = Path(__file__).parent / "pylate_worker.py"


@dataclass(frozen=True, slots=True)
class Pylate:
    """A process that encodes its documents when it is told to; telling takes microseconds."""

    _commands: IO[str]
    _answers: IO[str]

    def encode(self) -> None:
        """Encode all documents once."""
        self._commands.write("encode\n")
        self._commands.flush()
        self.wait()

    def wait(self) -> None:
        """Wait for an answer."""
        if self._answers.readline() != "done\n":
            raise RuntimeError("PyLate's process has come to an end; its message is above")


@contextmanager
def pylate(folder: Path, texts: Sequence[str], device: str) -> Iterator[Pylate]:
    """Start PyLate, which makes a ColBERT model of MiniLM.

    Args:
        folder: where the model is saved, in PyLate's format; its projection is random.
        texts: the documents.
        device: what PyLate runs on.

    Raises:
        FileNotFoundError: PyLate's environment has not been made.
    """
    if not _PYTHON.exists():
        raise FileNotFoundError(f"no {_PYTHON}; make it: make .venv-pylate/.installed")
    file = folder.with_suffix(".texts.json")
    file.write_text(json.dumps(list(texts)), encoding="utf-8")
    command = [str(_PYTHON), str(_WORKER), str(CHECKPOINT), str(folder), str(file), device]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the process has no pipes")
        found = Pylate(process.stdin, process.stdout)
        found.wait()
        yield found
