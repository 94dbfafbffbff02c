"""Brings the two older formats into the current one, with the places of every value.

The one is YAML without a version: ``models: {name: {source, architecture, inference}}``. The other
is flat JSON: ``{"name": {"type": ..., "model_path": ..., "RAM": 0.5, "preload": true}}``. Neither
could pin a revision, so their sources may move.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from holotype.deployment.containers import Field, Record
from holotype.deployment.fields import VERSION
from holotype.deployment.problems import Report, quote
from holotype.deployment.shapes import Choice, Flag, Number, Text, Unread
from holotype.deployment.tree import Member, Node

_OLDER_KEYS = frozenset({"source", "architecture", "inference"})
_ARCHITECTURES = {
    "sentence_transformer": "sentence-transformer",
    "bert": "bert-sequence-classification",
}
_FLAT_TYPES = ("sentence_transformer", "s3", "onnx", "bert", "sagemaker", "custom")
_REPOSITORY = re.compile(r"[A-Za-z0-9_][\w.-]*/[A-Za-z0-9_][\w.-]*")

_FLAT = Record(
    what="a model of the flat format",
    fields={
        "type": Field(shape=Choice.of(*_FLAT_TYPES), doc="The kind of model.", required=True),
        "model_path": Field(
            shape=Text(what="a path, a repository, an endpoint or a class"),
            doc="Where the model is.",
            required=True,
        ),
        "RAM": Field(shape=Number(least=0), doc="The memory that it takes, in GiB."),
        "preload": Field(shape=Flag(), doc="Whether to load it at the start."),
    },
)


def modernize(root: Node, folder: str | None, report: Report) -> tuple[Node | None, bool]:
    """Return a document in the current format, and whether it was in an older one.

    There is no document if no model of the flat format could be read.

    Args:
        root: the document.
        folder: the folder that its paths are relative to; None for the working directory.
        report: takes the problems of the flat format.
    """
    if not isinstance(root.value, dict):
        return root, False
    if _is_flat(root.value):
        models = _models(root.value, Path(folder or "."), report)
        return (_document(root, root.moved(models)) if models else None), True
    models_at = root.get("models")
    if models_at is not None and set(root.value) == {"models"} and _is_older(models_at):
        return _document(root, models_at), True
    return root, False


def _is_flat(members: Mapping[str, Member]) -> bool:
    return "models" not in members and any(
        each.node.get("model_path") is not None for each in members.values()
    )


def _is_older(models: Node) -> bool:
    return isinstance(models.value, dict) and all(
        isinstance(each.node.value, dict) and set(each.node.value) <= _OLDER_KEYS
        for each in models.value.values()
    )


def _document(root: Node, models: Node) -> Node:
    version = Member(root, _text(root, VERSION))
    return root.moved({"version": version, "models": Member(root, models)})


def _models(members: Mapping[str, Member], folder: Path, report: Report) -> dict[str, Member]:
    models: dict[str, Member] = {}
    for name, member in members.items():
        member.key.model = name
        for node in member.node.walk():
            node.model = name
        values = _FLAT.read(member.node, report)
        if not isinstance(values, Unread) and {"type", "model_path"} <= set(values):
            models[name] = Member(member.key, _model(values, member.node, folder, report))
    return models


def _model(values: Mapping[str, Any], node: Node, folder: Path, report: Report) -> Node:
    """Return a model of the flat format as the current one has it."""
    kind = values["type"]
    at = node.get("model_path") or node
    path, graph = _without_graph(values["model_path"], at, report)
    made: dict[str, Node] = {"source": _source(kind, path, at, folder, report)}
    if kind in _ARCHITECTURES:
        type_at = node.get("type") or node
        made["architecture"] = _mapping(type_at, {"type": _text(type_at, _ARCHITECTURES[kind])})
    if graph or kind == "onnx":
        made["inference"] = _mapping(at, {"backend": _text(at, "onnx")})
    ram = node.get("RAM")
    if ram is not None and values.get("RAM"):
        made["memory"] = _text(ram, f"{values['RAM']:.9f}".rstrip("0").rstrip(".") + "GiB")
    preload = node.get("preload")
    if preload is not None and "preload" in values:
        made["preload"] = preload
    return _mapping(node, made)


def _without_graph(path: str, at: Node, report: Report) -> tuple[str, bool]:
    """Return the folder of a model, and whether the path named its graph."""
    if not path.endswith(".onnx"):
        return path, False
    folder, _, file = path.rpartition("/")
    if file != "model.onnx":
        report.add(
            at,
            f'"model_path" names the graph {quote(file)}',
            "expected model.onnx: the graph of a folder is found by its name",
            "rename it to onnx/model.onnx within the folder, or make it with: holotype export",
            rule="value",
        )
    return folder.removesuffix("/onnx") or ".", True


def _source(kind: str, path: str, at: Node, folder: Path, report: Report) -> Node:
    if kind == "sagemaker":
        return _mapping(at, {"type": _text(at, "sagemaker"), "endpoint": _text(at, path)})
    if kind == "custom":
        module, dot, name = path.rpartition(".")
        factory = f"{module}:{name}" if dot and ":" not in path else path
        return _mapping(at, {"type": _text(at, "custom"), "factory": _text(at, factory)})
    if path.startswith(("s3://", "gs://", "hf:", "local:", "catalogue:")):
        return _text(at, path)
    if kind == "s3":
        report.add(
            at,
            f'"model_path" is {quote(path)}',
            "expected s3://BUCKET/PREFIX for a model of the type s3",
            "write the bucket and the prefix",
            rule="value",
        )
    if _is_local(path, kind, folder):
        return _mapping(at, {"type": _text(at, "local"), "path": _text(at, path)})
    # As sentence-transformers itself takes names without an organization.
    repository = path if "/" in path else f"sentence-transformers/{path}"
    return _text(at, f"hf:{repository}")


def _is_local(path: str, kind: str, folder: Path) -> bool:
    if path.startswith(("/", ".", "~")) or (folder / PurePosixPath(path)).exists():
        return True
    is_repository = _REPOSITORY.fullmatch(path) is not None
    return not is_repository and not ("/" not in path and kind == "sentence_transformer")


def _text(at: Node, text: str) -> Node:
    return at.moved(text, text)


def _mapping(at: Node, values: Mapping[str, Node]) -> Node:
    return at.moved({name: Member(node, node) for name, node in values.items()})
