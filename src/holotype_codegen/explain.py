"""Explains an entry: the generated names, and the source of each value."""

from __future__ import annotations

import difflib

from holotype_codegen import naming
from holotype_codegen.literals import literal
from holotype_codegen.model import model_of, source_of, stated_fields
from holotype_codegen.report import CatalogueError, Problem
from holotype_codegen.source import CatalogueSource


def explain(catalogue: CatalogueSource, model_id: str) -> str:
    """Return a page about one entry: its names in Python, and every value with its source.

    Raises:
        CatalogueError: the catalogue has no entry with this id.
    """
    models = catalogue.value["models"]
    position = next((n for n, values in enumerate(models) if values["id"] == model_id), None)
    if position is None:
        raise CatalogueError([_not_found(catalogue, model_id)])
    values = models[position]
    model = model_of(values)
    line, _ = catalogue.locate(f"/models/{position}")
    dims = f"[{model.dim_type}]" if model.dim_type else ""
    head = [
        ("entry", f"{catalogue.file}:{line}"),
        ("constant", model.constant),
        ("kind", f"ModelType.{naming.enum_member_name(model.kind)}"),
        ("record", f"{model.record_class}{dims}"),
        ("id type", f"{naming.class_stem(model.kind)}ModelId"),
    ]
    rows = [
        (name, literal(value, width=10**9), source_of(values["provenance"], place))
        for name, place, value in stated_fields(values)
    ]
    widths = [min(max(len(row[n]) for row in rows), 60) for n in (0, 1)]
    return "\n".join(
        [model_id]
        + [f"  {label:<9} {text}" for label, text in head]
        + [""]
        + [
            f"  {name:<{widths[0]}}  {value:<{widths[1]}}  [{source}]"
            for name, value, source in rows
        ]
    )


def _not_found(catalogue: CatalogueSource, model_id: str) -> Problem:
    ids = [values["id"] for values in catalogue.value["models"]]
    near = difflib.get_close_matches(model_id, ids)
    return Problem(
        file=catalogue.file,
        line=1,
        column=1,
        id=model_id,
        pointer="/models",
        found=f"no entry has the id {model_id!r}",
        expected="the id of an entry",
        action=f"did you mean {' or '.join(map(repr, near))}?" if near else "look up the id",
        rule="explain",
    )
