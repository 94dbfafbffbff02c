"""Captioners that are graphs: one for pictures, and one for the tokens of captions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.arrays.tensors import Array
from holotype.encoders.checkpoints.caption_limits import CaptionLimits
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.json_file import JsonFile
from holotype.encoders.graphs.graph import IDS, LOGITS, MEMORY, PAST, PIXELS, PRESENT, Graph
from holotype.encoders.inputs.rows import PictureRow, picture_batches
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.encoders.kinds.captioner import CaptionerEncoding, longest_caption
from holotype.encoders.running.caption_search import SearchRules, write_captions
from holotype.encoders.running.captions import Written
from holotype.encoders.running.network import OutputOf
from holotype.errors import ClosedEncoderError

CAPTIONS_FILE = "captions.json"
"""How captions begin and end, beside the graph."""
_LARGEST_SIZE = 2**20
_AT_ONCE = 16
# The keys and values of the pictures of a batch take no more, but for a single picture.
_MOST_BYTES = 512 * 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionFacts:
    """What a graph does not say of itself.

    Attributes:
        start: the tokens with which captions begin where there is no prompt.
        before: the tokens that stand for the picture before these.
        decoder_start: the token with which a decoder begins whose encoder reads all of the above;
            None where there is no such encoder.
        stops: the tokens at which writing stops.
        ends: the tokens at which a caption ends.
        layers: the numbers of keys and values, of heads, and the width of a head.
        n_parts: how many keys a picture becomes, without those of a prompt.
        min_length: see `SearchRules`; what the record and its files leave open, as the other three.
        length_penalty: likewise.
        repetition_penalty: likewise.
        early_stopping: likewise.
    """

    start: tuple[int, ...]
    before: tuple[int, ...]
    decoder_start: int | None
    stops: tuple[int, ...]
    ends: tuple[int, ...]
    layers: tuple[int, int, int]
    n_parts: int
    min_length: int
    length_penalty: float
    repetition_penalty: float
    early_stopping: bool | Literal["never"]


def write_facts(path: Path, facts: CaptionFacts) -> None:
    """Write the file beside a graph."""
    path.write_text(json.dumps(asdict(facts), indent=2) + "\n", encoding="utf-8")


def read_facts(folder: Checkpoint, limits: CaptionLimits) -> CaptionFacts:
    """Read the file beside a graph.

    Args:
        folder: where it lies.
        limits: the sizes of the network, as its checkpoint states them.

    Raises:
        CheckpointError: it is missing or damaged, or says what no caption of the network can have.
    """
    file = folder.json(CAPTIONS_FILE)
    start = _tokens(file, "start", limits)
    if not start:
        raise file.wrong("start", [], "one token or more")
    before = _tokens(file, "before", limits)
    decoder_start = file.values.get("decoder_start")
    expected = None if decoder_start is None else limits.expected_token(decoder_start)
    if expected is not None:
        raise file.wrong("decoder_start", decoder_start, f"null or a token {expected}")
    # An encoder reads them where there is one, and writing begins anew.
    if decoder_start is None and len(start) + len(before) >= limits.most_tokens:
        raise file.wrong(
            "start" if len(start) > len(before) else "before",
            f"{len(start)} and {len(before)} tokens",
            f"fewer than {limits.most_tokens} in 'start' and 'before', which is all the network reads",
        )
    n_keys, n_heads, width = _sizes(file, "layers", 3)
    (n_parts,) = _sizes(file, "n_parts")
    return CaptionFacts(
        start=start,
        before=before,
        decoder_start=cast("int | None", decoder_start),
        stops=_tokens(file, "stops", limits),
        ends=_tokens(file, "ends", limits),
        layers=(n_keys, n_heads, width),
        n_parts=n_parts,
        min_length=_option(file, "min_length", limits),
        length_penalty=float(_option(file, "length_penalty", limits)),
        repetition_penalty=float(_option(file, "repetition_penalty", limits)),
        early_stopping=_option(file, "early_stopping", limits),
    )


def _tokens(file: JsonFile, key: str, limits: CaptionLimits) -> tuple[int, ...]:
    found = file.values.get(key)
    if not isinstance(found, list):
        raise file.wrong(key, found, "a list of tokens")
    for token in found:
        expected = limits.expected_token(token)
        if expected is not None:
            raise file.wrong(key, found, f"tokens {expected}; {token!r} is none")
    return tuple(found)


def _sizes(file: JsonFile, key: str, n: int = 1) -> tuple[int, ...]:
    """Return a number, or several in a list."""
    found = file.values.get(key)
    several: Any = [found] if n == 1 else found
    if (
        not isinstance(several, list)
        or len(several) != n
        or not all(type(one) is int and 0 < one <= _LARGEST_SIZE for one in several)
    ):
        what = "a whole number" if n == 1 else f"a list of {n} whole numbers"
        raise file.wrong(key, found, f"{what} from 1 to {_LARGEST_SIZE}")
    return tuple(several)


def _option(file: JsonFile, key: str, limits: CaptionLimits) -> Any:
    found = file.values.get(key)
    expected = limits.expected(key, found)
    if expected is not None:
        raise file.wrong(key, found, expected)
    return found


@dataclass(frozen=True, slots=True)
class Beginning:
    """The tokens at the beginning of every caption.

    Attributes:
        read: those that the graph for pictures reads with them; None where it reads none.
        fed: those that the graph for texts reads first.
        shown: those with which what is written begins.
    """

    read: tuple[int, ...] | None
    fed: tuple[int, ...]
    shown: tuple[int, ...]


def beginning(
    facts: CaptionFacts, encoding: CaptionerEncoding, tokenizer: TextTokenizer
) -> Beginning:
    """Return the tokens at the beginning of every caption, with the prompt of the record."""
    ids = _prompt(facts, encoding, tokenizer)
    if facts.decoder_start is None:
        return Beginning(None, ids, (*facts.before, *ids))
    return Beginning(ids, (facts.decoder_start,), (facts.decoder_start,))


def _prompt(
    facts: CaptionFacts, encoding: CaptionerEncoding, tokenizer: TextTokenizer
) -> tuple[int, ...]:
    if not encoding.prompt:
        return facts.start
    (text,) = tokenizer.encode([encoding.prompt], max_length=None)
    if encoding.model_type == "blip-2":
        return tuple(text.ids)
    if encoding.model_type == "vision-encoder-decoder":
        return (*facts.start, *text.ids)
    # The end of the prompt would be that of the caption.
    if encoding.model_type == "blip":
        return (*facts.start, *text.ids[1:-1])
    (bare,) = tokenizer.encode_bare([encoding.prompt], max_length=None)
    return (text.ids[0], *bare.ids)


def search_rules(
    facts: CaptionFacts,
    encoding: CaptionerEncoding,
    limits: CaptionLimits,
    n_shown: int,
    model_id: str,
) -> SearchRules:
    """Return how captions are chosen.

    Args:
        facts: what the graph was made with.
        encoding: what the record and its files say.
        limits: the sizes of the network.
        n_shown: how many tokens captions begin with.
        model_id: the model, for the error.

    Raises:
        InvalidArgumentError: see `longest_caption`.
    """

    def either(stated: Any, usual: Any) -> Any:
        return usual if stated is None else stated

    return SearchRules(
        stops=frozenset(facts.stops),
        ends=frozenset(facts.ends),
        max_length=longest_caption(encoding, limits, n_shown, model_id),
        min_length=either(encoding.min_length, facts.min_length),
        num_beams=encoding.num_beams,
        length_penalty=either(encoding.length_penalty, facts.length_penalty),
        repetition_penalty=either(encoding.repetition_penalty, facts.repetition_penalty),
        early_stopping=facts.early_stopping,
    )


class GraphCaptions:
    """The network that writes captions."""

    def __init__(
        self,
        pictures: Graph,
        texts: Graph,
        facts: CaptionFacts,
        begin: Beginning,
        rules: SearchRules,
    ) -> None:
        """Take graphs that have been opened.

        Args:
            pictures: the graph for pictures.
            texts: the graph for texts.
            facts: what they do not say of themselves.
            begin: the tokens at the beginning of every caption.
            rules: how captions are chosen.
        """
        self._graphs: tuple[Graph, Graph] | None = (pictures, texts)
        self._device = texts.device
        self._facts = facts
        self._begin = begin
        self._rules = rules
        n_keys, n_heads, width = facts.layers
        n_parts = facts.n_parts + len(begin.read or ())
        bytes_each = 4 * n_keys * n_heads * width * n_parts * rules.num_beams
        self._at_once = max(1, min(_AT_ONCE, _MOST_BYTES // max(1, bytes_each)))

    @property
    def device(self) -> str:
        """Where it runs."""
        return self._device

    @property
    def memory_bytes(self) -> int:
        """The bytes that the weights take, as the files store them."""
        return sum(graph.memory_bytes for graph in self._open())

    def run(
        self, rows: Sequence[PictureRow], batch_size: int | None
    ) -> Iterator[OutputOf[list[Written]]]:
        """Yield the captions of each batch; see `Network.run`."""
        pictures, texts = self._open()
        for positions, batch in picture_batches(rows, batch_size or self._at_once):
            given = {PIXELS: batch["pixel_values"]}
            if self._begin.read is not None:
                given[IDS] = np.tile(np.asarray(self._begin.read), (len(positions), 1))
            memory = pictures.run(MEMORY, _typed(pictures, given))
            counted = np.ones((len(positions), 1), dtype=np.bool_)
            yield positions, self._write(texts, memory), counted

    def close(self) -> None:
        """Release the weights; see `Network.close`."""
        self._graphs = None

    def _write(self, texts: Graph, memory: Array) -> list[Written]:
        rules = self._rules
        return write_captions(
            _Reading(texts, np.repeat(memory, rules.num_beams, axis=0)),
            fed=self._begin.fed,
            begin=self._begin.shown,
            n_pictures=len(memory),
            rules=rules,
        )

    def _open(self) -> tuple[Graph, Graph]:
        if self._graphs is None:
            raise ClosedEncoderError
        return self._graphs


class _Reading:
    """What the graph for texts has read of the captions of a batch; see `NextTokens`."""

    def __init__(self, graph: Graph, memory: Array) -> None:
        self._graph = graph
        self._memory = memory
        self._past = np.empty((*memory.shape[:3], 0, memory.shape[4]), dtype=np.float32)

    def __call__(
        self, ids: NDArray[np.int64], rows: NDArray[np.int64] | None
    ) -> NDArray[np.float32]:
        if rows is not None:
            self._past = self._past[rows]
            if len(rows) < len(self._memory):
                # Beams of one picture, which rows stay among, have one memory.
                self._memory = self._memory[rows]
        given: dict[str, NDArray[Any]] = {IDS: ids, MEMORY: self._memory, PAST: self._past}
        logits, present = self._graph.run_for([LOGITS, PRESENT], _typed(self._graph, given))
        self._past = np.concatenate([self._past, present], axis=3)
        return logits


def _typed(graph: Graph, arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    kinds = graph.inputs
    return {name: array.astype(kinds[name], copy=False) for name, array in arrays.items()}
