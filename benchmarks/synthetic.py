"""Catalogues of any size, made from the real one by repeating its entries under new names."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

from holotype_codegen.render import Origin, render

ROOT = Path(__file__).parent.parent


def catalogue(n_models: int) -> dict[str, Any]:
    """Return the values of a valid `models.json` with this many entries."""
    real: dict[str, Any] = json.loads((ROOT / "models.json").read_text(encoding="utf-8"))
    models = list(islice(_entries(real["models"]), n_models))
    ids = {model["id"] for model in models}
    return real | {"models": [_without_lost_successor(model, ids) for model in models]}


def _without_lost_successor(model: dict[str, Any], ids: set[str]) -> dict[str, Any]:
    """Drop a successor that lies beyond the end of the catalogue."""
    lineage = model.get("lineage", {})
    if lineage.get("superseded_by") in ids | {None}:
        return model
    return model | {
        "lineage": {key: value for key, value in lineage.items() if key != "superseded_by"},
        "provenance": {
            key: source
            for key, source in model["provenance"].items()
            if key != "/lineage/superseded_by"
        },
    }


def _entries(models: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield from models
    for n in count(2):
        for model in models:
            again = copy.deepcopy(model)
            again["id"] = f"copy{n}-{again['id']}"
            again["huggingface_id"] += f"-copy{n}"
            again["lineage"] = {"aliases": []}
            if again["revision"]:
                again["revision"] = hashlib.sha1(again["id"].encode()).hexdigest()  # noqa: S324
            if again["provenance"]:
                again["provenance"] = {
                    key: source
                    for key, source in again["provenance"].items()
                    if not key.startswith("/lineage")
                }
            yield again


def package(folder: Path, n_models: int) -> Path:
    """Copy the package with a catalogue of this size below `folder`, and return `folder`."""
    generated = shutil.ignore_patterns("models.py", "models.pyi", "__pycache__")
    shutil.copytree(ROOT / "src" / "holotype", folder / "holotype", ignore=generated)
    origin = Origin(file="models.json", digest="0" * 64, command="benchmarks")
    rendered = render(catalogue(n_models), origin, line_length=100)
    (folder / "holotype/models.py").write_text(rendered.module, encoding="utf-8")
    (folder / "holotype/models.pyi").write_text(rendered.stub, encoding="utf-8")
    return folder
