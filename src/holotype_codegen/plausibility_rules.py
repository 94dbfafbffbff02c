"""Rules about values that no model can have, or that the rest of the entry contradicts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from holotype_codegen.entries import Breach, Entries, Entry
from holotype_codegen.report import quote_json
from holotype_codegen.wording import join_quoted

_NETWORK = "/architecture/type"
_OFFSET_POSITIONS = frozenset(
    {"camembert", "longformer", "mpnet", "roberta", "xlm-roberta", "xlm-roberta-xl", "xmod"}
)
"""Networks that never use the first two rows of their table of positions."""
_UNUSED = 2
_STEP = 8

_HIGHEST = {
    "/performance/beir_avg": 0.75,
    "/performance/ms_marco_mrr10": 0.5,
}
"""No system comes near these: MS MARCO has one judged passage for a query among many that answer
it, and several sets of BEIR judge few of the right documents."""

_LANGUAGES = {
    "arabic": "ar",
    "bangla": "bn",
    "chinese": "zh",
    "danish": "da",
    "dutch": "nl",
    "english": "en",
    "french": "fr",
    "german": "de",
    "indonesian": "id",
    "italian": "it",
    "japanese": "ja",
    "korean": "ko",
    "persian": "fa",
    "polish": "pl",
    "portuguese": "pt",
    "russian": "ru",
    "spanish": "es",
    "turkish": "tr",
    "vietnamese": "vi",
    **{
        code: code
        for code in ["de", "en", "es", "fr", "ja", "ko", "nl", "pl", "pt", "ru", "tr", "vi", "zh"]
    },
}
"""Words of ids that name a language. Codes that are also words, such as `it`, are left out."""
_OF_SEVERAL = re.compile(r"(^|[-/_.])(bi|multi)lingual", re.IGNORECASE)


def contexts_leave_out_unused_positions(entry: Entry, _: Entries) -> Iterator[Breach]:
    """A RoBERTa of 514 positions reads 512 tokens: its first two positions are for padding."""
    context, network = entry.count("/specs/context_length"), entry.text(_NETWORK)
    positions = entry.count("/specs/max_position_embeddings")
    if not context or (network is not None and network not in _OFFSET_POSITIONS):
        return
    if context % _STEP == _UNUSED and positions in (None, context):
        yield entry.breach(
            "/specs/context_length",
            f"context_length is {context}, which is the size of a table of positions",
            f"expected at most {context - _UNUSED}: the first {_UNUSED} positions stay unused",
            "write the length at which the checkpoint truncates",
        )


def scores_are_within_reach(entry: Entry, _: Entries) -> Iterator[Breach]:
    """A score is one that the test set allows: what lies above is points of 100, or another set."""
    for pointer, highest in _HIGHEST.items():
        score = entry.value(pointer)
        if type(score) is float and highest < score <= 1:
            yield entry.breach(
                pointer,
                f"{pointer.rpartition('/')[2]} is {quote_json(score)}",
                f"expected a fraction of at most {highest}, above which no system gets on this set",
                "check which set and which measure the source means, or write null",
            )


def languages_agree_with_the_name(entry: Entry, _: Entries) -> Iterator[Breach]:
    """An id that says what a model reads is not contradicted by its languages."""
    stated = [tag for _, tag in entry.texts("/capabilities/languages")]
    if not stated or not entry.id:
        return
    primary = {tag.partition("-")[0].lower() for tag in stated}
    named = dict.fromkeys(_LANGUAGES.get(word) for word in re.split(r"[-._]", entry.id.lower()))
    missing = [language for language in named if language and language not in primary]
    base = entry.text("/lineage/adapted_from") or ""
    several = _OF_SEVERAL.search(entry.id) and not _OF_SEVERAL.search(base)
    if missing:
        yield entry.breach(
            "/capabilities/languages",
            f"the id {quote_json(entry.id)} names {join_quoted(missing)}, and the languages are "
            f"{join_quoted(stated)}",
            "expected the languages that the id names among them",
            "add the language, or write null where no source tells which ones there are",
        )
    elif several and not any(named) and len(primary) == 1:
        yield entry.breach(
            "/capabilities/languages",
            f"the id {quote_json(entry.id)} tells of several languages, and the only one is "
            f"{join_quoted(stated)}",
            "expected several languages",
            "list them, or write null where no source tells which ones there are",
        )


PLAUSIBILITY_RULES = (
    contexts_leave_out_unused_positions,
    scores_are_within_reach,
    languages_agree_with_the_name,
)
"""The rules about values that cannot be."""
