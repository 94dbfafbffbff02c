"""Values that contradict each other → what remains true.

mteb often gives the size of the position table as the length, and a list of modules says nothing
of the widths. Only what one value proves wrong in another is withdrawn here; nothing is guessed.
"""

from __future__ import annotations

import re

from catalogue.facts import DERIVED, MTEB, Candidates, Fact, best
from catalogue.provenance import key_of, rank
from catalogue.shapes import COUNTED

_LENGTH = "/specs/context_length"
_POSITIONS = "/specs/max_position_embeddings"
_WIDTH = "/specs/hidden_dim"
_DIM = "/specs/embedding_dim"
_PROJECTS = "/architecture/has_projection"
_PROJECTED = "/architecture/projection_dims"
_SIZES = "/architecture/matryoshka_dims"
_SPAN = "/architecture/matryoshka_range"

_ROBERTA_FAMILY = ("roberta", "xlm-roberta", "mpnet", "xmod", "camembert")
"""Networks whose first two positions are never used: 514 positions take 512 tokens."""

_UNUSED_POSITIONS = 2
_TABLES_OF_POSITIONS = (
    *_ROBERTA_FAMILY,
    "bart",
    "bert",
    "deberta",
    "deberta-v2",
    "distilbert",
    "electra",
)
"""Networks that cannot read beyond their table of positions, or whose tokenizers stop there."""

_STEP = 128
"""Tables of positions are a multiple of this long, plus the two positions that are not used."""

_REMOTE_CODE = "/dependencies/requires_remote_code"
_GATED = "/dependencies/gated"
_READ_BY_ANYONE = re.compile(r"hub: ((pre)?processor_|tokenizer_)?config\.json @ [0-9a-f]{7,40}$")
_RELEASED = "/release_date"
_NETWORK = "/architecture/type"
_LAYERS = "/specs/layers"
_BASE = "/lineage/adapted_from"

_PARAMETERS = "/specs/parameters"

_WHOLE_T5 = frozenset(
    (
        *(60_506_624, 222_903_552, 737_668_096, 2_851_598_336, 11_307_321_344),
        *(76_961_152, 247_577_856, 783_150_080, 2_849_757_184, 11_135_332_352),
    )
)
"""The parameters of T5 and of its version 1.1, from small to the largest, with their decoders."""

_SIZE_IN_NAME = re.compile(r"(?<=-)\d+(\.\d+)?[BM]\b", re.IGNORECASE)
"""The size in the name of a language model: `Qwen3-1.7B`."""

_OF_THE_TRAINING = "angle_config.json"
"""AnglE's settings of a training, which Sentence Transformers and Transformers do not read."""

_SERIES = re.compile(r"Qwen/Qwen\d(\.\d)?")
"""The name of all sizes of a language model together."""

_OF_TRANSFORMERS = frozenset(
    [
        "albert",
        "bart",
        "bert",
        "bloom",
        "camembert",
        "deberta",
        "deberta-v2",
        "distilbert",
        "electra",
        "gemma",
        "gemma2",
        "gemma3_text",
        "llama",
        "mistral",
        "mixtral",
        "modernbert",
        "mpnet",
        "qwen2",
        "qwen3",
        "roberta",
        "static",
        "t5",
        "xlm-roberta",
        "xmod",
    ]
)
"""Networks that Transformers, or Sentence Transformers, brings along."""

_ALWAYS_BUILT_IN = frozenset(
    ["deberta-v2", "distilbert", "mistral", "modernbert", "mpnet", "roberta", "t5"]
)
"""Networks whose checkpoints need no code of their own unless a source says so.

The makers of networks of their own call some of them `bert`, `qwen2` or `xlm-roberta`.
"""

_CODE_IS_ASKED_FOR_SINCE = "2024-10-31"
"""mteb's loader let every repository's code run until the day before (its commit 0b846ff3a)."""


def reconcile(candidates: Candidates, kind: str) -> None:
    """Withdraw the candidates that better-founded ones refute."""
    _withdraw_lengths_of_the_training(candidates)
    _withdraw_lengths_beyond_positions(candidates)
    _withdraw_lengths_of_static_models(candidates)
    _tell_allowed_code_from_needed_code(candidates)
    _withdraw_bases_of_another_size(candidates)
    _tell_open_repositories(candidates)
    if kind in ("cross-encoder", "classifier"):
        _read_to_the_last_position(candidates)
    if kind == "colbert":
        _take_the_network_length(candidates)
        _tell_prompts_from_markers(candidates)
    if kind == "sparse":
        # One weight for each row of the vocabulary: the two sizes are the same fact.
        candidates.setdefault("/specs/vocab_size", []).extend(candidates.pop(_DIM, []))
    if kind == "dense":
        _withdraw_counts_with_a_decoder(candidates)
    if kind in ("dense", "colbert"):
        _settle_the_projection(candidates, kind)
        _end_in_the_dimension(candidates)


def _withdraw_lengths_of_the_training(candidates: Candidates) -> None:
    """Withdraw the length that a model was trained with, which does not cut texts when it is run."""
    lengths = candidates.get(_LENGTH, [])
    candidates[_LENGTH] = [fact for fact in lengths if _OF_THE_TRAINING not in fact.source]


def _withdraw_lengths_beyond_positions(candidates: Candidates) -> None:
    positions = best(candidates.get(_POSITIONS, []))
    network = best(candidates.get(_NETWORK, []))
    lengths = candidates.get(_LENGTH, [])
    if network is None or network.value in _ROBERTA_FAMILY:
        # No checkpoint truncates at 514 or 8,194 tokens: these are sizes of RoBERTa's table.
        lengths = [fact for fact in lengths if fact.value % _STEP != _UNUSED_POSITIONS]
    if positions is not None:
        usable = positions.value
        if network is not None and network.value in _ROBERTA_FAMILY:
            usable -= _UNUSED_POSITIONS
        lengths = [fact for fact in lengths if fact.value <= usable]
    candidates[_LENGTH] = lengths


def _read_to_the_last_position(candidates: Candidates) -> None:
    """Give a model that returns scores the length of its table of positions, unless one is stated.

    Such a model has no `sentence_bert_config.json` that cuts texts earlier.
    """
    positions = best(candidates.get(_POSITIONS, []))
    network = best(candidates.get(_NETWORK, []))
    if candidates.get(_LENGTH) or positions is None or network is None:
        return
    if network.value in _TABLES_OF_POSITIONS:
        unused = _UNUSED_POSITIONS if network.value in _ROBERTA_FAMILY else 0
        candidates[_LENGTH] = [Fact(positions.value - unused, DERIVED)]


def _withdraw_lengths_of_static_models(candidates: Candidates) -> None:
    """Withdraw the registry's length of a table of vectors, which averages texts of any length."""
    network = best(candidates.get(_NETWORK, []))
    if network is not None and network.value == "static":
        lengths = candidates.get(_LENGTH, [])
        candidates[_LENGTH] = [fact for fact in lengths if key_of(fact.source) != MTEB]


def _tell_allowed_code_from_needed_code(candidates: Candidates) -> None:
    """Withdraw what mteb's arguments do not prove about code from the repository.

    mteb often allows code where none is needed, and forgets to where an old default allowed it: its
    word counts only where it agrees with what is known of the network. A model younger than that
    default ran without code where mteb allows none, unless its network is known to be its own.
    """
    network = best(candidates.get(_NETWORK, []))
    layers = best(candidates.get(_LAYERS, []))
    built_in = (network is not None and network.value in _OF_TRANSFORMERS) or (
        network is None and layers is not None and key_of(layers.source) == COUNTED
    )
    foreign = network is not None and network.value not in _OF_TRANSFORMERS
    runs_without = not foreign and (built_in or _is_younger_than_the_default(candidates))
    candidates[_REMOTE_CODE] = [
        fact
        for fact in candidates.get(_REMOTE_CODE, [])
        if key_of(fact.source) != MTEB or (not built_in if fact.value else runs_without)
    ]
    if not candidates[_REMOTE_CODE] and network is not None and network.value in _ALWAYS_BUILT_IN:
        candidates[_REMOTE_CODE] = [Fact(False, DERIVED)]


def _withdraw_counts_with_a_decoder(candidates: Candidates) -> None:
    """Withdraw the count of a whole T5: a model for vectors is its encoder."""
    network = best(candidates.get(_NETWORK, []))
    if network is not None and network.value == "t5":
        counts = candidates.get(_PARAMETERS, [])
        candidates[_PARAMETERS] = [fact for fact in counts if fact.value not in _WHOLE_T5]


def _withdraw_bases_of_another_size(candidates: Candidates) -> None:
    """Withdraw what mteb calls the base where the parameters are those of a smaller or larger one.

    Withdrawn is also a series of sizes (`Qwen/Qwen3.5`), which is no repository.
    """
    layers = best(candidates.get(_LAYERS, []))
    counted = layers is not None and layers.source.startswith(COUNTED)
    size = _SIZE_IN_NAME.search(layers.source) if layers is not None and counted else None
    like = None if size is None else size[0]
    candidates[_BASE] = [
        fact
        for fact in candidates.get(_BASE, [])
        if key_of(fact.source) != MTEB or not _is_of_another_size(fact.value, like)
    ]


def _is_of_another_size(repository: str, like: str | None) -> bool:
    """Whether the name of a base gives another size than the network that was counted."""
    if _SERIES.fullmatch(repository):
        return True
    named = _SIZE_IN_NAME.search(repository)
    return like is not None and named is not None and named[0].lower() != like.lower()


def _is_younger_than_the_default(candidates: Candidates) -> bool:
    """Whether the commit that mteb pins was made when its loader had ceased to allow code.

    The date need not be that of the release: a line cannot be older than the commit that it names.
    """
    dates = [fact.value for fact in candidates.get(_RELEASED, []) if key_of(fact.source) == MTEB]
    return bool(dates) and min(dates) >= _CODE_IS_ASKED_FOR_SINCE


def _take_the_network_length(candidates: Candidates) -> None:
    """Keep the length that the network takes, not the one at which documents are cut.

    The encoding facts give the latter; a ColBERT entry has `document_length` for it. mteb gives now
    the one, now the other: where they are the same, the table of positions must be known.
    """
    cut = best(candidates.get("/encoding/document_length", []))
    if cut is not None:
        known = bool(candidates.get(_POSITIONS))
        candidates[_LENGTH] = [
            fact
            for fact in candidates.get(_LENGTH, [])
            if fact.value > cut.value
            or (fact.value == cut.value and (known or key_of(fact.source) != MTEB))
        ]


def _tell_prompts_from_markers(candidates: Candidates) -> None:
    """Withdraw prompts that are the markers under another name; they would be put in twice."""
    for side in ("query", "document"):
        marker = best(candidates.get(f"/encoding/{side}_marker", []))
        prompts = candidates.get(f"/encoding/{side}_prompt", [])
        if marker is not None:
            kept = [fact for fact in prompts if fact.value.strip() != marker.value.strip()]
            candidates[f"/encoding/{side}_prompt"] = kept


def _settle_the_projection(candidates: Candidates, kind: str) -> None:
    dim, width = best(candidates.get(_DIM, [])), best(candidates.get(_WIDTH, []))
    projects = best(candidates.get(_PROJECTS, []))
    if kind == "colbert" and projects is None and dim and width and dim.value != width.value:
        # Only a linear layer on every token makes the widths differ.
        projects = Fact(True, DERIVED)
        candidates[_PROJECTS] = [projects]
    if projects is None or dim is None:
        return
    if projects.value:
        candidates.setdefault(_PROJECTED, [Fact(dim.value, projects.source)])
    elif width is None or width.value != dim.value:
        del candidates[_PROJECTS]


def _tell_open_repositories(candidates: Candidates) -> None:
    """Take a file that was read without an account for proof that the repository is not gated.

    The Hub shows everybody the card and the list of files, so these prove nothing, nor does what
    may follow from a size in that list; a file without its commit cannot be followed. Whoever says
    that a repository is gated knows better, since an owner may have closed it since.
    """
    stated = candidates.get(_GATED, [])
    if any(fact.value for fact in stated):
        candidates[_GATED] = [fact for fact in stated if fact.value]
        return
    every = (fact.source for facts in candidates.values() for fact in facts)
    read = [source for source in every if _READ_BY_ANYONE.match(source)]
    candidates[_GATED] = [*stated, Fact(False, min(read, key=rank))] if read else stated


def _end_in_the_dimension(candidates: Candidates) -> None:
    """Keep only Matryoshka sizes that end in the native dimension, and of a range and a list one.

    Of two that are equally well founded, it is the list: the sizes that were trained.
    """
    dim = best(candidates.get(_DIM, []))
    for pointer in (_SIZES, _SPAN):
        stated = candidates.get(pointer, [])
        candidates[pointer] = [f for f in stated if dim is not None and f.value[-1] == dim.value]
    listed, span = best(candidates[_SIZES]), best(candidates[_SPAN])
    if listed is not None and span is not None:
        refuted = _SIZES if rank(span.source) < rank(listed.source) else _SPAN
        candidates[refuted] = []
