"""The catalogue of models, as clients browse it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any, cast

from fastapi import APIRouter, Query
from pydantic import Field

from holotype.catalogue import Catalogue
from holotype.naming import kebab_case
from holotype.server.management.answers import Answer
from holotype.server.management.parameters import Reader

if TYPE_CHECKING:
    from holotype.models import ModelType

router = APIRouter(prefix="/catalogue", tags=["catalogue"])

Text = Annotated[str | None, Query(max_length=200)]


class SummaryBody(Answer):
    """An entry, in short."""

    id: str
    """Its id."""
    type: str
    """The type of the model, such as `dense`."""
    name: str
    """Its name, as people write it."""
    organization: str
    """Who published it."""
    huggingface_id: str
    """Its repository on the Hub."""
    license: str | None
    """Its licence; null if it is unknown."""
    release_date: str | None
    """When it was published; null if that is unknown."""
    parameters: int | None
    """How many weights it has; null if that is unknown."""
    embedding_dim: int | None
    """The size of its vectors; null if it makes none."""
    context_length: int | None
    """How many tokens it reads; null if that is unknown."""
    languages: list[str]
    """The codes of its languages."""
    modalities: list[str]
    """What it reads, such as `text` and `image`."""
    matryoshka_dims: list[int]
    """The sizes that its vectors may be cut to."""
    matryoshka_range: list[int] | None
    """The smallest and the largest size, where any in between may be asked for; null if only those listed."""


class CatalogueBody(Answer):
    """Some entries."""

    items: list[SummaryBody]
    """The entries of this page."""
    total: int = Field(description="How many there are with these criteria.")


@router.get("")
def list_entries(
    _: Reader,
    q: Text = None,
    type: Text = None,
    language: Text = None,
    license: Text = None,
    max_dim: Annotated[int | None, Query(ge=1, le=2**31)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> CatalogueBody:
    """Return the entries that meet every criterion; deprecated ones are left out."""
    from holotype.query import select

    found = select(
        # `select` refuses what is no kind.
        type=cast("ModelType | None", type or None),
        language=language or None,
        license=license or None,
        max_embedding_dim=max_dim,
    )
    words = (q or "").lower().split()
    kept = [record for record in found if all(word in _text(record) for word in words)]
    # Who spells an id out means this entry.
    kept.sort(key=lambda record: record.id != kebab_case(q or ""))
    return CatalogueBody(
        items=[_summary(each) for each in kept[offset : offset + limit]], total=len(kept)
    )


@router.get("/{id:path}")
def get_entry(_: Reader, id: str) -> dict[str, Any]:
    """Return all that is known of an entry, and where each value comes from.

    ``provenance`` has the source of each field, and that of all others under ``*``; ``sources`` has
    what the catalogue knows of these sources. An alias, or a repository of the Hub, is found, too.
    """
    from holotype.models import CATALOGUE, SOURCES

    catalogue: Catalogue[Any] = CATALOGUE
    record = catalogue.get_model(id)
    provenance = dict(record.provenance)
    keys = {text.partition(":")[0] for text in provenance.values()}
    named = {key: dataclasses.asdict(SOURCES[key]) for key in sorted(keys) if key in SOURCES}
    return dataclasses.asdict(record) | {"provenance": provenance, "sources": named}


def _text(record: Any) -> str:
    return f"{record.id} {record.name} {record.huggingface_id} {record.organization}".lower()


def _summary(record: Any) -> SummaryBody:
    return SummaryBody(
        id=record.id,
        type=str(record.type),
        name=record.name,
        organization=record.organization,
        huggingface_id=record.huggingface_id,
        license=record.license,
        release_date=record.release_date,
        parameters=record.parameters,
        embedding_dim=record.embedding_dim,
        context_length=record.context_length,
        languages=list(record.languages),
        modalities=list(record.modalities),
        matryoshka_dims=list(record.matryoshka_dims),
        matryoshka_range=None if record.matryoshka_range is None else list(record.matryoshka_range),
    )
