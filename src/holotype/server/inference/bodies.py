"""The bodies of requests, one class for each shape.

A field that a shape does not have is an error: a misspelt one would otherwise change nothing,
without a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from holotype.server.errors import FieldProblem, UnprocessableError

InputType: TypeAlias = Literal[
    "query", "document", "text", "search_query", "search_document", "passage", "classification"
]
_SIDES: Mapping[str | None, str] = {
    None: "text",
    "text": "text",
    "classification": "text",
    "query": "query",
    "search_query": "query",
    "retrieval.query": "query",
    "document": "document",
    "passage": "document",
    "search_document": "document",
    "retrieval.passage": "document",
}
_LONGEST = 200
"""How many letters a value has at most that an error repeats."""
Fingerprint = Annotated[
    str | None,
    Field(
        max_length=_LONGEST,
        description="The fingerprint that the vectors must have; other vectors are a 409.",
    ),
]
Truncate = Annotated[
    bool,
    Field(
        description="Whether texts that are too long are cut, and counted; if not, they are 422."
    ),
]
Name = Annotated[
    str, Field(min_length=1, max_length=_LONGEST, description="A name of the deployment.")
]
NameOrNone = Annotated[
    Name | None,
    Field(description="A name of the deployment; left out, the only one whose model fits."),
]
Texts: TypeAlias = str | list[str]
Picture = Annotated[
    str,
    Field(
        description="A picture as a data URI, data:image/png;base64,..., or as base64 alone: PNG, "
        "JPEG, WebP or GIF. An address is refused, since nothing is fetched."
    ),
]


class Body(BaseModel):
    """Any body."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)


class TextItem(Body):
    """A text among pictures."""

    text: str
    """The text."""


class ImageItem(Body):
    """A picture."""

    image: Picture


class EmbeddingsBody(Body):
    """OpenAI's embeddings, with the extensions of Jina and of this server."""

    model: Name
    input: str | list[str] | list[int] | list[list[int]] | list[TextItem | ImageItem] = Field(
        description="A text or texts, the token ids of the model's own tokenizer, or objects with a "
        "text or an image each."
    )
    encoding_format: Literal["float", "base64"] = "float"
    """Whether vectors are lists of numbers, or little-endian float32 in base64."""
    dimensions: int | None = Field(
        None, description="One of the sizes that /v1/models lists, or any in its range."
    )
    user: str | None = Field(None, description="Keeps a caller on one variant.")
    input_type: InputType | None = Field(
        None, description="query or document adds the model's own prompt; without it, none."
    )
    task: str | None = Field(
        None, max_length=_LONGEST, description="Jina's retrieval.query or retrieval.passage."
    )
    truncate: Truncate = False
    expect_fingerprint: Fingerprint = None


class CaptionsBody(Body):
    """Pictures for a model that writes captions."""

    model: NameOrNone = None
    input: Picture | ImageItem | list[Picture | ImageItem]
    """A picture, or several."""
    user: str | None = Field(None, description="Keeps a caller on one variant.")
    expect_fingerprint: Annotated[
        str | None,
        Field(
            max_length=_LONGEST,
            description="The fingerprint that the model must have; others are a 409.",
        ),
    ] = None


class RerankBody(Body):
    """Jina's and Cohere's rerank, or with `texts` that of Text Embeddings Inference."""

    model: NameOrNone = None
    query: str
    """What the documents are ranked by."""
    documents: list[str | dict[str, Any]] | None = Field(
        None,
        description="Texts, objects with a text, or objects with an image each, of pages: a data "
        "URI or base64.",
    )
    texts: list[str] | None = Field(None, description="The documents in TEI's shape.")
    top_n: int | None = Field(None, ge=1)
    """How many of the best to return; by default all."""
    return_documents: bool = False
    """Whether results have their documents."""
    return_text: bool = Field(False, description="TEI's name of return_documents.")
    raw_scores: bool = Field(False, description="Whether scores are logits.")
    truncate: Truncate = False
    truncation: bool | None = Field(None, description="Jina's name of truncate.")
    truncation_direction: Literal["Right", "right"] = "Right"
    """Where texts that are too long are cut."""
    max_tokens_per_doc: int | None = Field(None, description="Cohere's; must be left out.")
    priority: int | None = Field(None, description="Cohere's; without effect.")
    user: str | None = None
    """Keeps a caller on one variant."""


class ClassifyBody(Body):
    """Infinity's classify."""

    model: NameOrNone = None
    input: Texts
    """A text, or several."""
    raw_scores: bool = False
    """Whether scores are logits."""
    truncate: Truncate = False
    user: str | None = None
    """Keeps a caller on one variant."""


class _Embed(Body):
    """What TEI's routes for vectors have in common."""

    model: NameOrNone = None
    truncate: Truncate = False
    truncation_direction: Literal["Right", "right"] = "Right"
    """Where texts that are too long are cut."""
    prompt_name: str | None = Field(
        None, max_length=_LONGEST, description="query, document, or none."
    )
    normalize: bool | None = Field(None, description="Must agree with the model.")
    dimensions: int | None = None
    """One of the sizes that /v1/models lists."""
    input_type: InputType | None = None
    """query or document adds the model's own prompt; without it, none."""
    expect_fingerprint: Fingerprint = None


class EmbedBody(_Embed):
    """TEI's embed and embed_sparse."""

    inputs: Texts
    """A text, or several."""


class EmbedAllBody(_Embed):
    """TEI's embed_all, and pages."""

    inputs: Texts | ImageItem | list[ImageItem]
    """A text or several, or pages: objects with an image each."""


class PredictBody(Body):
    """TEI's predict: a text, a pair of texts, or several of these, each in a list."""

    model: NameOrNone = None
    inputs: str | list[str] | list[list[str]]
    """A text, a pair of texts, or several of these, each in a list."""
    raw_scores: bool = False
    """Whether scores are logits."""
    truncate: Truncate = False
    truncation_direction: Literal["Right", "right"] = "Right"
    """Where texts that are too long are cut."""


class SimilarityInputs(Body):
    """A sentence, and others that it is compared with."""

    source_sentence: str
    """The sentence."""
    sentences: list[str]
    """What it is compared with."""


class SimilarityParameters(Body):
    """How sentences are read."""

    truncate: Truncate = False
    truncation_direction: Literal["Right", "right"] = "Right"
    """Where texts that are too long are cut."""
    prompt_name: str | None = Field(default=None, max_length=_LONGEST)
    """query, document, or none."""


class SimilarityBody(Body):
    """TEI's similarity."""

    model: NameOrNone = None
    inputs: SimilarityInputs
    """The sentences."""
    parameters: SimilarityParameters | None = None
    """How they are read."""


class TokenizeBody(Body):
    """TEI's tokenize."""

    model: NameOrNone = None
    inputs: Texts
    """A text, or several."""
    add_special_tokens: bool = True
    """Whether the model's own tokens are added, such as `[CLS]`."""
    prompt_name: str | None = Field(default=None, max_length=_LONGEST)
    """query, document, or none: which of the model's prompts comes first."""


def side_of(name: str | None, field: str) -> str:
    """Return the side that an `input_type`, a `task` or a `prompt_name` means.

    Raises:
        UnprocessableError: it means none.
    """
    side = _SIDES.get(name)
    if side is None:
        raise UnprocessableError(
            f"{field} is {name!r}; expected query or document, or nothing for texts that are neither",
            errors=[FieldProblem(field=field, message="is unknown")],
        )
    return side
