"""`holotype licenses`: the licence of every model in use, and where it comes from."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holotype.cli.catalogues import chosen_catalogue, open_catalogue
from holotype.cli.groups import Command
from holotype.cli.hub_extra import missing_package
from holotype.cli.output import counted_models, fail, note, write, write_json, write_rows
from holotype.cli.wording import UNKNOWN
from holotype.errors import DeprecatedModelWarning, HolotypeError
from holotype.licences import allows_commercial_use
from holotype.records import ModelInfo

if TYPE_CHECKING:
    from holotype.catalogue import Catalogue
    from holotype.references.ref import ModelRef

_ENTRY = "the entry"
"""What the source begins with if it is an entry of another revision."""

_NO_RECORD = "has no record that could state a licence; ask whoever provides it"


@dataclass(frozen=True, slots=True)
class _Row:
    """The licence of one model.

    Attributes:
        name: what the model is called where it is used: in the deployment, or its reference.
        reference: where it comes from.
        id: the id of its record; None if nothing describes the model.
        huggingface_id: its repository; None if it has none.
        commit: the commit of the files; None if they have none.
        license: the licence; None if no source states one.
        source: where that is stated.
        commercial_use: see `ModelInfo.commercial_use`.
        problem: why nothing is known of the model; None if it is described.
    """

    name: str
    reference: str
    id: str | None = None
    huggingface_id: str | None = None
    commit: str | None = None
    license: str | None = None
    source: str | None = None
    commercial_use: bool | None = None
    problem: str | None = None


def licenses(
    context: typer.Context,
    references: Annotated[
        list[str] | None,
        typer.Argument(metavar="REF", help="References, or ids; without anything, all models."),
    ] = None,
    deployment: Annotated[
        str | None,
        typer.Option(metavar="PLACE", help="Also the models of a deployment."),
    ] = None,
    lock: Annotated[
        Path | None, typer.Option("--lock", metavar="FILE", help="Also the models of a lock file.")
    ] = None,
    commercial: Annotated[
        bool,
        typer.Option(
            "--require-commercial-use",
            help="Exit with 1 unless the licence of each is known to allow commercial use.",
        ),
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, with a heading.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array.")] = False,
) -> None:
    """Report the licences of models: of references, of a deployment or of a lock file.

    If stdout is not a terminal, each line has these tab-separated fields, with - for unknown
    values: the name, the reference, the id, the repository, the commit, the licence, the source
    that states it, and whether it allows commercial use: yes, no, or - where no licence is known or
    it has to be read for that, such as gemma. This follows from the licence's id alone, and is no
    legal advice. Other conditions hold all the same.

    A licence may change with the revision. For another one than the entry's, it is that of the card
    in the Hub's cache, else that of the entry, and the source says so.

    No weights are read, and only repositories that no catalogue describes are asked for on the Hub.
    The exit code is 1 if a model cannot be described.
    """
    if as_csv and as_json:
        raise typer.BadParameter("give --csv or --json, not both")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecatedModelWarning)
            rows = list(_rows(context, references or (), deployment, lock))
    except HolotypeError as error:
        fail(str(error))
    if as_json:
        write_json([asdict(row) for row in rows])
    elif as_csv:
        write(_as_csv(rows))
    else:
        write_rows([*_Row.__dataclass_fields__][:-1], (_cells(row)[:-1] for row in rows))
    unclear = [row for row in rows if row.commercial_use is not True]
    forbidden = [row for row in unclear if row.commercial_use is False]
    note(
        f"{counted_models(len(rows))}: commercial use is allowed for {len(rows) - len(unclear)}, "
        f"forbidden for {len(forbidden)}, and unknown for {len(unclear) - len(forbidden)}"
    )
    others = [row.name for row in rows if (row.source or "").startswith(_ENTRY)]
    if others:
        note(
            f"note: the licence of {', '.join(others)} is that of the entry, which is of another "
            "revision; theirs may differ, and the Hub's cache does not tell"
        )
    problems = [row for row in rows if row.problem is not None]
    for row in problems:
        note(f"{row.name}: {row.problem}")
    if problems or (commercial and unclear):
        raise typer.Exit(1)


def _rows(
    context: typer.Context, references: Sequence[str], deployment: str | None, lock: Path | None
) -> Iterator[_Row]:
    from holotype.encoders.names import as_reference

    catalogue = chosen_catalogue(context)
    if not references and deployment is None and lock is None:
        for record in open_catalogue(context.obj).catalogue.listed:
            yield _of_record(record.id, f"catalogue:{record.id}", record, record.revision)
    for text in references:
        # Entries of a repository are compared by their licence, of which they may all have one.
        names = None if text.startswith("hf:") else catalogue
        yield _of_reference(text, as_reference(text, names), catalogue)
    if deployment is not None:
        yield from _of_deployment(deployment, catalogue)
    if lock is not None:
        from holotype.references.lock_file import read_lock

        for model in read_lock(lock).models:
            ref = model.reference
            yield _of_reference(str(ref), ref, catalogue, commit=model.commit)


def _of_deployment(place: str, catalogue: Catalogue[Any] | None) -> Iterator[_Row]:
    from holotype.deployment.document import BuiltinSource, ReferenceSource
    from holotype.deployment.sources import load_deployment
    from holotype.deployment.writing import source_text

    # Nothing of it is run, so that code in it may be named.
    for model in load_deployment(place, allow_code=True, catalogue=catalogue).deployment.models:
        for variant in model.variants:
            name = model.name if len(model.variants) == 1 else f"{model.name}/{variant.name}"
            if isinstance(variant.source, ReferenceSource):
                yield _of_reference(name, variant.source.ref, catalogue)
                continue
            where = source_text(variant.source)
            if isinstance(variant.source, BuiltinSource):
                yield _Row(
                    name, where, license="apache-2.0", source="holotype", commercial_use=True
                )
            else:
                yield _Row(name, where, problem=_NO_RECORD)


def _of_reference(
    name: str, ref: ModelRef, catalogue: Catalogue[Any] | None, *, commit: str | None = None
) -> _Row:
    """Return what the record of a reference says: that of a catalogue, or of the files.

    Args:
        name: what the model is called where it is used.
        ref: the reference.
        catalogue: whose entries count before holotype's own; None if there is no other.
        commit: the commit that a lock file says it is; without one, what the reference names.
    """
    from holotype.encoders.config import look_up_reference
    from holotype.models import MODEL_REGISTRY
    from holotype.publishing import get_model_info

    try:
        record = ref.record
        if ref.scheme == "catalogue":
            record = look_up_reference(ref)
        elif ref.scheme == "hf" and record is None:
            own = () if catalogue is None else catalogue.records
            entries = [each for each in own if _is_of(each, ref)]
            entries = entries or [each for each in MODEL_REGISTRY if _is_of(each, ref)]
            record = entries[0] if len({each.license for each in entries}) == 1 else None
        if record is not None:
            # Without a revision, the Hub's default branch is loaded.
            at = commit or (ref.revision if ref.scheme == "hf" else record.revision)
            row = _of_record(name, str(ref), record, at)
            if at == record.revision:
                return row
            return _of_other_revision(row, record, at if commit or ref.is_commit else None)
        found = get_model_info(ref)
    except (HolotypeError, OSError) as error:
        return _Row(name, str(ref), problem=str(error).removeprefix(f"{ref}: "))
    return _of_record(name, str(ref), found.record, found.commit)


def _of_other_revision(row: _Row, record: ModelInfo, commit: str | None) -> _Row:
    """Return what the card of another revision than the entry's states, if the cache has it.

    A licence may change from one revision to the next. That of the entry is said to be the entry's.
    """
    if commit is not None and missing_package() is None:
        from holotype.hub.cached import cached_license

        stated = cached_license(record.huggingface_id, commit)
        if stated is not None:
            allowed = allows_commercial_use(stated)
            return replace(
                row, license=stated, source=f"README.md @ {commit}", commercial_use=allowed
            )
    of = "no known revision" if record.revision is None else record.revision[:12]
    return replace(row, source=row.source and f"{_ENTRY} of {of}: {row.source}")


def _is_of(record: ModelInfo, ref: ModelRef) -> bool:
    return record.huggingface_id.lower() == ref.location.lower()


def _of_record(name: str, reference: str, record: ModelInfo, commit: str | None) -> _Row:
    return _Row(
        name=name,
        reference=reference,
        id=record.id,
        huggingface_id=record.huggingface_id or None,
        commit=commit,
        license=record.license,
        source=record.source_of("license"),
        commercial_use=record.commercial_use,
    )


def _cells(row: _Row) -> list[str]:
    answers = {True: "yes", False: "no", None: UNKNOWN}
    values = asdict(row) | {"commercial_use": answers[row.commercial_use]}
    return [UNKNOWN if value is None else value for value in values.values()]


def _as_csv(rows: Sequence[_Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_Row.__dataclass_fields__)
    writer.writerows(["" if cell == UNKNOWN else cell for cell in _cells(row)] for row in rows)
    return text.getvalue()


LICENSES = Command(
    "licenses",
    licenses,
    "Report the licences of the models in use.",
    (
        "holotype licenses --deployment deployment.yaml --csv > licences.csv",
        "holotype licenses --lock holotype.lock --require-commercial-use",
        "holotype licenses bge-m3 local:artifacts@production --json",
    ),
)
