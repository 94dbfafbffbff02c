"""`holotype list`: lists the models that meet every criterion."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import cast

import typer

from holotype.catalogue import Catalogue, nearest
from holotype.cli import options
from holotype.cli.as_json import record_as_json
from holotype.cli.catalogues import open_catalogue
from holotype.cli.columns import COLUMNS, fitting, plain_lines, table
from holotype.cli.output import is_terminal, note, terminal, write, write_json
from holotype.query import Criteria, SortKey, select
from holotype.records import ModelInfo

_EVERYTHING = "*"


def list_models(
    context: typer.Context,
    pattern: options.Pattern = _EVERYTHING,
    type: options.Type = None,
    organization: options.Organization = None,
    language: options.Language = None,
    modality: options.Modality = None,
    license: options.License = None,
    min_embedding_dim: options.MinEmbeddingDim = None,
    max_embedding_dim: options.MaxEmbeddingDim = None,
    max_truncated_dim: options.MaxTruncatedDim = None,
    matryoshka: options.Matryoshka = None,
    min_context_length: options.MinContextLength = None,
    min_parameters: options.MinParameters = None,
    max_parameters: options.MaxParameters = None,
    min_beir_avg: options.MinBeirAvg = None,
    min_ms_marco_mrr10: options.MinMsMarcoMrr10 = None,
    no_remote_code: options.NoRemoteCode = False,
    sort: options.Sort = None,
    descending: options.Descending = False,
    as_json: options.AsJson = False,
    ids: options.Ids = False,
) -> None:
    """List the models that meet every criterion, or all models.

    If stdout is not a terminal, each line has these tab-separated fields, with - for unknown values:
    id, type, organization, huggingface_id, embedding_dim, matryoshka_dims, context_length,
    parameters, license, languages, beir_avg, ms_marco_mrr10.

    Deprecated models are not listed. The exit code is 1 if no model matches.
    """
    if as_json and ids:
        raise typer.BadParameter("give --json or --ids, not both")
    catalogue = open_catalogue(context.obj).catalogue
    _require_kind(catalogue, type)
    criteria: Criteria = {
        "organization": organization,
        "language": language,
        "modality": modality,
        "license": license or None,
        "min_embedding_dim": min_embedding_dim,
        "max_embedding_dim": max_embedding_dim,
        "max_truncated_dim": max_truncated_dim,
        "matryoshka": matryoshka,
        "min_context_length": min_context_length,
        "min_parameters": min_parameters,
        "max_parameters": max_parameters,
        "min_beir_avg": min_beir_avg,
        "min_ms_marco_mrr10": min_ms_marco_mrr10,
        "allow_remote_code": False if no_remote_code else None,
    }
    try:
        records = select(
            type=type,
            sort_by=cast("SortKey | None", sort),
            descending=descending,
            among=catalogue.records,
            **criteria,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    ids_wanted = frozenset(catalogue.list_model_ids(pattern.lower()))
    records = tuple(record for record in records if record.id in ids_wanted)
    _write(records, as_json=as_json, ids=ids)
    if not records:
        note(_nothing_found(catalogue, pattern, type, criteria))
        raise typer.Exit(1)


def _write(records: Sequence[ModelInfo], *, as_json: bool, ids: bool) -> None:
    if as_json:
        write_json([record_as_json(record) for record in records])
    elif ids:
        write("".join(f"{record.id}\n" for record in records))
    elif not is_terminal():
        write(plain_lines(records))
    elif records:
        _draw(records)


def _draw(records: Sequence[ModelInfo]) -> None:
    console = terminal()
    columns = fitting(records, console.width)
    console.print(table(records, columns))
    summary = f"{len(records)} {'model' if len(records) == 1 else 'models'}"
    hidden = [column.heading for column in COLUMNS if column not in columns]
    if hidden:
        summary += f"; a wider terminal also shows {', '.join(hidden)}"
    console.print(summary, style="dim")


def _require_kind(catalogue: Catalogue[str], kind: str | None) -> None:
    kinds = list(dict.fromkeys(str(record.type) for record in catalogue.records))
    if kind is None or kind in kinds:
        return
    near = nearest(kind, kinds)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise typer.BadParameter(
        f"the catalogue has no kind {kind!r}; {hint}there are {', '.join(kinds)}",
        param_hint="--type",
    )


def _nothing_found(
    catalogue: Catalogue[str], pattern: str, kind: str | None, criteria: Criteria
) -> str:
    """Return the message for no match: the criteria, and possible misspellings."""
    asked: dict[str, object] = {"type": kind, **criteria}
    told = [f"{name}={_in_words(value)}" for name, value in asked.items() if value is not None]
    if pattern != _EVERYTHING:
        told.insert(0, f"id={pattern}")
    hint = _hint(catalogue, pattern, criteria)
    return f"no model matches {', '.join(told)}; {hint or 'drop a criterion to find more'}"


def _in_words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " or ".join(map(str, value)) if isinstance(value, list) else str(value)


def _hint(catalogue: Catalogue[str], pattern: str, criteria: Criteria) -> str | None:
    if pattern != _EVERYTHING and not catalogue.list_model_ids(pattern.lower()):
        for wider in (f"{pattern}*", f"*{pattern}*"):
            if catalogue.list_model_ids(wider.lower()):
                return f"try {wider!r}"
        near = nearest(pattern, catalogue.list_model_ids())
        return f"did you mean {near[0]!r}?" if near else "no id matches that pattern"
    licenses = {record.license for record in catalogue.listed if record.license}
    makers = {record.organization for record in catalogue.listed}
    return _misspelt("organization", criteria.get("organization"), makers) or next(
        filter(
            None, (_misspelt("license", each, licenses) for each in criteria.get("license") or ())
        ),
        None,
    )


def _misspelt(what: str, wanted: str | None, names: Collection[str]) -> str | None:
    if wanted is None or wanted.lower() in {name.lower() for name in names}:
        return None
    near = nearest(wanted, sorted(names))
    return f"no {what} is {wanted!r}" + (f"; did you mean {near[0]!r}?" if near else "")
