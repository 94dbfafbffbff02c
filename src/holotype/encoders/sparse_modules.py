"""The modules of a sparse model, by what they read: queries or documents."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from holotype.encoders.json_file import JsonFile
from holotype.errors import CheckpointError, UnsafeCheckpointError, UnsupportedCheckpointError

ROUTER_FILE = "router_config.json"
_SIDES = ("query", "document")


@dataclass(frozen=True, slots=True)
class Module:
    """A module of sentence-transformers: its class, and its folder within the checkpoint."""

    kind: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """The modules that read each side.

    Attributes:
        query: the modules of queries.
        document: the modules of documents.
        text_side: whose modules read texts that are neither.
        file: where it stands.
    """

    query: tuple[Module, ...]
    document: tuple[Module, ...]
    text_side: Literal["query", "document"]
    file: str


def read_routes(folder: Path, path: str) -> Routes:
    """Read the settings of a router.

    Args:
        folder: the checkpoint.
        path: the router's folder within it.

    Raises:
        CheckpointError: the file is missing or damaged.
        UnsafeCheckpointError: a module is code of its own, or lies outside of the checkpoint.
        UnsupportedCheckpointError: something other than queries and documents is told apart.
    """
    names = [str(Path(path) / name) for name in (ROUTER_FILE, "config.json")]
    name = next((name for name in names if (folder / name).is_file()), names[0])
    file = JsonFile.read(folder, name)
    kinds, structure = file.part("types"), file.part("structure")
    settings = file.part("parameters")
    if kinds is None or structure is None:
        raise CheckpointError(file.location, "expected the types and the structure of routes")
    if sorted(structure.values) != sorted(_SIDES) or (
        settings is not None and settings.values.get("route_mappings")
    ):
        raise UnsupportedCheckpointError(
            file.location,
            f"routes {', '.join(structure.values)}; supported are query and document, each by name",
        )
    modules = {side: _modules(file, kinds, structure, path, side) for side in _SIDES}
    stated = settings.text("default_route") if settings else None
    usual = stated.value if stated else next(iter(structure.values))
    if usual not in _SIDES:
        raise file.wrong("default_route", usual, "query or document")
    return Routes(
        query=modules["query"],
        document=modules["document"],
        text_side=cast(Literal["query", "document"], usual),
        file=file.name,
    )


def _modules(
    file: JsonFile, kinds: JsonFile, structure: JsonFile, path: str, side: str
) -> tuple[Module, ...]:
    ids = structure.texts(side)
    found = []
    for id in ids.value if ids else ():
        reference = kinds.values.get(id)
        if not isinstance(reference, str):
            raise file.wrong(id, reference, "the class of a module")
        if reference.partition(".")[0] != "sentence_transformers":
            raise UnsafeCheckpointError(
                file.location,
                f"needs the module {reference!r}, which is code of the checkpoint itself; such "
                "modules are not run",
            )
        if Path(id).is_absolute() or ".." in Path(id).parts:
            raise UnsafeCheckpointError(file.location, f"points outside of the checkpoint: {id!r}")
        found.append(Module(reference.rpartition(".")[2], str(Path(path) / id)))
    return tuple(found)
