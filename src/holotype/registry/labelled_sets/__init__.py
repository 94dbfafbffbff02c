"""Sets of labelled texts on which classifiers are measured: those of files, and those that ship."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from holotype.errors import InvalidArgumentError
from holotype.registry.data_files import read_data, shipped_data

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledText:
    """A text, and the label that is right.

    Attributes:
        text: the text.
        label: the label.
    """

    text: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledSet:
    """Texts with their labels.

    Attributes:
        name: its name.
        license: the SPDX identifier of the licence of its texts; empty if unknown.
        description: what its texts are about; can be empty.
        digest: the SHA-256 of its file, ``sha256:`` and 64 hexadecimal digits.
        texts: the texts by id.
    """

    name: str
    license: str
    description: str
    digest: str
    texts: Mapping[str, LabelledText] = field(hash=False)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of its texts, sorted."""
        return tuple(sorted({each.label for each in self.texts.values()}))


def shipped_labelled_sets() -> tuple[str, ...]:
    """Return the names of the sets that ship with holotype."""
    return shipped_data(_FOLDER)


def read_labelled_set(source: str | Path) -> LabelledSet:
    """Read a set: one that ships, by its name, or the path of a file.

    A file is a JSON object with ``format`` 1, ``name`` and ``texts`` (by id: objects with ``text``
    and ``label``); ``license`` and ``description`` may be left out.

    Raises:
        InvalidArgumentError: there is no such set, or it is damaged; the error says where.
    """
    file = read_data(source, _FOLDER, "set of labelled texts", "texts")
    texts = {
        key: _text(each, f"{file.location}: the text {key[:80]!r}")
        for key, each in file.objects("texts").items()
    }
    return LabelledSet(
        name=file.name,
        license=file.license,
        description=file.description,
        digest=file.digest,
        texts=MappingProxyType(texts),
    )


def _text(value: Any, location: str) -> LabelledText:
    if not isinstance(value, dict) or set(value) != {"text", "label"}:
        raise InvalidArgumentError(f"{location} has other keys than text and label")
    for key in ("text", "label"):
        if not isinstance(value[key], str) or not value[key].strip():
            raise InvalidArgumentError(f"{location} has no {key}")
    return LabelledText(text=value["text"], label=value["label"])
