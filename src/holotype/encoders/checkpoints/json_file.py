"""JSON files of a checkpoint, read with the name of the file kept beside every value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from holotype.encoders.checkpoints.hub_cache import fetch_again
from holotype.errors import CheckpointError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Setting(Generic[T]):
    """One value that a checkpoint states, and the file in which it stands."""

    value: T
    file: str


def read_json(folder: Path, name: str) -> object:
    """Return what a JSON file of a checkpoint holds.

    Raises:
        CheckpointError: the file is missing, or is not JSON.
    """
    path = folder / name
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise CheckpointError(
            str(folder), f"the file {name} is missing; expected a whole checkpoint"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(str(path), f"cannot be read: {error}") from error
    except RecursionError:
        raise CheckpointError(str(path), "is not JSON: it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise CheckpointError(
            str(path),
            f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}; "
            f"the file is damaged; {fetch_again(path)}",
        ) from None


class JsonFile:
    """An object in a JSON file; each getter gives the first of its keys that has a value.

    A file that does not exist has no values.

    Attributes:
        name: the name of the file within the checkpoint.
        values: what the file holds.
    """

    def __init__(self, folder: Path, name: str, values: Mapping[str, object]) -> None:
        """Keep the values of a file that has been read already."""
        self._path = folder / name
        self.name = name
        self.values = values

    @classmethod
    def read(cls, folder: Path, name: str, *, optional: bool = False) -> JsonFile:
        """Read a file that must hold a JSON object.

        Raises:
            CheckpointError: the file is missing and not optional, or holds something else.
        """
        if optional and not (folder / name).is_file():
            return cls(folder, name, {})
        values = read_json(folder, name)
        if not isinstance(values, dict):
            raise CheckpointError(
                str(folder / name), f"holds {_kind(values)}; expected a JSON object"
            )
        return cls(folder, name, values)

    @property
    def location(self) -> str:
        """The path of the file, for errors."""
        return str(self._path)

    def part(self, key: str) -> JsonFile | None:
        """Return the object under a key, with the same name; None where there is none."""
        found = self._get(dict, "an object", key)
        return None if found is None else JsonFile(self._path.parent, self.name, found.value)

    def integer(self, *keys: str) -> Setting[int] | None:
        """Return the first of these keys that has a value, which must be an integer."""
        return self._get(int, "an integer", *keys)

    def boolean(self, *keys: str) -> Setting[bool] | None:
        """Return the first of these keys that has a value, which must be true or false."""
        return self._get(bool, "true or false", *keys)

    def text(self, *keys: str) -> Setting[str] | None:
        """Return the first of these keys that has a value, which must be a string."""
        return self._get(str, "a string", *keys)

    def texts(self, *keys: str) -> Setting[tuple[str, ...]] | None:
        """Return the first of these keys that has a value, which must be a list of strings."""
        found = self._get(list, "a list of strings", *keys)
        if found is None:
            return None
        if not all(isinstance(item, str) for item in found.value):
            raise self.wrong(keys[0], found.value, "a list of strings")
        return Setting(tuple(found.value), self.name)

    def wrong(self, key: str, value: object, expected: str) -> CheckpointError:
        """Return the error for a value that is not what it should be."""
        return CheckpointError(str(self._path), f"{key!r} is {value!r}; expected {expected}")

    def _get(self, kind: type[T], expected: str, *keys: str) -> Setting[T] | None:
        for key in keys:
            value = self.values.get(key)
            if value is None:
                continue
            if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
                raise self.wrong(key, value, expected)
            return Setting(value, self.name)
        return None


def _kind(value: object) -> str:
    return {list: "a list", str: "a string", type(None): "null"}.get(type(value), "a number")
