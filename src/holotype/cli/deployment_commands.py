"""`holotype deployment`: checks, converts and compares deployments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeAlias

import typer

from holotype.cli.catalogues import chosen_catalogue
from holotype.cli.groups import Command
from holotype.cli.output import counted_models, fail, note, write, write_json, write_rows
from holotype.errors import HolotypeError

if TYPE_CHECKING:
    from holotype.deployment.sources import Loaded

Place: TypeAlias = Annotated[
    str,
    typer.Argument(metavar="PLACE", help="A file, a folder of files, ssm:/NAME or ssm:/PATH/."),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AllowCode: TypeAlias = Annotated[
    bool,
    typer.Option("--allow-code", help="Accept a deployment from a store that names code to run."),
]


def validate(
    context: typer.Context,
    place: Place,
    for_ssm: Annotated[
        bool,
        typer.Option("--for-ssm", help="Also check that each file fits into a parameter of AWS."),
    ] = False,
    allow_code: AllowCode = False,
    as_json: AsJson = False,
) -> None:
    """Report every problem of a deployment, each with its line.

    The models are listed if there are none: name, what it is, its sources, separated by tabs if
    stdout is not a terminal. The exit code is 1 if there are problems. No model is loaded. A folder
    or an alias that is not on this machine is no problem, since it may be on another: it is a
    warning. So is what the lock that HOLOTYPE_LOCK names would refuse to load, and so is a fallback
    or a variant that is another model than the one whose vectors it is to make.
    """
    from holotype.deployment.presence import find_missing
    from holotype.deployment.stand_ins import find_strangers

    loaded = _load(context, place, allow_code, as_json)
    if for_ssm:
        _check_sizes(place)
    missing = [*find_missing(loaded.deployment)]
    for name, why in missing:
        note(f"warning: {name} cannot be loaded on this machine: {why}")
    strangers = [*find_strangers(loaded.deployment)]
    for name, why in strangers:
        note(f"warning: {name}: {why}")
    if as_json:
        warnings = [{"model": name, "message": why} for name, why in (*missing, *strangers)]
        write_json({"problems": [], "warnings": warnings})
        return
    from holotype.deployment.writing import source_text

    rows = []
    for model in loaded.deployment.models:
        sources = [source_text(variant.source) for variant in model.variants]
        what = "ensemble" if model.ensemble else f"{len(model.variants)} variants"
        members = [] if model.ensemble is None else [each.name for each in model.ensemble.members]
        what = "model" if len(model.variants) == 1 else what
        rows.append((model.name, what, ",".join(sources or members)))
    write_rows(("name", "what", "sources"), rows)
    for name in loaded.older:
        note(
            f"{name}: is in an older format, in which sources may move; write the current one with: "
            f"holotype deployment convert {name}"
        )
    note(f"{place}: {counted_models(len(loaded.deployment.models))}, no problems")


def convert(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A deployment in any format.")],
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="Write here, not to stdout.")
    ] = None,
) -> None:
    """Write a deployment in the current format, as YAML.

    Relative paths stay as they are. Comments are lost, and what is the default is left out. Sources
    that may move are marked with allow_moving; pin them, and delete the mark.
    """
    from holotype.atomic_file import replace_file
    from holotype.deployment.files import FileSource
    from holotype.deployment.reading import read_text
    from holotype.deployment.writing import to_yaml

    try:
        document = FileSource(file).fetch().documents
        if len(document) != 1:
            fail(f"{file}: is a folder; convert one file after the other")
        catalogue = chosen_catalogue(context)
        read = read_text(document[0].text, name=document[0].name, catalogue=catalogue)
        text = to_yaml(read)
        if to is None:
            write(text)
        else:
            replace_file(to, text.encode())
            note(f"{to}: written")
    except HolotypeError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{to}: cannot be written: {error.strerror}")


def plan(
    context: typer.Context,
    old: Annotated[
        str, typer.Argument(metavar="OLD", help="The deployment that runs, named as for validate.")
    ],
    new: Annotated[
        str, typer.Argument(metavar="NEW", help="The one that replaces it, named in the same way.")
    ],
    allow_code: AllowCode = False,
    as_json: AsJson = False,
) -> None:
    """Show what happens when one deployment replaces another.

    If stdout is not a terminal, each line has these tab-separated fields: start, stop, replace,
    reweight or update; the name of the model, or - for the pool; what is loaded, unloaded and
    changed. Names that are not listed go on undisturbed. Nothing is changed.
    """
    from holotype.deployment.changes import changes, describe

    before = _load(context, old, allow_code, as_json).deployment
    after = _load(context, new, allow_code, as_json).deployment
    lines = list(describe(changes(before, after)))
    if as_json:
        keys = ("action", "model", "details")
        write_json([dict(zip(keys, line, strict=True)) for line in lines])
    else:
        rows = (line if line[-1] else line[:-1] for line in lines)
        write_rows(("what", "model", "details"), rows)
    note(f"{len(lines)} change{'s' * (len(lines) != 1)}")


def schema() -> None:
    """Print the JSON Schema of deployments, for editors.

    Name it in the first line of a file: # yaml-language-server: $schema=deployment.schema.json
    """
    from holotype.deployment.schema import read_schema

    write(read_schema())


def _load(context: typer.Context, place: str, allow_code: bool, as_json: bool) -> Loaded:
    from holotype.deployment.sources import load_deployment

    catalogue = chosen_catalogue(context)
    try:
        return load_deployment(place, allow_code=allow_code or None, catalogue=catalogue)
    except HolotypeError as error:
        _refuse(error, as_json=as_json)


def _refuse(error: HolotypeError, *, as_json: bool) -> NoReturn:
    """Print the problems as the answer, and anything else as an error; exit with 1."""
    from holotype.deployment.problems import DeploymentError, format_json

    if not isinstance(error, DeploymentError):
        fail(str(error))
    write((format_json(error.problems) if as_json else str(error)) + "\n")
    raise typer.Exit(1)


def _check_sizes(place: str) -> None:
    from holotype.deployment.sources import open_source
    from holotype.deployment.ssm import ssm_tier

    try:
        for document in open_source(place).fetch().documents:
            tier = ssm_tier(document.text, document.name)
            note(f"{document.name}: fits into a parameter of the tier {tier}")
    except HolotypeError as error:
        fail(str(error))


COMMANDS: tuple[Command, ...] = (
    Command(
        "validate",
        validate,
        "Report every problem of a deployment.",
        (
            "holotype deployment validate deployment.yaml",
            "holotype deployment validate ssm:/holotype/production --json",
        ),
    ),
    Command(
        "convert",
        convert,
        "Write an older deployment in the current format.",
        ("holotype deployment convert models.json --to deployment.yaml",),
    ),
    Command(
        "plan",
        plan,
        "Show what a new deployment changes.",
        ("holotype deployment plan deployment.yaml new.yaml",),
    ),
    Command(
        "schema",
        schema,
        "Print the JSON Schema, for editors.",
        ("holotype deployment schema > deployment.schema.json",),
    ),
)
"""The commands of the group, in the order of the help."""
