"""Where the graph of a model is: in an export, beside a checkpoint, or on the Hub."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from holotype.encoders.checkpoints.checkpoint import GRAPHS, Checkpoint
from holotype.encoders.checkpoints.hub_cache import fetch_again
from holotype.encoders.checkpoints.source import fetch_graph, find_checkpoint
from holotype.encoders.config import DTYPES, ModelConfig
from holotype.encoders.graphs.manifest import (
    MANIFEST_FILE,
    ExportFacts,
    check_files,
    read_facts,
)
from holotype.errors import Advice, CheckpointError, UnsupportedModelError
from holotype.records import ColbertModel, ModelInfo


@dataclass(frozen=True, slots=True)
class GraphFiles:
    """A graph, and the folder that says how its model is run."""

    folder: Path
    graph: Path


def find_graph(config: ModelConfig[Any], meanwhile: Callable[[], object]) -> GraphFiles:
    """Return the graph that a configuration means, its digests checked where it has any.

    Args:
        config: the record and how to run it.
        meanwhile: what is done while the files of an export are read.

    Raises:
        UnsupportedModelError: no folder is given, and the record knows no graph on the Hub.
        CheckpointNotFoundError: there is no such folder, or the files cannot be had.
        CheckpointError: there is no graph for the backend, or it is damaged, of another type, or
            of another revision.
    """
    record, backend = config.record, config.backend
    if config.checkpoint is None:
        if backend != "onnx" or record.onnx_file is None:
            raise UnsupportedModelError(
                record.id,
                f"the catalogue knows no graph for {backend} of it; make one with: {_how(config)}",
                Advice(
                    "name-folder", "pass its folder as checkpoint=", "its folder", joint=", and "
                ),
            )
        # The projection of Stanford's format lies in the transformer's own weights.
        with_weights = isinstance(record, ColbertModel)
        folder = fetch_graph(record, record.onnx_file, with_weights=with_weights)
    else:
        folder = find_checkpoint(record, config.checkpoint, with_code=False)
    facts = read_facts(Checkpoint(folder))
    if facts is not None:
        _check_facts(config, folder, facts)
        with ThreadPoolExecutor(max_workers=1) as pool:
            checked = pool.submit(check_files, folder, facts.files)
            meanwhile()
            checked.result()
        return GraphFiles(folder, folder / facts.graph)
    graph = folder / _graph_name(config, folder)
    _check_type(config, graph)
    return GraphFiles(folder, graph)


def _check_type(config: ModelConfig[Any], graph: Path) -> None:
    """Compare the type that a graph of somebody else computes in with the one asked for."""
    from holotype.encoders.graphs.stored_type import read_stored_type

    try:
        stored = read_stored_type(graph)
    except (OSError, ValueError) as error:
        raise CheckpointError(
            str(graph), f"is no whole graph: {error}; {fetch_again(graph)}, or export it again"
        ) from error
    if stored.dtype == config.dtype:
        return
    known = stored.dtype in DTYPES[config.backend]
    advice = f"pass dtype={stored.dtype!r} to run it, or make" if known else "make"
    raise CheckpointError(
        str(graph),
        f"computes in {stored.dtype} ({stored.reason}), but {config.dtype} is asked for; {advice} "
        f"an export: {_how(config)}",
    )


def _graph_name(config: ModelConfig[Any], folder: Path) -> str:
    record: ModelInfo = config.record
    names = [GRAPHS[config.backend]]
    if config.backend == "onnx" and record.onnx_file is not None:
        names.insert(0, record.onnx_file)
    found = [name for name in names if (folder / name).is_file()]
    if not found:
        raise CheckpointError(
            str(folder),
            f"has no {' or '.join(names)}, which backend={config.backend!r} needs; make one with: "
            f"{_how(config)}",
        )
    return found[0]


def _check_facts(config: ModelConfig[Any], folder: Path, facts: ExportFacts) -> None:
    where, record = str(folder / MANIFEST_FILE), config.record
    if facts.backend != config.backend:
        raise CheckpointError(
            where, f"is an export for {facts.backend}; pass backend={facts.backend!r}"
        )
    if facts.dtype != config.dtype:
        raise CheckpointError(
            where,
            f"is an export in {facts.dtype}, but {config.dtype} is asked for; pass "
            f"dtype={facts.dtype!r} to run it, or make another of its checkpoint: "
            f"{_how(replace(config, checkpoint='FOLDER'))}",
        )
    if None not in (facts.revision, record.revision) and facts.revision != record.revision:
        raise CheckpointError(
            where,
            f"is an export of the revision {facts.revision}, but {record.id!r} pins "
            f"{record.revision}; export it again",
        )
    if facts.graph not in facts.files:
        raise CheckpointError(where, f"names the graph {facts.graph!r}, but not its digest")


def _how(config: ModelConfig[Any]) -> str:
    """Return the command that makes an export of the configured model."""
    record, checkpoint = config.record, config.checkpoint
    dtype = "" if config.dtype == "float32" else f" --dtype {config.dtype}"
    if checkpoint is not None and not record.huggingface_id:
        # Its record is made of the folder's files; no catalogue has its id.
        return f"holotype export local:{checkpoint} --backend {config.backend}{dtype}"
    of = "" if checkpoint is None else f" --checkpoint {checkpoint}"
    return f"holotype export {record.id} --backend {config.backend}{dtype}{of}"
