"""Verify entries against their checkpoints, several at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from holotype.encoders.kinds.merge import Comparison
from holotype.errors import CheckpointError, HubUnreachableError, RevisionGoneError
from holotype.hub.cached import open_cached
from holotype.hub.checkpoint_files import open_folder, open_repository
from holotype.hub.client import HubClient
from holotype.hub.fields import KNOWN_WHEN_EMPTY, POINTERS
from holotype.hub.reading import Reading, compare_with_checkpoint
from holotype.records import ModelInfo

Outcome: TypeAlias = Literal["agree", "differ", "not said", "checkpoint only"]
GONE = "(no such commit)"
"""Shown in place of a pinned commit that the repository does not have."""

FROM_CACHE = "read from the Hub's cache, since the Hub cannot be reached"
"""The note on an entry that was compared with files downloaded earlier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result for one field.

    Attributes:
        field: the name of the record's field.
        outcome: ``agree``; ``differ``; ``not said`` if only the entry has a value; or
            ``checkpoint only`` if only the checkpoint has one.
        ours: the entry's value.
        theirs: the checkpoint's value.
        file: the checkpoint's file that states it.
    """

    field: str
    outcome: Outcome
    ours: object
    theirs: object
    file: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result for one entry.

    Attributes:
        id: the entry.
        location: the checkpoint that it was compared with.
        findings: one for each field that the entry or the checkpoint states.
        refusal: why `load` refuses the checkpoint, whatever the entry says; None if it does not.
        notes: remarks on the checkpoint, such as values of its card that were ignored.
        error: why the checkpoint could not be read at all; None if it could.
    """

    id: str
    location: str
    findings: tuple[Finding, ...] = ()
    refusal: str | None = None
    notes: tuple[str, ...] = ()
    error: str | None = None

    @property
    def is_good(self) -> bool:
        """Whether the checkpoint could be read, can be loaded, and contradicts nothing."""
        return self.error is None and self.refusal is None and not self.having("differ")

    def having(self, *outcomes: Outcome) -> tuple[Finding, ...]:
        """Return the findings with one of these outcomes."""
        return tuple(finding for finding in self.findings if finding.outcome in outcomes)


def verify_folder(record: ModelInfo, folder: Path) -> Report:
    """Compare an entry with a folder on this machine."""
    try:
        files = open_folder(folder)
        return _report(record, files.location, compare_with_checkpoint(record, files))
    except CheckpointError as error:
        return Report(id=record.id, location=str(folder), error=str(error))


def verify_on_hub(record: ModelInfo, client: HubClient) -> Report:
    """Compare an entry with its repository at the pinned commit.

    If the Hub cannot be reached, the local cache is used if it has that commit, and a note says
    so.

    Raises:
        HubUnreachableError: the Hub cannot be reached, and the cache does not have the commit.
    """
    location = f"{record.huggingface_id}@{record.revision}"
    if not record.is_on_hub:
        return Report(
            id=record.id,
            location=record.huggingface_id,
            error="the entry was made of a folder, and is not on the Hub; name the folder: holotype "
            f"verify {record.id} --from FOLDER",
        )
    if record.revision is None:
        return Report(
            id=record.id,
            location=record.huggingface_id,
            error=f"the entry pins no revision, and a branch may change at any time; find the "
            f"newest commit with: holotype refresh {record.id}",
        )
    try:
        with open_repository(client, record.huggingface_id, record.revision) as files:
            report = _report(record, files.location, compare_with_checkpoint(record, files))
            if files.repository is not None and files.repository.id != record.huggingface_id:
                renamed = f"the repository has been renamed to {files.repository.id}"
                return _with_note(report, renamed)
            return report
    except HubUnreachableError as error:
        cached = _verify_cached(record, record.revision)
        if cached is None:
            # The cause; what to do.
            why, joint, action = error.problem.partition("; ")
            raise type(error)(
                error.location,
                f"{why}, and the Hub's cache does not hold all of its files and the list of them"
                f"{joint}{action}",
                error.advice,
            ) from None
        return cached
    except RevisionGoneError as error:
        gone = Finding(
            field="revision", outcome="differ", ours=record.revision, theirs=GONE, file="the Hub"
        )
        return Report(id=record.id, location=location, findings=(gone,), notes=(str(error),))
    except CheckpointError as error:
        return Report(id=record.id, location=location, error=str(error))


def _verify_cached(record: ModelInfo, commit: str) -> Report | None:
    """Compare an entry with the Hub's cache; None if the cache does not have the commit."""
    try:
        files = open_cached(record.huggingface_id, commit)
        if files is None:
            return None
        report = _report(record, files.location, compare_with_checkpoint(record, files))
    except CheckpointError as error:
        location = f"{record.huggingface_id}@{commit}"
        return Report(id=record.id, location=location, error=str(error))
    return _with_note(report, FROM_CACHE)


def verify_many(
    records: Sequence[ModelInfo],
    client: HubClient,
    *,
    jobs: int,
    done: Callable[[ModelInfo, Report], None],
) -> tuple[Report, ...]:
    """Verify entries, several at once.

    Args:
        records: the entries.
        client: the client for the Hub.
        jobs: how many to verify at once.
        done: called in the calling thread for each entry as it finishes.

    Returns:
        The reports, in the order of the records.

    Raises:
        HubUnreachableError: the Hub cannot be reached; the remaining entries are not tried.
    """
    reports: dict[str, Report] = {}
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        waiting = {pool.submit(verify_on_hub, record, client): record for record in records}
        try:
            for future, report in _finished(waiting):
                reports[report.id] = report
                done(waiting[future], report)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return tuple(reports[record.id] for record in records)


def _finished(
    futures: Iterable[Future[Report]],
) -> Iterator[tuple[Future[Report], Report]]:
    for future in as_completed(futures):
        yield future, future.result()


def _report(record: ModelInfo, location: str, reading: Reading) -> Report:
    order = list(POINTERS)
    findings = [finding for each in reading.comparisons if (finding := _finding(each))]
    findings.sort(key=lambda finding: order.index(finding.field))
    return Report(
        id=record.id,
        location=location,
        findings=tuple(findings),
        refusal=reading.refusal,
        notes=reading.notes,
    )


def _with_note(report: Report, note: str) -> Report:
    return replace(report, notes=(*report.notes, note))


def _finding(comparison: Comparison) -> Finding | None:
    """Return the finding of a comparison; None if neither side has a value."""
    ours, theirs = comparison.ours, comparison.theirs
    known = ours is not None and (ours != () or comparison.field in KNOWN_WHEN_EMPTY)
    if theirs is None:
        outcome: Outcome = "not said"
        if not known:
            return None
    elif not known:
        outcome = "checkpoint only"
    else:
        outcome = "agree" if comparison.agrees else "differ"
    return Finding(
        field=comparison.field,
        outcome=outcome,
        ours=ours,
        theirs=None if theirs is None else theirs.value,
        file=None if theirs is None else theirs.file,
    )
