"""A checkpoint: one folder of files, each of which is read at most once.

Whoever asks what a checkpoint says asks the same `Checkpoint`, so that two answers never come from
two readings. Every name that one file gives another is resolved here, inside the folder or not at
all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Literal, TypeAlias, TypeVar, cast

from holotype.encoders.checkpoints.hub_cache import fetch_again
from holotype.encoders.checkpoints.json_file import JsonFile, describe_value
from holotype.encoders.checkpoints.open_clip import (
    OPEN_CLIP_FILE,
    OPEN_CLIP_WEIGHTS,
    STANDS_AT,
    assumed,
    translate,
)
from holotype.encoders.checkpoints.safetensors import (
    Header,
    read_header,
    refuse_special,
    weight_files,
    weight_folders,
)
from holotype.errors import (
    CheckpointError,
    UnsafeCheckpointError,
    UnsupportedCheckpointError,
    reason_of,
)

T = TypeVar("T")

CodePolicy: TypeAlias = Literal["refuse", "run", "ignore"]
"""What becomes of Python code that a checkpoint brings along."""

WEIGHTS_FILE = "model.safetensors"
GRAPHS = {"onnx": "onnx/model.onnx", "openvino": "openvino/openvino_model.xml"}
"""The names under which repositories on the Hub keep graphs, by backend."""
EXPORT_FILE = "holotype_export.json"
"""What `holotype export` writes beside a graph."""
INDEX_FILE = "model.safetensors.index.json"
"""Which shard holds which tensor."""
_OF_OPEN_CLIP = ("config.json", "preprocessor_config.json")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


# Of a file within a checkpoint; systems allow a little more.
_LONGEST_PATH = 1_000


class _Files:
    """The files of a folder, as far as they have been read; all views of it share them."""

    def __init__(
        self,
        folder: Path,
        location: str,
        names: frozenset[str] | None,
        headers: Mapping[str, Header] | None,
        digests: Mapping[str, str],
    ) -> None:
        self.folder = folder
        self.location = location
        self.values: dict[str, object] = {}
        self.objects: dict[str, JsonFile] = {}
        self.present: dict[str, bool] = {}
        self.answers: dict[str, object] = {}
        self.read_headers: dict[str, Header] = dict(headers or {})
        self.only_known_headers = headers is not None
        self.digests = digests
        self._known_names = names

    @cached_property
    def names(self) -> frozenset[str]:
        if self._known_names is not None:
            return self._known_names
        return frozenset(
            (Path(root) / name).relative_to(self.folder).as_posix()
            for root, _, files in os.walk(self.folder)
            for name in files
        )

    def has(self, name: str) -> bool:
        if self._known_names is not None:
            return name in self._known_names
        if name not in self.present:
            try:
                self.present[name] = (self.folder / name).is_file()
            except OSError as error:
                raise CheckpointError(
                    f"{self.location}/{name}", f"cannot be read: {reason_of(error)}"
                ) from error
        return self.present[name]


class Checkpoint:
    """The files of a model in a folder, or in one of its folders.

    Attributes:
        policy: what becomes of Python code that the checkpoint brings along.
        inside: the folder that is looked at, relative to the checkpoint; empty for the whole.
    """

    def __init__(
        self,
        folder: Path,
        *,
        policy: CodePolicy = "refuse",
        location: str | None = None,
        names: frozenset[str] | None = None,
        headers: Mapping[str, Header] | None = None,
        digests: Mapping[str, str] | None = None,
    ) -> None:
        """Look at a folder; nothing is read yet.

        Args:
            folder: where the files lie.
            policy: what becomes of Python code that the checkpoint brings along.
            location: what messages call the checkpoint; None means its folder.
            names: all of its files, where only some of them lie in the folder; None means those
                that lie there.
            headers: the headers of its weights, where these do not lie in the folder.
            digests: the SHA-256 of files by their paths, as far as their bytes have been compared.
        """
        self._files = _Files(folder, location or str(folder), names, headers, digests or {})
        self.policy: CodePolicy = policy
        self.inside = ""

    def _view(self, inside: str, policy: CodePolicy) -> Checkpoint:
        view = object.__new__(Checkpoint)
        view._files = self._files
        view.policy = policy
        view.inside = inside
        return view

    def with_policy(self, policy: CodePolicy) -> Checkpoint:
        """Return the same checkpoint under another policy on code; what was read is shared."""
        return self._view(self.inside, policy)

    def part(self, path: str) -> Checkpoint:
        """Return one of its folders, with the same methods; what was read is shared."""
        return self._view("/".join(PurePosixPath(self._name(path)).parts), self.policy)

    @property
    def whole(self) -> Checkpoint:
        """The checkpoint of which this is a part."""
        return self._view("", self.policy)

    @property
    def folder(self) -> Path:
        """The folder on this machine."""
        return self._files.folder / self.inside

    @property
    def location(self) -> str:
        """What messages call the folder."""
        return self.where("")

    @property
    def names(self) -> frozenset[str]:
        """The paths of all files of the whole checkpoint."""
        return self._files.names

    @property
    def digests(self) -> Mapping[str, str]:
        """The SHA-256 of those files of the whole whose bytes were compared when it was opened."""
        return self._files.digests

    def where(self, name: str) -> str:
        """Return what messages call a file."""
        path = self._name(name)
        return f"{self._files.location}/{path}" if path else self._files.location

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return self._files.has(self._name(name))

    def within(self, path: str, stated_in: JsonFile | str) -> str:
        """Return a path that a file of the checkpoint names, relative to this folder.

        Raises:
            UnsafeCheckpointError: it leads out of the checkpoint.
        """
        where = self.where(stated_in) if isinstance(stated_in, str) else stated_in.location
        parts = PurePosixPath(path).parts
        if "\0" in path or "\\" in path or PurePosixPath(path).is_absolute() or ".." in parts:
            raise UnsafeCheckpointError(where, f"points outside of the checkpoint: {path!r}")
        if not path.isprintable() or len(path) > _LONGEST_PATH:
            raise CheckpointError(where, f"names {path[:200]!r}, which no file is called")
        return "/".join(parts)

    def value(self, name: str) -> object:
        """Return what a JSON file holds.

        Raises:
            CheckpointError: the file is missing, or is not JSON.
        """
        path = self._name(name)
        if path not in self._files.values:
            self._files.values[path] = self._read_json(name)
        return self._files.values[path]

    def json(self, name: str, *, optional: bool = False) -> JsonFile:
        """Return a file that must hold a JSON object; a missing one that is optional is empty.

        A file that OpenCLIP's configuration stands for is made of it; one that is optional is empty
        where it cannot be.

        Raises:
            CheckpointError: the file is missing and not optional, or holds something else.
            UnsupportedCheckpointError: OpenCLIP's configuration is that of no CLIP model.
        """
        path = self._name(name)
        if path in self._files.objects:
            return self._files.objects[path]
        if name in _OF_OPEN_CLIP and self.is_open_clip:
            return self._translated(name, optional=optional)
        missing = optional and not self.has(name)
        value = {} if missing else self.value(name)
        if not isinstance(value, dict):
            raise CheckpointError(
                self.where(name), f"holds {describe_value(value)}; expected a JSON object"
            )
        found = JsonFile(path, value, self.where(name))
        if not missing:
            self._files.objects[path] = found
        return found

    @property
    def is_open_clip(self) -> bool:
        """Whether only OpenCLIP's configuration says what the model is."""
        return self.has(OPEN_CLIP_FILE) and not (
            self.has("config.json") or self.has("modules.json")
        )

    def _translated(self, name: str, *, optional: bool) -> JsonFile:
        file = self.json(OPEN_CLIP_FILE)
        try:
            values = self.once("open_clip", lambda: translate(file))[name]
        except UnsupportedCheckpointError:
            if not optional:
                raise
            values = {}
        return JsonFile(
            file.name,
            values,
            file.location,
            stands_at=STANDS_AT[name],
            assumed=assumed(file, name),
        )

    def once(self, question: str, answer: Callable[[], T]) -> T:
        """Return the answer to a question about this folder, which is found only once."""
        key = f"{self.inside}:{question}"
        if key not in self._files.answers:
            self._files.answers[key] = answer()
        return cast(T, self._files.answers[key])

    def header(self, name: str) -> Header:
        """Return the header of a safetensors file.

        Raises:
            CheckpointError: it is no whole safetensors file.
        """
        path = self._name(name)
        if path not in self._files.read_headers:
            self._files.read_headers[path] = read_header(self._files.folder / path)
        return self._files.read_headers[path]

    @cached_property
    def headers(self) -> Mapping[str, Header]:
        """The headers of all safetensors files that make up the whole model, by their paths.

        Raises:
            CheckpointError: a file is damaged.
        """
        known, whole = self._files.read_headers, self.whole
        if self._files.only_known_headers:
            return {name: known[name] for name in whole.all_weights if name in known}
        return {name: whole.header(name) for name in whole.all_weights}

    @cached_property
    def all_weights(self) -> tuple[str, ...]:
        """The safetensors files that make up the whole model, by their paths.

        Raises:
            CheckpointError: an index of shards is damaged, or names a file that lies elsewhere.
        """
        whole = self.whole
        folders = dict.fromkeys(weight_folders(self.names))
        if whole.is_open_clip:
            folders[""] = None
        parts = (whole.part(folder) for folder in folders)
        return tuple(part._name(name) for part in parts for name in part.weight_names())

    def weight_names(self) -> tuple[str, ...]:
        """Return the safetensors files of this folder, whole or in shards; none where it has none.

        Usual names tell them only where no index is at hand, as in a listing of the Hub.

        Raises:
            CheckpointError: the index of shards is damaged, or names a file that lies elsewhere.
        """
        if self.has(WEIGHTS_FILE):
            return (WEIGHTS_FILE,)
        if self.has(INDEX_FILE) and (self.folder / INDEX_FILE).is_file():
            return self._shards("")
        if self.is_open_clip and self.has(OPEN_CLIP_WEIGHTS):
            return (OPEN_CLIP_WEIGHTS,)
        return weight_files(self._own_names())

    def weights(self, *, prefix: str = "") -> tuple[str, ...]:
        """Return the safetensors files of this folder, one or several shards, in order.

        Args:
            prefix: only shards with a tensor whose name begins so are returned.

        Raises:
            CheckpointError: there are none, or the index of shards is damaged.
            UnsafeCheckpointError: there are only pickled ones, or a shard lies elsewhere.
        """
        if self.has(WEIGHTS_FILE):
            return (WEIGHTS_FILE,)
        if self.has(INDEX_FILE):
            return self._shards(prefix)
        if self.is_open_clip and self.has(OPEN_CLIP_WEIGHTS):
            return (OPEN_CLIP_WEIGHTS,)
        backends = " or ".join(f"backend={name!r}" for name in GRAPHS if GRAPHS[name] in self.names)
        pickles = [name for name in self._own_names() if PurePosixPath(name).suffix in _PICKLES]
        if pickles:
            raise UnsafeCheckpointError(
                self.location,
                f"has only pickled weights ({', '.join(pickles)}); unpickling can run any code, so "
                "it is refused. Convert them where that does no harm, with torch.load(path, "
                f"weights_only=True) and safetensors.torch.save_file(tensors, {WEIGHTS_FILE!r}), "
                f"{f'run its graph with {backends}, ' if backends else ''}or use a revision that has "
                "safetensors",
            )
        if backends:
            raise CheckpointError(
                self.location,
                f"has no {WEIGHTS_FILE}, but a graph; load it with {backends}, or name the "
                "checkpoint that it was made from",
            )
        raise CheckpointError(
            self.location,
            f"has no {WEIGHTS_FILE}; expected weights as safetensors (pickled weights are not "
            "downloaded, since unpickling can run any code)",
        )

    def _shards(self, prefix: str) -> tuple[str, ...]:
        index = self.json(INDEX_FILE)
        shards = index.part("weight_map")
        if shards is None or not all(isinstance(name, str) for name in shards.values.values()):
            raise index.wrong("weight_map", index.values.get("weight_map"), "the files by tensor")
        named = {
            file: self.within(file, index) for file in sorted(map(str, {*shards.values.values()}))
        }
        wanted = {str(file) for name, file in shards.values.items() if name.startswith(prefix)}
        return tuple(sorted({named[file] for file in wanted}))

    @property
    def is_adapter(self) -> bool:
        """Whether this folder holds the weights of an adapter, and not those of its model."""
        return self.has("adapter_config.json")

    def refuse_adapter(self) -> None:
        """Raise an `UnsupportedCheckpointError` for the weights of an adapter."""
        if self.is_adapter:
            raise UnsupportedCheckpointError(
                self.location,
                "is an adapter on another model; merge it into that model first, such as by "
                "merge_and_unload() of peft, and save the whole",
            )

    def _own_names(self) -> list[str]:
        """Return the names of the files of this folder, without those of its folders."""
        inside = f"{self.inside}/" if self.inside else ""
        own = [name.removeprefix(inside) for name in self.names if name.startswith(inside)]
        return sorted(name for name in own if "/" not in name)

    def _read_json(self, name: str) -> object:
        path = self._files.folder / self._name(name)
        try:
            refuse_special(path)
            return json.loads(path.read_bytes())
        except FileNotFoundError:
            if name == "config.json":
                # Without its model, an adapter has a configuration of its own alone.
                self.refuse_adapter()
            raise CheckpointError(
                self._files.location,
                f"the file {self._name(name)} is missing; expected a whole checkpoint",
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise CheckpointError(
                self.where(name), f"cannot be read: {reason_of(error)}"
            ) from error
        except RecursionError:
            raise CheckpointError(
                self.where(name), "is not JSON: it is nested too deeply"
            ) from None
        except json.JSONDecodeError as error:
            raise CheckpointError(
                self.where(name),
                f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}; "
                f"the file is damaged; {fetch_again(path)}",
            ) from None
        except ValueError as error:
            raise CheckpointError(
                self.where(name), f"holds a number that cannot be read: {error}"
            ) from None

    def __eq__(self, other: object) -> bool:
        """Whether both are the same folder."""
        return isinstance(other, Checkpoint) and self.folder == other.folder

    def __hash__(self) -> int:
        """Return a hash of the folder."""
        return hash(self.folder)

    def __repr__(self) -> str:
        """Show the folder."""
        return f"Checkpoint({self.location!r})"

    def _name(self, name: str) -> str:
        return f"{self.inside}/{name}".strip("/")
