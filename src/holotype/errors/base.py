"""What every error of holotype descends from, and the errors that any part of it may raise."""

from __future__ import annotations

import re

# Control characters but for tabs and line breaks, what turns the direction of writing, and halves
# of surrogate pairs, which no file can be written with. Compiled on first use: that takes longer
# than the rest of this module.
_OBEYED = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
_LONGEST_PROBLEM = 3_000
_KEPT = 1_200


def printable(text: str) -> str:
    """Return a text without characters that a terminal obeys; what would be one is spelt.

    Names of files, tensors and labels are anybody's, and reach the terminal in messages.
    """
    return re.sub(_OBEYED, lambda found: f"\\u{ord(found[0]):04x}", text)


def _shortened(text: str) -> str:
    """Return a text whose middle is left out where it is long, as a file may have values of any length.

    What is wrong stands at the beginning, and what to do at the end.
    """
    if len(text) <= _LONGEST_PROBLEM:
        return text
    return f"{text[:_KEPT]} [{len(text) - 2 * _KEPT} characters] {text[-_KEPT:]}"


class HolotypeError(Exception):
    """The root of all errors that holotype raises on purpose."""


class LocatedError(HolotypeError):
    """A file, a folder or a reference has a problem.

    Attributes:
        location: the folder, the file or the reference.
        problem: what was found, what was expected and what to do.
    """

    def __init__(self, location: str, problem: str) -> None:
        """Name the location and the problem."""
        self.location = location
        self.problem = problem
        super().__init__(location, problem)

    def __str__(self) -> str:
        """Return the message, in which whatever a file may say moves no cursor and is not too long."""
        return printable(f"{self.location}: {_shortened(self.problem)}")

    def rename(self, folder: str, name: str) -> None:
        """Call a folder by another name, as where the files in it are copies of the user's."""
        self.location = self.location.replace(folder, name)
        self.problem = self.problem.replace(folder, name)
        self.args = (self.location, self.problem)


class InvalidArgumentError(HolotypeError, TypeError, ValueError):
    """An argument has the wrong type or an impossible value, or there is no such argument."""


class MissingExtraError(HolotypeError, ImportError):
    """A feature needs packages that are not installed.

    Attributes:
        extra: the extra of holotype that installs them.
        missing: the module that could not be imported.
    """

    def __init__(self, extra: str, missing: str, feature: str) -> None:
        """Name the feature, the missing module and the command that installs it."""
        self.extra = extra
        self.missing = missing
        self.feature = feature
        super().__init__(
            f"{feature} needs {missing!r}, which is not installed; "
            f"run: pip install 'holotype[{extra}]'"
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the values, not from the message."""
        return MissingExtraError, (self.extra, self.missing, self.feature)
