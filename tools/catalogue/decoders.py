"""How many layers a decoder has, where its parameter count is that of a well-known one.

Embedding models that are made of a language model have its layers and a table of tokens. What is
left of all parameters without the table is the same number in no two of these networks. What is
more than that is a projection, if it is as wide as the network and the vectors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalogue.facts import Candidates, Fact
from catalogue.shapes import COUNTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoder:
    """The shape of a gated decoder with grouped attention, without its table of tokens.

    Attributes:
        like: the language model that has this shape.
        hidden: the width.
        layers: how many there are.
        queries: the width of all heads of queries together.
        keys: the width of all heads of keys, which is that of the values.
        inner: the width of the feed-forward network.
        norm: parameters of a layer's norms of queries and keys.
        norms: how many norms as wide as the network a layer has.
        biased: whether queries, keys and values have biases.
    """

    like: str
    hidden: int
    layers: int
    queries: int
    keys: int
    inner: int
    norm: int = 0
    norms: int = 2
    biased: bool = False

    @property
    def parameters(self) -> int:
        """All parameters besides the table of tokens: the layers and the last norm."""
        attention = 2 * self.hidden * (self.queries + self.keys)
        biases = (self.queries + 2 * self.keys) * self.biased
        feed_forward = 3 * self.hidden * self.inner
        layer = attention + biases + feed_forward + self.norms * self.hidden + self.norm
        return self.layers * layer + self.hidden

    @property
    def newer_norms(self) -> int:
        """Parameters of all norms besides the two that a layer of any decoder has."""
        return self.layers * (self.norm + (self.norms - 2) * self.hidden)


def _qwen3(like: str, hidden: int, layers: int, inner: int, heads: int) -> Decoder:
    return Decoder(
        like=like,
        hidden=hidden,
        layers=layers,
        queries=128 * heads,
        keys=1024,
        inner=inner,
        norm=256,
    )


def _qwen2(like: str, hidden: int, layers: int, inner: int, keys: int) -> Decoder:
    return Decoder(
        like=like,
        hidden=hidden,
        layers=layers,
        queries=hidden,
        keys=keys,
        inner=inner,
        biased=True,
    )


def _llama(like: str, hidden: int, layers: int, inner: int, keys: int) -> Decoder:
    return Decoder(like=like, hidden=hidden, layers=layers, queries=hidden, keys=keys, inner=inner)


def _gemma3(like: str, hidden: int, layers: int, inner: int, heads: tuple[int, int]) -> Decoder:
    return Decoder(
        like=like,
        hidden=hidden,
        layers=layers,
        queries=256 * heads[0],
        keys=256 * heads[1],
        inner=inner,
        norm=512,
        norms=4,
    )


DECODERS = (
    _qwen3("Qwen3-0.6B", 1024, 28, 3072, 16),
    _qwen3("Qwen3-1.7B", 2048, 28, 6144, 16),
    _qwen3("Qwen3-4B", 2560, 36, 9728, 32),
    _qwen3("Qwen3-8B", 4096, 36, 12288, 32),
    _qwen2("Qwen2-0.5B", 896, 24, 4864, 128),
    _qwen2("Qwen2-1.5B", 1536, 28, 8960, 256),
    _qwen2("Qwen2-7B", 3584, 28, 18944, 512),
    _qwen2("Qwen1.5-7B", 4096, 32, 11008, 4096),
    _llama("Mistral-7B", 4096, 32, 14336, 1024),
    _llama("Llama-3.2-1B", 2048, 16, 8192, 512),
    _llama("Sheared-LLaMA-1.3B", 2048, 24, 5504, 2048),
    Decoder(like="Gemma-2B", hidden=2048, layers=18, queries=2048, keys=256, inner=16384),
    _gemma3("Gemma-3-270M", 640, 18, 2048, (4, 1)),
    _gemma3("Gemma-3-1B", 1152, 26, 6912, (4, 1)),
    _gemma3("Gemma-3-12B", 3840, 48, 15360, (16, 8)),
    Decoder(
        like="Gemma-3-27B",
        hidden=5376,
        layers=62,
        queries=4096,
        keys=2048,
        inner=21504,
        norm=256,
        norms=4,
    ),
)
"""Language models that embedding models are made of; Llama-3-8B has the shape of Mistral-7B."""


def shapes_of_decoders(row: Mapping[str, Any]) -> Candidates:
    """Return what the counts of a line of mteb's registry prove: the layers, and a projection.

    A head for one score, and a second table for the output of words, may stand beside the layers,
    or a projection to the width of the vectors, with or without biases. A count that lacks the
    newer norms was made by a formula: the complete one stands for it.
    """
    total, embedding = row["n_parameters"], row["n_embedding_parameters"]
    if not total or not embedding:
        return {}
    for decoder in DECODERS:
        if embedding % decoder.hidden:
            continue
        rest = total - embedding - decoder.parameters
        source = f"{COUNTED}: as {decoder.like}"
        values: dict[str, Any] = {"/specs/layers": decoder.layers}
        if rest < 0 and -rest == decoder.newer_norms:
            values["/specs/parameters"] = total - rest
        elif rest not in (0, decoder.hidden, embedding):
            if not _projects(rest, decoder.hidden, row["embed_dim"]):
                continue
            values["/architecture/has_projection"] = True
            values["/architecture/projection_dims"] = row["embed_dim"]
        return {pointer: [Fact(value, source)] for pointer, value in values.items()}
    return {}


def _projects(parameters: int, hidden: int, dimension: int | list[int] | None) -> bool:
    """Whether a projection to the width of the vectors has so many parameters."""
    return isinstance(dimension, int) and parameters in (
        hidden * dimension,
        (hidden + 1) * dimension,
    )
