"""The options of `holotype list`, one per criterion of `select`, and the option types for sizes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, TypeAlias, get_args

import typer

from holotype.cli.catalogues import complete_type
from holotype.criteria import KINDS, score_of
from holotype.errors import CriterionError
from holotype.naming import one_of
from holotype.query import SortKey
from holotype.sizes import parse_bytes, parse_count


def _complete_sort(incomplete: str) -> Iterator[str]:
    return (key for key in get_args(SortKey) if key.startswith(incomplete))


def _checked_sort(key: str | None) -> str | None:
    if key is not None and key not in get_args(SortKey):
        raise typer.BadParameter(f"{key!r} is no field; {one_of(key, get_args(SortKey))}")
    return key


def _count(text: str) -> int:
    try:
        return parse_count(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _bytes(text: str) -> int:
    try:
        return parse_bytes(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _score(text: str) -> float:
    try:
        return score_of("the score", float(text))
    except CriterionError as error:
        raise typer.BadParameter(f"{text} {error.problem}") from None
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a number; write 0.5 for 50 points") from None


MaxBytes: TypeAlias = Annotated[
    int | None,
    typer.Option("--max-bytes", parser=_bytes, metavar="SIZE", help="The most to fetch: 500MB."),
]


Pattern: TypeAlias = Annotated[
    str,
    typer.Argument(metavar="PATTERN", help="Ids to list, with the wildcards of a shell; quote it."),
]
Type: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--type",
        "-t",
        metavar="KIND",
        help=f"{', '.join(KINDS)}, or a further kind.",
        autocompletion=complete_type,
    ),
]
Organization: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--organization",
        "-o",
        metavar="NAME",
        help="Who made the model, in any letter case.",
    ),
]
Language: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--language",
        "-l",
        metavar="LANGUAGE",
        help="A BCP 47 tag or a name, such as German; zh finds zh-Hans too.",
    ),
]
Modality: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="text, image, audio or video.",
    ),
]
License: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--license",
        metavar="ID",
        help="A licence, such as apache-2.0; give it several times to allow any of several.",
    ),
]
MinEmbeddingDim: TypeAlias = Annotated[
    int | None,
    typer.Option(
        parser=_count,
        metavar="DIM",
        help="Narrowest native vector.",
    ),
]
MaxEmbeddingDim: TypeAlias = Annotated[
    int | None,
    typer.Option(
        parser=_count,
        metavar="DIM",
        help="Widest native vector.",
    ),
]
MaxTruncatedDim: TypeAlias = Annotated[
    int | None,
    typer.Option(
        parser=_count,
        metavar="DIM",
        help="Widest vector, where a Matryoshka model counts by its smallest size.",
    ),
]
Matryoshka: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--matryoshka/--no-matryoshka",
        help="Whether vectors can be truncated; where that is unknown, neither lists the model.",
    ),
]
MinContextLength: TypeAlias = Annotated[
    int | None,
    typer.Option(
        parser=_count,
        metavar="TOKENS",
        help="Shortest context, such as 8k.",
    ),
]
MinParameters: TypeAlias = Annotated[
    int | None,
    typer.Option(
        parser=_count,
        metavar="COUNT",
        help="Smallest model, such as 100M.",
    ),
]
MaxParameters: TypeAlias = Annotated[
    int | None,
    typer.Option(
        parser=_count,
        metavar="COUNT",
        help="Largest model, such as 1.5B.",
    ),
]
MaxMemory: TypeAlias = Annotated[
    int | None,
    typer.Option(
        parser=_bytes,
        metavar="SIZE",
        help="Most memory for the weights, such as 500MB: 4 bytes for each parameter, since models "
        "run in float32 unless told otherwise; what texts take comes on top.",
    ),
]
MinBeirAvg: TypeAlias = Annotated[
    float | None,
    typer.Option(
        parser=_score,
        metavar="SCORE",
        help="Lowest mean nDCG@10 on BEIR, as a fraction: 0.5 for 50 points.",
    ),
]
MinMsMarcoMrr10: TypeAlias = Annotated[
    float | None,
    typer.Option(
        parser=_score,
        metavar="SCORE",
        help="Lowest MRR@10 on MS MARCO dev, as a fraction.",
    ),
]
NoRemoteCode: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--no-remote-code",
        help="Only models that are known to need no code from their repository.",
    ),
]
CommercialUse: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--commercial-use/--no-commercial-use",
        help="Whether the licence allows commercial use, by its id; where it has to be read for "
        "that, neither lists the model.",
    ),
]
Gated: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--gated/--no-gated",
        help="Whether the Hub asks for acceptance before a download; where that is unknown, neither "
        "lists the model.",
    ),
]
Sort: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--sort",
        "-s",
        metavar="FIELD",
        help=f"{', '.join(get_args(SortKey)[:-1])} or {get_args(SortKey)[-1]}; unknown values "
        "come last. Without it, the order of the catalogue.",
        callback=_checked_sort,
        autocompletion=_complete_sort,
    ),
]
Descending: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--descending",
        "-d",
        help="Largest first.",
    ),
]
AsJson: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Every field, as a JSON array.",
    ),
]
Ids: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--ids",
        help="Only the ids, one a line.",
    ),
]
