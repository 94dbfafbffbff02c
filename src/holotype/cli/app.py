"""Assembles the command from its parts."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from holotype.cli import (
    alias_commands,
    artifacts,
    database,
    deployment_commands,
    key_commands,
    locking,
    measuring_commands,
    object_stores,
    pool_commands,
    registry_commands,
)
from holotype.cli.adding import add
from holotype.cli.catalogues import OWN, find_clashes, open_catalogue
from holotype.cli.docs import docs
from holotype.cli.exporting import export
from holotype.cli.generator import generate, validate
from holotype.cli.groups import Command, CommandGroup, add_commands, epilogue, make_group
from holotype.cli.licences import LICENSES
from holotype.cli.listing import list_models
from holotype.cli.new_package import new
from holotype.cli.output import counted_models, note, write
from holotype.cli.refreshing import refresh
from holotype.cli.serve import SERVE
from holotype.cli.showing import show
from holotype.cli.verifying import verify

_SUMMARY = "What embedding and retrieval models are, and how they must be run."

_EXAMPLES = (
    "holotype list --type dense --language de --max-parameters 500M",
    "holotype show bge-m3",
    "holotype --catalogue acme.models list",
)

_COMMANDS: tuple[Command, ...] = (
    Command(
        "list",
        list_models,
        "List models, by any criteria.",
        (
            "holotype list 'bge-*'",
            "holotype list --license mit --license apache-2.0 --max-truncated-dim 256",
            "holotype list --type colbert --sort beir_avg --descending",
            "holotype list --ids --no-remote-code | xargs -n 1 holotype show",
            "holotype list --json | jq '.[] | select(.pooling == \"cls\") | .huggingface_id'",
        ),
    ),
    Command(
        "show",
        show,
        "Show all of a model's fields and their sources.",
        (
            "holotype show colbert-v2",
            "holotype show BAAI/bge-base-en-v1.5",
            "holotype show bge-m3 | cut -f 1,3",
            "holotype show bge-m3 --json",
        ),
    ),
    LICENSES,
    SERVE,
    Command(
        "export",
        export,
        "Write a model for ONNX Runtime or OpenVINO.",
        (
            "holotype export bge-m3 --backend onnx",
            "holotype export all-minilm-l6-v2 --backend openvino --dtype bfloat16",
            "holotype export colbert-v2 --backend onnx --dtype int8 --texts mine.txt --to small",
        ),
    ),
    locking.DOWNLOAD,
    Command(
        "new",
        new,
        "Make a package with a catalogue of your own.",
        ("holotype new my-models",),
    ),
    Command(
        "add",
        add,
        "Make an entry from a repository or a folder.",
        (
            "holotype add BAAI/bge-m3 --dry-run",
            "holotype add acme/encoder --from path/to/the/checkpoint --file acme/models.json",
        ),
    ),
    Command(
        "verify",
        verify,
        "Compare models with their checkpoints.",
        (
            "holotype verify bge-m3",
            "holotype verify all-minilm-l6-v2 --from path/to/the/checkpoint",
            "holotype verify --resume verified.jsonl",
            "holotype verify --all --from-facts facts.jsonl",
            "holotype verify bge-m3 --fix --catalogue-file models.json",
        ),
    ),
    Command(
        "refresh",
        refresh,
        "Show what changed upstream since the pinned revision.",
        ("holotype refresh bge-m3", "holotype refresh --json"),
    ),
    Command(
        "validate",
        validate,
        "Report every problem of a catalogue.",
        ("holotype validate", "holotype validate acme/models.json --json"),
    ),
    Command(
        "generate",
        generate,
        "Write the typed module of a catalogue.",
        (
            "holotype generate models.json --output src/acme/models.py",
            "holotype generate models.json --output src/acme/models.py --check",
        ),
    ),
    Command(
        "docs",
        docs,
        "Write MODELS.md and a page for each family of models.",
        ("holotype docs", "holotype docs --check", "holotype docs --stdout | less"),
    ),
)

_GROUPS: tuple[tuple[str, str, tuple[Command, ...]], ...] = (
    (
        "artifact",
        "Folders that hold all that is needed to run a model.",
        (*artifacts.COMMANDS, *object_stores.COMMANDS, *locking.ARTIFACT_COMMANDS),
    ),
    (
        "alias",
        "Names of artifacts, such as production: switch them, and back.",
        alias_commands.COMMANDS,
    ),
    (
        "deployment",
        "Files that say which models run: check, convert, compare.",
        deployment_commands.COMMANDS,
    ),
    (
        "pool",
        "What a running server has loaded: load, unload and pin.",
        pool_commands.COMMANDS,
    ),
    (
        "registry",
        "Versions of models: register, switch, measure and compare.",
        (*registry_commands.COMMANDS, *measuring_commands.COMMANDS),
    ),
    ("db", "The tables of the registry.", database.COMMANDS),
    ("keys", "Who may call a server: make, list and revoke keys.", key_commands.COMMANDS),
)
"""Name, summary and commands of each group."""

_SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Models", ("list", "show", "licenses")),
    ("Files", ("artifact", "alias", "download", "export")),
    ("Servers", ("serve", "deployment", "pool", "registry", "db", "keys")),
    ("Catalogues", ("new", "add", "verify", "refresh", "validate", "generate", "docs")),
)
"""The headings under which the help lists the commands and groups."""


class _Root(CommandGroup):
    """The command itself, whose help lists what there is under headings."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the sections; see `typer.core.TyperGroup`."""
        width = max(map(len, self.commands))
        for heading, names in _SECTIONS:
            rows = [
                (name.ljust(width), self.commands[name].get_short_help_str(formatter.width))
                for name in names
            ]
            with formatter.section(heading):
                formatter.write_dl(rows)


def make_app() -> typer.Typer:
    """Return the command; its help and errors are always plain text."""
    app = typer.Typer(
        name="holotype",
        cls=_Root,
        help=_SUMMARY,
        epilog=epilogue(_EXAMPLES),
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_root)
    add_commands(app, _COMMANDS)
    for name, summary, commands in _GROUPS:
        app.add_typer(make_group(name, summary, commands))
    return app


def _root(
    context: typer.Context,
    catalogue: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE",
            help="The generated module to read, such as acme.models for a catalogue of your own; "
            f"given several times, the first that has an id counts.  [default: {OWN}]",
            show_default=False,
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Say which versions these are, and exit.")
    ] = False,
) -> None:
    context.obj = ",".join(catalogue or (OWN,))
    if len(catalogue or ()) > 1:
        for clash in find_clashes(open_catalogue(context.obj)):
            note(f"note: {clash}")
    if version:
        write(f"{_version(context.obj)}\n")
        raise typer.Exit
    if context.invoked_subcommand is None:
        context.fail("Missing command.")


def _version(module: str) -> str:
    from holotype import __version__

    opened = open_catalogue(module)
    models = counted_models(len(opened.catalogue.records))
    return f"holotype {__version__}, catalogue {opened.name} {opened.version} with {models}"
