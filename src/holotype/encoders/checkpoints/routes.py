"""Which modules of a checkpoint read queries, and which read documents.

sentence-transformers tells the sides apart by a `Router`, which older versions call `Asym`: it
stands in the list of modules and holds lists of its own, by name.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from holotype.encoders.checkpoints.checkpoint import INDEX_FILE, WEIGHTS_FILE, Checkpoint
from holotype.encoders.checkpoints.json_file import JsonFile
from holotype.encoders.checkpoints.modules import MODULES_FILE, ROUTERS, module_entries
from holotype.encoders.options import TextSide
from holotype.errors import CheckpointError, UnsafeCheckpointError, UnsupportedCheckpointError

ROUTER_FILE = "router_config.json"
_ROUTER_FILES = (ROUTER_FILE, "config.json")

# Authors name the side of documents in one of these ways.
_NAMES = {"query": ("query",), "document": ("document", "doc", "passage", "corpus")}
_MODALITY = "text"


@dataclass(frozen=True, slots=True)
class Module:
    """A module of sentence-transformers: its package, its class, and its folder."""

    package: str
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
    text_side: TextSide
    file: str


def read_routes(checkpoint: Checkpoint) -> Routes | None:
    """Read the modules of both sides from the first to the last; None where no router is listed.

    Raises:
        CheckpointError: a file is missing or damaged.
        UnsafeCheckpointError: a module is code of its own, or lies outside of the checkpoint.
        UnsupportedCheckpointError: something other than queries and documents is told apart.
    """
    if not checkpoint.has(MODULES_FILE):
        return None
    entries = module_entries(checkpoint)
    routers = [read_router(checkpoint, path) for _, kind, path in entries if kind in ROUTERS]
    if not routers:
        return None
    if len(routers) > 1:
        raise UnsupportedCheckpointError(
            checkpoint.where(MODULES_FILE), f"lists {len(routers)} routers; supported is one"
        )
    (router,) = routers
    query: list[Module] = []
    document: list[Module] = []
    for package, kind, path in entries:
        routed = kind in ROUTERS
        query += router.query if routed else [Module(package, kind, path)]
        document += router.document if routed else [Module(package, kind, path)]
    return Routes(
        query=tuple(query),
        document=tuple(document),
        text_side=router.text_side,
        file=router.file,
    )


def read_router(checkpoint: Checkpoint, path: str) -> Routes:
    """Read the settings of a router.

    Args:
        checkpoint: the checkpoint.
        path: the router's folder within it.

    Raises:
        CheckpointError: the file is missing or damaged.
        UnsafeCheckpointError: a module is code of its own, or lies outside of the checkpoint.
        UnsupportedCheckpointError: something other than queries and documents is told apart.
    """
    folder = checkpoint.part(path)
    file = folder.json(next((name for name in _ROUTER_FILES if folder.has(name)), ROUTER_FILE))
    kinds, structure = file.part("types"), file.part("structure")
    if kinds is None or structure is None:
        raise CheckpointError(file.location, "expected the types and the structure of routes")
    settings = file.part("parameters") or JsonFile(file.name, {}, file.location)
    routes = tuple(structure.values)
    mapped = _mappings(settings)
    query, document = (_route(routes, mapped, side) for side in ("query", "document"))
    if query is None or document is None or {query, document} != {*routes}:
        raise UnsupportedCheckpointError(
            file.location,
            f"routes {', '.join(routes)}; supported are query and document, each by name",
        )
    usual = _route(routes, mapped, None) or _default(settings, routes)
    if usual not in (query, document):
        raise file.wrong("default_route", usual, "query or document")
    return Routes(
        query=_modules(folder, file, kinds, structure, query),
        document=_modules(folder, file, kinds, structure, document),
        text_side="document" if usual == document else "query",
        file=file.name,
    )


def _mappings(settings: JsonFile) -> Mapping[object, object]:
    """Return the route of each pair of a side and a sort of input; either may be any (None)."""
    stated = settings.part("route_mappings")
    found: dict[object, object] = {}
    for text, route in stated.values.items() if stated else ():
        try:
            key = ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            key = None
        if (
            not isinstance(key, tuple)
            or len(key) != 2
            or not all(isinstance(part, str | None) for part in key)
        ):
            raise UnsupportedCheckpointError(
                settings.location,
                f"maps {text!r} to a route; supported are query and document, each by name",
            )
        found[key] = route
    return found


def _route(
    routes: Collection[str], mapped: Mapping[object, object], side: str | None
) -> str | None:
    """Return the route of a side, in the order in which sentence-transformers looks for it."""
    for key in ((side, _MODALITY), (side, None), (None, _MODALITY), (None, None)):
        if key in mapped:
            return str(mapped[key])
    names = (*_NAMES.get(side or "", ()), _MODALITY)
    return next((name for name in names if name in routes), None)


def _default(settings: JsonFile, routes: Sequence[str]) -> str | None:
    stated, first_by_default = settings.text("default_route"), settings.boolean("allow_empty_key")
    if stated is not None:
        return stated.value
    return routes[0] if first_by_default is None or first_by_default.value else None


def _modules(
    folder: Checkpoint, file: JsonFile, kinds: JsonFile, structure: JsonFile, route: str
) -> tuple[Module, ...]:
    ids = structure.texts(route)
    if ids is None or not ids.value:
        raise structure.wrong(route, None if ids is None else [], "the modules of the route")
    found = []
    for id in ids.value:
        reference = kinds.values.get(id)
        if not isinstance(reference, str):
            raise file.wrong(id, reference, "the class of a module")
        package = reference.partition(".")[0]
        if package != "sentence_transformers":
            raise UnsafeCheckpointError(
                file.location,
                f"needs the module {reference!r}, which is code of the checkpoint itself; such "
                "modules are not run",
            )
        inside = folder.part(folder.within(id, file)).inside
        found.append(Module(package, reference.rpartition(".")[2], inside))
    return tuple(found)


def module_folders(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return the folders that hold the modules; ``""`` is the checkpoint itself.

    The modules among which a router chooses lie in folders of their own.

    Raises:
        CheckpointError: a file is damaged.
        UnsafeCheckpointError: a module is code of its own, or lies outside of the checkpoint.
    """
    found = {""}
    for kind, path in _entries(checkpoint):
        found.add(path)
        if kind in ROUTERS:
            found.update(_routed(checkpoint.part(path)))
    return tuple(sorted(found))


def router_files(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return the files that may say among which modules a checkpoint's routers choose."""
    routers = [path for kind, path in _entries(checkpoint) if kind in ROUTERS]
    return tuple(str(PurePosixPath(path) / name) for path in routers for name in _ROUTER_FILES)


def index_files(checkpoint: Checkpoint, names: Collection[str]) -> tuple[str, ...]:
    """Return the files, out of these names, that say which shards hold a module's weights."""
    folders = [PurePosixPath(module) for module in module_folders(checkpoint)]
    whole = {str(folder / WEIGHTS_FILE) for folder in folders} & {*names}
    found = {str(folder / INDEX_FILE) for folder in folders} & {*names}
    return tuple(
        sorted(name for name in found if name.replace(INDEX_FILE, WEIGHTS_FILE) not in whole)
    )


def _entries(checkpoint: Checkpoint) -> list[tuple[str, str]]:
    if not checkpoint.has(MODULES_FILE):
        return []
    return [(kind, path) for _, kind, path in module_entries(checkpoint)]


def _routed(folder: Checkpoint) -> list[str]:
    for name in _ROUTER_FILES:
        file = folder.json(name, optional=True)
        kinds = file.part("types") if isinstance(file.values.get("types"), dict) else None
        if kinds is not None:
            return [folder.part(folder.within(id, file)).inside for id in kinds.values]
    return []
