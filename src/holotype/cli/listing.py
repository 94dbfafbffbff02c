"""`holotype list`: lists the models that meet every criterion."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any, cast

import typer

from holotype.catalogue import Catalogue
from holotype.cli import options
from holotype.cli.as_json import record_as_json
from holotype.cli.catalogues import open_catalogue
from holotype.cli.columns import COLUMNS, fitting, plain_row, table
from holotype.cli.output import (
    counted_models,
    is_terminal,
    note,
    terminal,
    write_json,
    write_lines,
)
from holotype.criteria import meant_kind, split_licenses
from holotype.errors import CriterionError
from holotype.naming import nearest
from holotype.query import Criteria, SortKey, select
from holotype.records import ModelInfo

_EVERYTHING = "*"

_OFTEN_UNKNOWN = {
    "license": "license",
    "commercial_use": "commercial_use",
    "matryoshka": "matryoshka",
    "max_truncated_dim": "matryoshka",
    "min_context_length": "context_length",
    "min_parameters": "parameters",
    "max_parameters": "parameters",
    "max_memory": "parameters",
    "min_beir_avg": "beir_avg",
    "min_ms_marco_mrr10": "ms_marco_mrr10",
    "allow_remote_code": "requires_remote_code",
    "gated": "gated",
}
"""The criteria on values that many entries do not know, and the attribute of each."""

_IN_WORDS = {
    "commercial_use": "terms for commercial use",
    "matryoshka": "Matryoshka sizes",
    "requires_remote_code": "need of remote code",
    "gated": "terms of access",
}
"""What a note calls an attribute whose own name would not be understood."""


def list_models(
    context: typer.Context,
    pattern: options.Pattern = _EVERYTHING,
    type: options.Type = None,
    organization: options.Organization = None,
    language: options.Language = None,
    modality: options.Modality = None,
    license: options.License = None,
    commercial_use: options.CommercialUse = None,
    min_embedding_dim: options.MinEmbeddingDim = None,
    max_embedding_dim: options.MaxEmbeddingDim = None,
    max_truncated_dim: options.MaxTruncatedDim = None,
    matryoshka: options.Matryoshka = None,
    min_context_length: options.MinContextLength = None,
    min_parameters: options.MinParameters = None,
    max_parameters: options.MaxParameters = None,
    max_memory: options.MaxMemory = None,
    min_beir_avg: options.MinBeirAvg = None,
    min_ms_marco_mrr10: options.MinMsMarcoMrr10 = None,
    no_remote_code: options.NoRemoteCode = False,
    gated: options.Gated = None,
    sort: options.Sort = None,
    descending: options.Descending = False,
    as_json: options.AsJson = False,
    ids: options.Ids = False,
) -> None:
    """List the models that meet every criterion, or all models.

    If stdout is not a terminal, each line has these tab-separated fields, with - for unknown values:
    id, type, organization, huggingface_id, embedding_dim, matryoshka_dims, context_length,
    parameters, license, languages, beir_avg, ms_marco_mrr10, matryoshka_range.

    Deprecated models are not listed. The exit code is 1 if no model matches.
    """
    if as_json and ids:
        raise typer.BadParameter("give --json or --ids, not both")
    if descending and sort is None:
        raise typer.BadParameter("--descending needs --sort FIELD", param_hint="--descending")
    catalogue = open_catalogue(context.obj).catalogue
    type = _require_kind(catalogue, type)
    ids_wanted = _ids(catalogue, pattern)
    criteria: Criteria = {
        "organization": organization,
        "language": language,
        "modality": modality,
        "license": license or None,
        "commercial_use": commercial_use,
        "min_embedding_dim": min_embedding_dim,
        "max_embedding_dim": max_embedding_dim,
        "max_truncated_dim": max_truncated_dim,
        "matryoshka": matryoshka,
        "min_context_length": min_context_length,
        "min_parameters": min_parameters,
        "max_parameters": max_parameters,
        "max_memory": max_memory,
        "min_beir_avg": min_beir_avg,
        "min_ms_marco_mrr10": min_ms_marco_mrr10,
        "allow_remote_code": False if no_remote_code else None,
        "gated": gated,
    }
    try:
        records = select(
            type=type,
            sort_by=cast("SortKey | None", sort),
            descending=descending,
            among=catalogue.records,
            **criteria,
        )
    except CriterionError as error:
        raise _wrong_option(error) from None
    records = tuple(record for record in records if record.id in ids_wanted)
    _write(records, as_json=as_json, ids=ids)
    candidates = [record for record in catalogue.listed if record.id in ids_wanted]
    if unknown := _unknown(candidates, type, criteria):
        note(unknown)
    if not records:
        note(_nothing_found(catalogue, pattern, type, criteria))
        raise typer.Exit(1)


def _wrong_option(error: CriterionError) -> typer.BadParameter:
    """Return the error of the command line, which writes several licences in another way."""
    several = split_licenses(str(error.wanted)) if error.criterion == "license" else []
    if len(several) < 2:
        return typer.BadParameter(str(error))
    options = " ".join(f"--license {shlex.quote(each)}" for each in several)
    problem = f"{error.wanted!r} is several licences; give each one: {options}"
    return typer.BadParameter(problem, param_hint="--license")


def _write(records: Sequence[ModelInfo], *, as_json: bool, ids: bool) -> None:
    if as_json:
        write_json([record_as_json(record) for record in records])
    elif ids:
        write_lines([record.id] for record in records)
    elif not is_terminal():
        write_lines(map(plain_row, records))
    elif records:
        _draw(records)


def _draw(records: Sequence[ModelInfo]) -> None:
    console = terminal()
    columns = fitting(records, console.width)
    console.print(table(records, columns))
    summary = counted_models(len(records))
    hidden = [column.heading for column in COLUMNS if column not in columns]
    if hidden:
        summary += f"; a wider terminal also shows {', '.join(hidden)}"
    console.print(summary, style="dim")


def _require_kind(catalogue: Catalogue[str], kind: str | None) -> str | None:
    """Return the kind that is meant; a kind that the catalogue does not have is a wrong call."""
    if kind is None:
        return None
    kinds = list(dict.fromkeys(str(record.type) for record in catalogue.records))
    try:
        meant = meant_kind(kind, kinds)
    except CriterionError as error:
        raise typer.BadParameter(str(error), param_hint="--type") from None
    if meant not in kinds:
        raise typer.BadParameter(
            f"the catalogue has no {meant} models; there are {', '.join(kinds)}",
            param_hint="--type",
        )
    return meant


def _ids(catalogue: Catalogue[str], pattern: str) -> frozenset[str]:
    try:
        return frozenset(catalogue.list_model_ids(pattern))
    except CriterionError:  # no id; `_hint` says what may be meant
        return frozenset()


def _unknown(candidates: Sequence[ModelInfo], kind: str | None, criteria: Criteria) -> str | None:
    """Return a note on the models that are left out only because a value is unknown.

    Args:
        candidates: the models that are not left out anyway.
        kind: the kind of model that is asked for.
        criteria: the other criteria.
    """
    asked: dict[str, Any] = {
        name: wanted for name, wanted in criteria.items() if wanted is not None
    }
    unsure = {name: wanted for name, wanted in asked.items() if name in _OFTEN_UNKNOWN}
    certain = {name: wanted for name, wanted in asked.items() if name not in unsure}
    possible = {each.id: each for each in select(type=kind, among=candidates, **certain)}
    lacking: dict[str, set[str]] = {}
    for name, wanted in unsure.items():
        met = {each.id for each in select(among=possible.values(), **{name: wanted})}
        attribute = _OFTEN_UNKNOWN[name]
        lacking[name] = {
            id
            for id, each in possible.items()
            if id not in met and getattr(each, attribute) is None
        }
        possible = {id: each for id, each in possible.items() if id in met | lacking[name]}
    told = [
        f"{name} leaves out {counted_models(n)} with unknown {_words(_OFTEN_UNKNOWN[name])}"
        for name, ids in lacking.items()
        if (n := len(ids & possible.keys()))
    ]
    return f"note: {'; '.join(told)}" if told else None


def _words(attribute: str) -> str:
    return _IN_WORDS.get(attribute) or attribute.replace("_", " ")


def _nothing_found(
    catalogue: Catalogue[str], pattern: str, kind: str | None, criteria: Criteria
) -> str:
    """Return the message for no match: the criteria, and possible misspellings."""
    asked: dict[str, object] = {"type": kind, **criteria}
    told = [f"{name}={_in_words(value)}" for name, value in asked.items() if value is not None]
    if pattern != _EVERYTHING:
        told.insert(0, f"id={pattern}")
    hint = _hint(catalogue, pattern)
    return f"no model matches {', '.join(told)}; {hint or 'drop a criterion to find more'}"


def _in_words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " or ".join(map(str, value)) if isinstance(value, list) else str(value)


def _hint(catalogue: Catalogue[str], pattern: str) -> str | None:
    if pattern == _EVERYTHING or _ids(catalogue, pattern):
        return None
    for wider in (f"{pattern}*", f"*{pattern}*"):
        if catalogue.list_model_ids(wider):
            return f"try {wider!r}"
    near = nearest(pattern, catalogue.list_model_ids())
    return f"did you mean {near[0]!r}?" if near else "no id matches that pattern"
