"""`holotype serve`: the models of a deployment over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holotype.cli.catalogues import chosen_catalogue
from holotype.cli.groups import Command
from holotype.cli.output import fail
from holotype.errors import HolotypeError


def serve(
    context: typer.Context,
    deployment: Annotated[
        str | None,
        typer.Argument(metavar="PLACE", help="A file, a folder of files, ssm:/NAME or ssm:/PATH/."),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Where to listen; an address that other machines reach needs a key.",
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="PORT", help="The port; 0 takes a free one.")] = 8080,
    database: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="HOLOTYPE_DATABASE",
            help="The registry: sqlite:///FILE, or postgresql://USER@HOST/DATABASE.",
        ),
    ] = None,
    require_database: Annotated[
        bool,
        typer.Option(
            "--require-database", help="Refuse to start while the database does not answer."
        ),
    ] = False,
    state_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where to keep the active versions, for a start while the database is away.",
        ),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(metavar="MODULE:CLASS", help="A class that the deployment may name."),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Apply changes of the deployment as they come.")
    ] = False,
    cors_origin: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="A site whose pages may call this server."),
    ] = None,
    drain: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", help="How long to go on after SIGTERM or Ctrl+C, not ready."
        ),
    ] = 5.0,
    api_key: Annotated[
        list[str] | None,
        typer.Option(
            envvar="HOLOTYPE_API_KEY",
            metavar="KEY",
            hidden=True,
            help="A key that allows everything; pass it as the variable.",
        ),
    ] = None,
) -> None:
    """Serve the models of a deployment over HTTP, until SIGTERM or Ctrl+C.

    Either lets what runs end, after a time in which load balancers turn away; a second one ends at
    once.

    Clients of OpenAI, Jina, Infinity and Text Embeddings Inference can use it as it is, and
    Cohere's for reranking. Without any key, only this machine can reach the server.
    HOLOTYPE_API_KEY gives it one; with --database, holotype keys makes others.
    """
    catalogue = chosen_catalogue(context)
    try:
        from holotype.server import ServerSettings
        from holotype.server import serve as run

        run(
            ServerSettings(
                deployment=deployment,
                catalogue=catalogue,
                host=host,
                port=port,
                database=database,
                require_database=require_database,
                state_file=state_file,
                api_keys=tuple(api_key or ()),
                allow=tuple(allow or ()),
                watch=watch,
                cors_origins=tuple(cors_origin or ()),
                drain_s=drain,
            )
        )
    except HolotypeError as error:
        fail(str(error))


SERVE = Command(
    "serve",
    serve,
    "Serve the models of a deployment over HTTP.",
    (
        "holotype serve deployment.yaml",
        "holotype serve deployment.yaml --database sqlite:///registry.db --watch",
        "HOLOTYPE_API_KEY=... holotype serve deployment.yaml --host 0.0.0.0",
    ),
)
