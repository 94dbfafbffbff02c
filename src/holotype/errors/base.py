"""What every error of holotype descends from, and the errors that any part of it may raise."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

Action: TypeAlias = Literal[
    "list-versions",
    "activate-version",
    "list-keys",
    "confirm-different-vectors",
    "name-folder",
    "set-limit",
]
"""What an error may advise that Python, the command line and HTTP call by other names."""

# Control characters but for tabs and line feeds, other ends of lines, what turns the direction of
# writing, and halves of surrogate pairs, which no file can be written with. Compiled on first use:
# that takes longer than the rest of this module.
_OBEYED = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
_LONGEST_PROBLEM = 3_000
_KEPT = 1_200


def printable(text: str) -> str:
    """Return a text without characters that a terminal obeys; what would be one is spelt.

    Names of files, tensors and labels are anybody's, and reach the terminal in messages.
    """
    return re.sub(_OBEYED, lambda found: f"\\u{ord(found[0]):04x}", text)


def one_line(text: str) -> str:
    """Return a text as `printable` does, whose line breaks and tabs are spelt, too."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def reason_of(error: OSError | UnicodeDecodeError) -> str:
    """Return why a file cannot be read or written, without its path, which the message has."""
    return getattr(error, "strerror", None) or str(error)


def _shortened(text: str) -> str:
    """Return a text whose middle is left out where it is long, as a file may have values of any length.

    What is wrong stands at the beginning, and what to do at the end.
    """
    if len(text) <= _LONGEST_PROBLEM:
        return text
    return f"{text[:_KEPT]} [{len(text) - 2 * _KEPT} characters] {text[-_KEPT:]}"


class Advice(NamedTuple):
    """What to do about an error, apart from its message, so that each surface words it.

    Attributes:
        action: what to do.
        text: the same in the words of Python and the command line, as `str` of the error has it.
        subject: what it concerns: a kind of the registry, or the name of an argument.
        joint: what stands between the message and the advice.
        after: what stands after the advice.
    """

    action: Action
    text: str
    subject: str = ""
    joint: str = "; "
    after: str = ""


class HolotypeError(Exception):
    """The root of all errors that holotype raises on purpose.

    Attributes:
        advice: what to do, where surfaces call it by other names; None where the message says it.
    """

    advice: Advice | None = None

    @property
    def without_advice(self) -> str:
        """The message without the advice."""
        return str(self)

    def told(self, words: Callable[[Advice], str | None]) -> str:
        """Return the message with its advice in other words.

        Args:
            words: returns an advice in the words of a surface; None keeps its text.
        """
        advice = self.advice
        if advice is None:
            return str(self)
        own = words(advice)
        told = advice.text if own is None else own
        return f"{self.without_advice}{advice.joint}{told}{advice.after}"


def _text_of(advice: Advice) -> str:
    return advice.text


class AdvisedError(HolotypeError):
    """The root of errors that may have an advice: `without_advice` is what the class says."""

    @property
    def without_advice(self) -> str:
        """The message without the advice."""
        raise NotImplementedError

    def __str__(self) -> str:
        """Return the message."""
        return self.without_advice if self.advice is None else self.told(_text_of)


class LocatedError(AdvisedError):
    """A file, a folder or a reference has a problem.

    Attributes:
        location: the folder, the file or the reference.
        problem: what was found, what was expected and, but for the `advice`, what to do.
    """

    def __init__(self, location: str, problem: str, advice: Advice | None = None) -> None:
        """Name the location and the problem."""
        self.location = location
        self.problem = problem
        self.advice = advice
        super().__init__(location, problem, *(() if advice is None else (advice,)))

    @property
    def without_advice(self) -> str:
        """The message without the advice; what a file says moves no cursor, and is not too long."""
        return printable(f"{self.location}: {_shortened(self.problem)}")

    def rename(self, folder: str, name: str) -> None:
        """Call a folder by another name, as where the files in it are copies of the user's."""
        self.location = self.location.replace(folder, name)
        self.problem = self.problem.replace(folder, name)
        self.args = (self.location, self.problem, *self.args[2:])


class InvalidArgumentError(AdvisedError, TypeError, ValueError):
    """An argument has the wrong type or an impossible value, or there is no such argument."""

    def __init__(self, problem: str = "", advice: Advice | None = None) -> None:
        """Say what is wrong with the argument."""
        self.advice = advice
        super().__init__(problem, *(() if advice is None else (advice,)))

    @property
    def without_advice(self) -> str:
        """The message without the advice."""
        return str(self.args[0])


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
