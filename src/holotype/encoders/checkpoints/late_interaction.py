"""The settings of late-interaction checkpoints, in the three formats in which they exist.

- Stanford ColBERT: `artifact.metadata` beside weights that hold the projection, too.
- PyLate: keys of its own in `config_sentence_transformers.json`.
- sentence-transformers 6: the transformer's file, and a module that masks tokens.
"""

from __future__ import annotations

import string
from dataclasses import dataclass, field, replace

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.json_file import JsonFile, Setting
from holotype.encoders.checkpoints.modules import MODULES_FILE, MaskSpec, ModuleList

PUNCTUATION = tuple(string.punctuation)
STANFORD_FILE = "artifact.metadata"
PYLATE_KEYS = (
    "query_prefix",
    "document_prefix",
    "query_length",
    "document_length",
    "do_query_expansion",
    "attend_to_expansion_tokens",
    "skiplist_words",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatDefaults:
    """What a format's own library takes where neither the catalogue nor a file says anything."""

    query_marker: str | None = None
    document_marker: str | None = None
    query_length: int | None = None
    document_length: int | None = None
    query_expansion: bool = False
    attend_to_expansion_tokens: bool = False
    skiplist: tuple[str, ...] = ()


_STANFORD = FormatDefaults(
    query_marker="[unused0]",
    document_marker="[unused1]",
    query_length=32,
    document_length=220,
    query_expansion=True,
    skiplist=PUNCTUATION,
)
_PYLATE = FormatDefaults(
    query_marker="[Q] ",
    document_marker="[D] ",
    query_length=32,
    document_length=180,
    query_expansion=True,
    skiplist=PUNCTUATION,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LateInteraction:
    """What a late-interaction checkpoint says; None where no file says it.

    Attributes:
        markers_in_prompts: whether prompts hold the markers as text, as sentence-transformers
            writes them; the other formats name the markers on their own.
        gap: what stands between a marker that is named on its own and the text.
        query_length: tokens of a query; where queries are expanded, what they are expanded to.
        query_limit: where longer queries than `query_length` are not cut, what cuts them.
        expansion_floor_only: whether `query_length` is only the least length of a query.
        expansion_token: the token that fills queries up; None means the mask token, or the end of
            the text where there is none.
        skiplist: tokens whose vectors are dropped, on the sides of `skiplist_sides`.
        kept_ids: the only token ids whose vectors are kept on the side of documents.
        skips_first: whether the vector of the first special token is dropped on all sides.
        always_normalized: whether the format scales vectors to length 1 without saying so.
    """

    markers_in_prompts: bool = False
    gap: str = ""
    query_marker: Setting[str] | None = None
    document_marker: Setting[str] | None = None
    query_length: Setting[int] | None = None
    query_limit: int | None = None
    document_length: Setting[int] | None = None
    query_expansion: Setting[bool] | None = None
    expansion_floor_only: bool = False
    expansion_token: str | None = None
    attend_to_expansion_tokens: Setting[bool] | None = None
    skiplist: Setting[tuple[str, ...]] | None = None
    skiplist_sides: tuple[str, ...] = ("document",)
    kept_ids: tuple[int, ...] | None = None
    skips_first: bool = False
    always_normalized: bool = False
    defaults: FormatDefaults = field(default_factory=FormatDefaults)


def read_stanford(checkpoint: Checkpoint) -> LateInteraction:
    """Read `artifact.metadata`, which may be missing."""
    metadata = checkpoint.json(STANFORD_FILE, optional=True)
    masks_punctuation = metadata.boolean("mask_punctuation")
    skiplist = None
    if masks_punctuation is not None:
        skiplist = Setting(PUNCTUATION if masks_punctuation.value else (), metadata.name)
    return LateInteraction(
        # The marker takes the place of the dot in ". text": byte-level tokens tell the space.
        gap=" ",
        query_marker=metadata.text("query_token_id"),
        document_marker=metadata.text("doc_token_id"),
        query_length=metadata.integer("query_maxlen"),
        document_length=metadata.integer("doc_maxlen"),
        attend_to_expansion_tokens=metadata.boolean("attend_to_mask_tokens"),
        skiplist=skiplist,
        always_normalized=True,
        defaults=_STANFORD,
    )


def read_pylate(library: JsonFile) -> LateInteraction:
    """Read PyLate's keys."""
    return LateInteraction(
        query_marker=library.text("query_prefix"),
        document_marker=library.text("document_prefix"),
        query_length=library.integer("query_length"),
        document_length=library.integer("document_length"),
        query_expansion=library.boolean("do_query_expansion"),
        attend_to_expansion_tokens=library.boolean("attend_to_expansion_tokens"),
        skiplist=library.texts("skiplist_words"),
        always_normalized=True,
        defaults=_PYLATE,
    )


def read_multi_vector(transformer: JsonFile, modules: ModuleList | None) -> LateInteraction:
    """Read the transformer's file and the mask module of sentence-transformers 6."""
    steps = modules.steps if modules else ()
    mask = next((step for step in steps if isinstance(step, MaskSpec)), None)
    settings = LateInteraction(
        markers_in_prompts=True,
        query_length=transformer.integer("query_length"),
        document_length=transformer.integer("document_length"),
        query_expansion=Setting(False, transformer.name),
        skiplist=Setting(mask.skiplist, mask.file) if mask else Setting((), MODULES_FILE),
        skiplist_sides=mask.sides if mask else ("document",),
        kept_ids=mask.kept_ids if mask else None,
    )
    expansion = transformer.part("query_expansion")
    if expansion is None:
        return settings
    if mask is None:
        raise transformer.wrong(
            "query_expansion", dict(expansion.values), "a MultiVectorMask module that scores it"
        )
    return _with_expansion(settings, expansion)


def _with_expansion(settings: LateInteraction, expansion: JsonFile) -> LateInteraction:
    strategy, token = expansion.text("strategy"), expansion.text("token")
    if strategy is None or strategy.value not in ("fixed", "min"):
        raise expansion.wrong("strategy", expansion.values.get("strategy"), "'fixed' or 'min'")
    length = expansion.integer("length")
    if length is None:
        raise expansion.wrong("length", None, "the length of an expanded query")
    floor_only = strategy.value == "min"
    limit = settings.query_length if floor_only else None
    return replace(
        settings,
        query_length=length,
        query_limit=limit.value if limit else None,
        query_expansion=Setting(True, expansion.name),
        expansion_floor_only=floor_only,
        expansion_token=token.value if token else None,
        attend_to_expansion_tokens=expansion.boolean("attend"),
    )
