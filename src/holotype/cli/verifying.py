"""`holotype verify`: compares entries of the catalogue with their checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holotype.cli.catalogue_file import (
    problems_of,
    read_catalogue_file,
    replace_catalogue_file,
)
from holotype.cli.catalogues import open_catalogue
from holotype.cli.hub_extra import IdsOrReferences, Jobs, require_hub
from holotype.cli.output import (
    counted_models,
    fail,
    is_terminal,
    note,
    terminal,
    write_json,
    write_lines,
)
from holotype.cli.project import update_module
from holotype.cli.showing import describe_reference, find_entry
from holotype.cli.sole_writer import sole_writer
from holotype.cli.wording import UNKNOWN, exact
from holotype.errors import CatalogueFileError, HolotypeError, HubUnreachableError, reason_of
from holotype.records import ModelInfo
from holotype.references.ref import ModelRef

if TYPE_CHECKING:
    from rich.console import Console

    from holotype.hub.fixing import Fix
    from holotype.hub.verifying import Finding, Report


@dataclass(frozen=True, slots=True)
class _Fixed:
    """The ids and fields written, and the ids with values that could not be written."""

    written: frozenset[tuple[str, str]] = frozenset()
    refused: frozenset[str] = frozenset()


_STYLES = {"differ": "bold red", "checkpoint only": "yellow", "not said": "dim"}


def verify(
    context: typer.Context,
    ids: IdsOrReferences = None,
    folder: Annotated[
        Path | None,
        typer.Option("--from", metavar="FOLDER", help="Read this folder instead of the Hub."),
    ] = None,
    facts: Annotated[
        Path | None,
        typer.Option("--from-facts", metavar="FILE", help="Read this file of facts instead."),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Compare every model; so does a call without an ID.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    fix: Annotated[
        bool, typer.Option("--fix", help="Write the checkpoints' values into the catalogue file.")
    ] = False,
    file: Annotated[
        Path,
        typer.Option("--catalogue-file", metavar="FILE", help="The file that --fix changes."),
    ] = Path("models.json"),
    jobs: Jobs = 4,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep what is done in this file, and leave out what it says is done.",
        ),
    ] = None,
) -> None:
    """Compare models field by field with their checkpoints.

    A reference to a folder or an artifact is compared with its own files: by the record of the
    artifact, or of the catalogue if the files are those of an entry.

    Reads only small files and the headers of weights at the pinned revision, never the weights.
    Honours huggingface_hub's variables: HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE, HF_HOME.

    If stdout is not a terminal, each line has these tab-separated fields, with - for unknown values:
    id, field, outcome, the entry's value, the checkpoint's value, the file that states it. The
    outcome is agree, differ, not said, or checkpoint only.

    With --fix, the checkpoint's values replace those that differ and fill those that are null,
    with the file as provenance. A value that would make the catalogue invalid is reported and not
    written.

    With --from-facts, a file of facts takes the place of the checkpoints: JSON Lines, with
    huggingface_id, pointer, value and source in each. The file that states a value is its source.

    The exit code is 1 if something differs and is not fixed, or could not be read or written. If
    the Hub is unreachable, its cache is read if it holds the pinned commit. Needs the extra hub.
    """
    require_hub()
    if every and ids:
        raise typer.BadParameter("leave out the IDs, or --all", param_hint="--all")
    if facts is not None and (folder is not None or fix):
        other = "--from" if folder is not None else "--fix"
        raise typer.BadParameter(f"leave out {other}, or --from-facts", param_hint="--from-facts")
    records, references = _requested(context, ids or [])
    if folder is not None and (len(records) != 1 or references):
        raise typer.BadParameter("give the one ID that the folder holds", param_hint="--from")
    if references and (fix or facts is not None):
        option = "--fix" if fix else "--from-facts"
        raise typer.BadParameter(
            f"it is about entries of the catalogue, and {references[0]} is none", param_hint=option
        )
    reports = [_of_reference(ref) for ref in references]
    if facts is not None:
        reports += _from_facts(records, facts)
    elif folder is not None:
        reports += _from_folder(records[0], folder)
    elif records or not references:
        reports += _from_hub(records, jobs, resume)
    _write(reports, as_json=as_json)
    fixed = _Fixed()
    if fix:
        with sole_writer(file):
            fixed = _fix(file, reports)
    if any(_is_bad(report, fixed) for report in reports):
        raise typer.Exit(1)


def _requested(
    context: typer.Context, names: Sequence[str]
) -> tuple[list[ModelInfo], list[ModelRef]]:
    """Return the entries to compare with the Hub, and the references to files elsewhere."""
    opened = open_catalogue(context.obj)
    if not names:
        return list(opened.catalogue.records), []
    records: dict[str, ModelInfo] = {}
    references: list[ModelRef] = []
    for name in names:
        found = find_entry(opened, name)
        if isinstance(found, ModelRef) and found.scheme != "hf":
            references.append(found)
        else:
            record = found if isinstance(found, ModelInfo) else describe_reference(found)
            records[record.id] = record
    return list(records.values()), references


def _of_reference(ref: ModelRef) -> Report:
    """Compare the record of a folder or an artifact with its files."""
    from holotype.encoders.opening import open_reference

    try:
        opened = open_reference(ref)
    except HolotypeError as error:
        fail(str(error))
    folder = Path() if opened.checkpoint is None else opened.checkpoint.folder
    return _from_folder(opened.record, folder)[0]


def _from_folder(record: ModelInfo, folder: Path) -> list[Report]:
    from holotype.hub.verifying import verify_folder

    return [verify_folder(record, folder.expanduser())]


def _from_facts(records: Sequence[ModelInfo], file: Path) -> list[Report]:
    from holotype.hub.claims import read_claims, verify_claims

    try:
        claims = read_claims(file)
    except CatalogueFileError as error:
        fail(str(error))
    return [verify_claims(record, claims, str(file)) for record in records]


def _from_hub(records: Sequence[ModelInfo], jobs: int, resume: Path | None) -> list[Report]:
    from holotype.hub.client import HubClient
    from holotype.hub.progress_file import ProgressFile
    from holotype.hub.verifying import verify_many

    try:
        progress = ProgressFile(resume) if resume else None
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{resume} cannot be read: {reason_of(error)}; give --resume another file")
    except CatalogueFileError as error:
        fail(str(error))
    known: dict[str, Report] = {}
    for record in records if progress else ():
        report = progress.known(record) if progress else None
        if report is not None:
            known[record.id] = report
    waiting = [record for record in records if record.id not in known]
    with _show_progress(len(records), len(known)) as advance:

        def done(record: ModelInfo, report: Report) -> None:
            try:
                if progress is not None:
                    progress.keep(record, report)
            except OSError as error:
                fail(f"{resume} cannot be written: {reason_of(error)}")
            advance()

        client = HubClient()
        try:
            fresh = verify_many(waiting, client, jobs=jobs, done=done)
        except HubUnreachableError as error:
            fail(str(error))
    reports = known | {report.id: report for report in fresh}
    n_unread = sum(report.error is not None for report in fresh)
    if n_unread and len(records) > 1:
        note(
            f"note: {n_unread} of {counted_models(len(records))} could not be read; "
            f"{'--resume' if resume else '--resume FILE'} keeps those that could, for the next run, and "
            "fewer --jobs send fewer requests at once"
        )
    return [reports[record.id] for record in records]


@contextmanager
def _show_progress(total: int, completed: int) -> Iterator[Callable[[], None]]:
    """Show a bar on stderr while many models are read, if stderr is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn("verifying"), BarColumn(), MofNCompleteColumn())
    hidden = total < 2 or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task("", total=total, completed=completed)
        yield lambda: bar.advance(task)


def _write(reports: Sequence[Report], *, as_json: bool) -> None:
    if as_json:
        write_json([_as_json(report) for report in reports])
    elif is_terminal():
        console = terminal()
        for report in reports:
            _draw(console, report, whole=len(reports) == 1)
        _summary(console, reports)
    else:
        write_lines((report.id, *_cells(found)) for report in reports for found in report.findings)
    for report in reports:
        for text in report.notes:
            note(f"note: {report.id}: {text}")
        if report.refusal is not None:
            note(f"error: {report.id}: load refuses it: {report.refusal}")
        if report.error is not None:
            note(f"error: {report.id}: {report.error}")


def _as_json(report: Report) -> dict[str, Any]:
    return asdict(report) | {"ok": report.is_good}


def _cells(found: Finding) -> tuple[str, ...]:
    return (
        found.field,
        found.outcome,
        exact(found.field, found.ours),
        exact(found.field, found.theirs),
        found.file or UNKNOWN,
    )


def _draw(console: Console, report: Report, *, whole: bool) -> None:
    from rich.table import Table

    rows = report.findings if whole else report.having("differ", "checkpoint only")
    if not rows:
        return
    console.print(f"{report.id} ({report.location})", style="bold")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("field", "outcome", "catalogue", "checkpoint", "file"):
        table.add_column(heading, overflow="fold")
    for found in rows:
        table.add_row(*_cells(found), style=_STYLES.get(found.outcome))
    console.print(table)


def _summary(console: Console, reports: Sequence[Report]) -> None:
    counts = {
        outcome: sum(len(report.having(outcome)) for report in reports)
        for outcome in ("agree", "differ", "not said", "checkpoint only")
    }
    n_unread = sum(report.error is not None for report in reports)
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    n_refused = sum(report.refusal is not None for report in reports)
    refused = f"; load refuses {n_refused}" if n_refused else ""
    unread = f"; {n_unread} could not be read" if n_unread else ""
    console.print(f"{counted_models(len(reports))}: {told}{refused}{unread}", style="dim")


def _fix(file: Path, reports: Sequence[Report]) -> _Fixed:
    """Write the fixes that keep the catalogue valid, and report the others."""
    from holotype.hub.fixing import causes_of, fixed_text

    before = read_catalogue_file(file)
    refused: dict[Fix, str] = {}
    while True:
        try:
            text, fixes = fixed_text(before, reports, refused)
        except CatalogueFileError as error:
            fail(f"{file}: {error}")
        problems = problems_of(file, text) if fixes else ()
        found = {fix: each for each in problems for fix in causes_of(fixes, each.id, each.pointer)}
        if not found:
            break
        refused |= {fix: each.message for fix, each in found.items()}
    for fix, told in refused.items():
        note(f"error: {fix.id}: {fix.finding.field} is not written: {told}")
    if fixes:
        replace_catalogue_file(file, text)
        n_entries = len({fix.id for fix in fixes})
        note(
            f"{file}: {len(fixes)} value{'s' * (len(fixes) != 1)} of {n_entries} "
            f"{'entry' if n_entries == 1 else 'entries'} written"
        )
        update_module(file)
    else:
        note(f"{file}: {'nothing could be fixed' if refused else 'nothing to fix'}")
    written = frozenset((fix.id, fix.finding.field) for fix in fixes)
    return _Fixed(written, frozenset(fix.id for fix in refused))


def _is_bad(report: Report, fixed: _Fixed) -> bool:
    differing = {(report.id, found.field) for found in report.having("differ")}
    unsettled = bool(differing - fixed.written) or report.id in fixed.refused
    return report.error is not None or report.refusal is not None or unsettled
