"""JSON files of a checkpoint, read with the name of the file kept beside every value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from holotype.errors import CheckpointError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Setting(Generic[T]):
    """One value that a checkpoint states, and the file in which it stands."""

    value: T
    file: str


class JsonFile:
    """An object in a JSON file; each getter gives the first of its keys that has a value.

    A file that does not exist has no values.

    Attributes:
        name: the name of the file within the checkpoint.
        values: what the file holds.
        location: the path of the file, for errors.
    """

    def __init__(
        self,
        name: str,
        values: Mapping[str, object],
        location: str,
        *,
        within: str = "",
        stands_at: Mapping[str, str] | None = None,
        assumed: Mapping[str, str] | None = None,
    ) -> None:
        """Take what has been read; `Checkpoint.json` does that.

        Args:
            name: the name of the file within the checkpoint.
            values: what it holds, or one of the objects in it.
            location: the path of the file, for errors.
            within: the keys above such an object, each with a dot behind it.
            stands_at: where the file has a value, by the path that it has here; for files whose
                values are read under other names.
            assumed: who says a value that the file leaves out, by the path that it has here.
        """
        self.name = name
        self.values = values
        self.location = location
        self._within = within
        self._stands_at = stands_at or {}
        self._assumed = assumed or {}

    def part(self, key: str) -> JsonFile | None:
        """Return the object under a key, with the same name; None where there is none."""
        found = self._get(dict, "an object", key)
        if found is None:
            return None
        return JsonFile(
            self.name,
            found.value,
            self.location,
            within=f"{self._within}{key}.",
            stands_at=self._stands_at,
            assumed=self._assumed,
        )

    def with_usual(self, usual: Mapping[str, object], source: str) -> JsonFile:
        """Return the same file with these values, which the source says, under keys without one."""
        stated = {key: value for key, value in self.values.items() if value is not None}
        added = {f"{self._within}{key}": source for key in usual if key not in stated}
        return JsonFile(
            self.name,
            {**usual, **stated},
            self.location,
            within=self._within,
            stands_at=self._stands_at,
            assumed={**self._assumed, **added},
        )

    def integer(self, *keys: str) -> Setting[int] | None:
        """Return the first of these keys that has a value, which must be an integer."""
        return self._get(int, "an integer", *keys)

    def number(self, *keys: str) -> Setting[float] | None:
        """Return the first of these keys that has a value, which must be a number."""
        for key in keys:
            value = self.values.get(key)
            if value is None:
                continue
            if not isinstance(value, int | float) or isinstance(value, bool):
                raise self.wrong(key, value, "a number")
            try:
                return Setting(float(value), self.source_of(key))
            except OverflowError:
                raise self.wrong(key, value, "a number below 1.8e308") from None
        return None

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
        return Setting(tuple(found.value), found.file)

    def wrong(self, key: str, value: object, expected: str) -> CheckpointError:
        """Return the error for a value that is not what it should be."""
        path, source = self.path_of(key), self.source_of(key)
        said = "" if source == self.name else f" ({source})"
        return CheckpointError(self.location, f"{path!r} is {value!r}{said}; expected {expected}")

    def path_of(self, key: str) -> str:
        """Return the keys that lead to a value from the top of the file, with dots between them."""
        path = f"{self._within}{key}"
        return self._stands_at.get(path, path)

    def source_of(self, key: str) -> str:
        """Return the name of the file, or of what says the value that the file leaves out."""
        path = f"{self._within}{key}"
        while path:
            if path in self._assumed:
                return self._assumed[path]
            path = path.rpartition(".")[0]
        return self.name

    def _get(self, kind: type[T], expected: str, *keys: str) -> Setting[T] | None:
        for key in keys:
            value = self.values.get(key)
            if value is None:
                continue
            if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
                raise self.wrong(key, value, expected)
            return Setting(value, self.source_of(key))
        return None


def describe_value(value: object) -> str:
    """Return what a JSON value is, in words."""
    return {list: "a list", str: "a string", type(None): "null"}.get(type(value), "a number")
