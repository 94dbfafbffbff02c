"""Keep the results of an interrupted verification: a line of JSON for each finished entry."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from holotype.errors import CatalogueFileError
from holotype.hub.verifying import FROM_CACHE, Finding, Report
from holotype.records import ModelInfo

_START = '{"key": '
"""The start of every line."""


class ProgressFile:
    """Keeps the reports of entries, so that the next run can skip them.

    A report is valid as long as the entry's record stays the same. Entries whose checkpoint could
    not be read, or only from the Hub's cache, are not kept.
    """

    def __init__(self, path: Path) -> None:
        """Read the results of an earlier run; ignore a last line that was cut off.

        Raises:
            CatalogueFileError: the file has other contents than results.
        """
        self._path = path
        self._reports: dict[str, Report] = {}
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        if not _START.startswith(text[: len(_START)]):
            raise CatalogueFileError(
                str(path),
                "this file holds something else than results of `holotype verify`; name another file",
            )
        for line in text.splitlines():
            self._read_line(line)
        # After a line that was cut off, start a new one.
        self._separator = "\n" if text and not text.endswith("\n") else ""

    def known(self, record: ModelInfo) -> Report | None:
        """Return the report on a record that has not changed since; None if there is none."""
        return self._reports.get(_key(record))

    def keep(self, record: ModelInfo, report: Report) -> None:
        """Add a report to the file.

        Raises:
            OSError: the file cannot be written.
        """
        if report.error is not None or FROM_CACHE in report.notes:
            return
        line = json.dumps({"key": _key(record), "report": asdict(report)}, ensure_ascii=False)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{self._separator}{line}\n")
        self._separator = ""

    def _read_line(self, line: str) -> None:
        try:
            kept = json.loads(line)
            if "refusal" not in kept["report"]:
                # An earlier version did not check whether `load` refuses the checkpoint.
                return
            self._reports[str(kept["key"])] = _report_from_json(kept["report"])
        except (ValueError, TypeError, KeyError, RecursionError):
            return


def _key(record: ModelInfo) -> str:
    text = json.dumps(asdict(record), sort_keys=True)
    return f"{record.id}:{hashlib.sha256(text.encode()).hexdigest()}"


def _report_from_json(values: dict[str, Any]) -> Report:
    findings = [Finding(**finding) for finding in values.pop("findings")]
    for at, finding in enumerate(findings):
        findings[at] = Finding(
            field=finding.field,
            outcome=finding.outcome,
            ours=_tuple_for_list(finding.ours),
            theirs=_tuple_for_list(finding.theirs),
            file=finding.file,
        )
    notes = tuple(values.pop("notes"))
    return Report(**values, findings=tuple(findings), notes=notes)


def _tuple_for_list(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value
