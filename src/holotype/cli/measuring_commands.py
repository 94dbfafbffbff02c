"""Commands of `holotype registry` that measure versions, and show and compare what was measured."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Annotated, TypeAlias, cast

import typer

from holotype.cli.catalogues import chosen_catalogue
from holotype.cli.database import DEFAULT, Address
from holotype.cli.groups import Command
from holotype.cli.output import note, write, write_rows
from holotype.cli.registry_arguments import AsJson, Kind, Limit, Version, open_registry
from holotype.cli.wording import UNKNOWN
from holotype.errors import TextOverflowWarning

if TYPE_CHECKING:
    from holotype.registry import Measurement
    from holotype.registry.exporting import Format

OutputFormat: TypeAlias = Annotated[
    str, typer.Option("--format", metavar="FORMAT", help="markdown, csv or json.")
]
FormatJson: TypeAlias = Annotated[bool, typer.Option("--json", help="The same as --format json.")]


def benchmark(
    context: typer.Context,
    kind: Kind,
    version: Version,
    data: Annotated[
        str | None,
        typer.Option("--data", metavar="SET", help="A set that ships, or a file of your own."),
    ] = None,
    n_requests: Annotated[
        int, typer.Option("--requests", min=1, metavar="N", help="How many requests are timed.")
    ] = 400,
    test_run: Annotated[
        str | None,
        typer.Option("--run", metavar="NAME", help="A name that compared runs share."),
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", metavar="DEVICE", help="Where to run, such as cuda:0.")
    ] = None,
    as_json: AsJson = False,
    database: Address = DEFAULT,
) -> None:
    """Load a version, measure how good and how fast it is, and record the numbers.

    Recall and nDCG of encoders and rerankers come from a set of queries, the accuracy of
    classifiers from a set of labelled texts. Latency comes from its queries or texts, one at a
    time; throughput from its documents in one call. The environment is recorded with them.

    If stdout is not a terminal, each line has these tab-separated fields: metric, value, unit, ends
    of the confidence interval of 95 % (- if there is none), number of samples.
    """
    with open_registry(database, chosen_catalogue(context)) as registry:
        from holotype.registry import export_runs, run_benchmark

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", TextOverflowWarning)
            runs = run_benchmark(
                registry,
                kind,
                version,
                data,
                n_requests=n_requests,
                test_run_id=test_run,
                device=device,
            )
    for warning in caught:
        note(f"warning: {warning.message}")
    if as_json:
        write(export_runs(runs, "json"))
        return
    write_rows(
        ("metric", "value", "unit", "95 % from", "to", "samples"),
        (_fields(each) for run in runs for each in run.measurements),
    )


def compare(
    kind: Kind,
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="A version.")],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="Another version.")],
    format: OutputFormat = "markdown",
    as_json: FormatJson = False,
    database: Address = DEFAULT,
) -> None:
    """Compare what was measured of two versions.

    Differences have a confidence interval of 95 % and a verdict: better, worse or unclear. Versions
    that were measured on different data, or in different environments, are shown side by side,
    without a difference.
    """
    with open_registry(database) as registry:
        from holotype.registry import PerformanceTracker, export_comparison

        comparison = PerformanceTracker(registry).compare(kind, before, after)
        text = export_comparison(comparison, _format(format, as_json))
    write(text)
    if not comparison.metrics:
        note(f"nothing was measured; measure with: holotype registry benchmark {kind} VERSION")


def runs(
    kind: Kind,
    version: Annotated[
        str | None, typer.Argument(metavar="VERSION", help="Only what was measured of it.")
    ] = None,
    limit: Limit = 50,
    format: OutputFormat = "markdown",
    as_json: FormatJson = False,
    database: Address = DEFAULT,
) -> None:
    """Show what was measured, the newest first.

    JSON and CSV have the numbers exactly as they were recorded; JSON also has the environments.
    """
    with open_registry(database) as registry:
        from holotype.registry import PerformanceTracker, export_runs

        found = PerformanceTracker(registry).runs(kind, version, limit=limit)
        text = export_runs(found, _format(format, as_json))
    write(text)


def _fields(found: Measurement) -> list[str]:
    ends = [UNKNOWN if end is None else f"{end:.6g}" for end in found.interval or (None, None)]
    return [found.name, f"{found.value:.6g}", found.unit, *ends, str(found.n_samples)]


def _format(format: str, as_json: bool) -> Format:
    return "json" if as_json else cast("Format", format)


COMMANDS: tuple[Command, ...] = (
    Command(
        "benchmark",
        benchmark,
        "Measure a version, and record the numbers.",
        (
            "holotype registry benchmark text_embedding v1.0.0",
            "holotype registry benchmark text_embedding v1.0.0 --data mine.json --device cuda:0",
        ),
    ),
    Command(
        "runs",
        runs,
        "Show what was measured.",
        (
            "holotype registry runs text_embedding v1.0.0",
            "holotype registry runs text_embedding --format csv > runs.csv",
        ),
    ),
    Command(
        "compare",
        compare,
        "Compare what was measured of two versions.",
        ("holotype registry compare text_embedding v1.0.0 v2.0.0",),
    ),
)
"""These commands of the group, in the order of the help."""
