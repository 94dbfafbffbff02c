"""What arithmetic can check over the whole catalogue, but for known exceptions.

The exceptions stand in catalogue_exceptions.json, each with its reason. The list may only shrink:
one that is no longer needed fails, and so does a longer list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MODELS: list[dict[str, Any]] = json.loads((ROOT / "models.json").read_text("utf-8"))["models"]
EXCEPTIONS: dict[str, dict[str, str]] = json.loads(
    (Path(__file__).parent / "catalogue_exceptions.json").read_text("utf-8")
)
AT_MOST = 11
"""How many exceptions there are; lower it when one goes."""

Check = Callable[[dict[str, Any]], bool]

_SIZES = {
    name: rank
    for rank, names in enumerate(
        (
            ("tiny",),
            ("xs", "xsmall", "mini"),
            ("small", "s"),
            ("base", "m", "medium"),
            ("large", "l"),
            ("xl",),
            ("xxl",),
        )
    )
    for name in names
}
"""The words in names that say how large a model is beside its siblings."""

OTHER_LICENCES = {
    "dinghy-law": "mteb: the two smaller ones are finetuned from another model than the largest",
    "embeddinggemma": "the second is built on Gemma 4, which is free, the first on Gemma 3",
    "jina-clip": "the first version was free for any use; mteb and fastembed agree on both",
    "jina-embeddings": "the card of the fourth says that its base's licence, Qwen's for research, holds",
    "kure": "mteb: each version has a licence of its own",
    "zerank": "the repositories' own tags and card",
}
"""Families whose members have different licences, and what says so."""

_SIZE_OR_VERSION = re.compile(
    r"(^|-)(v?\d+(\.\d+)*[bm]?|tiny|xs|xsmall|mini|micro|nano|small|s|base|m|medium|large|l|xl|xxl"
    r"|giant|huge)(?=-|$)"
)

_SIBLINGS = ("parameters", "hidden_dim", "embedding_dim", "layers")


def known(model: dict[str, Any], *fields: str) -> tuple[int, ...] | None:
    """Return sizes of a model, or None where one of them is not known."""
    sizes = [model["specs"][field] for field in fields]
    return None if None in sizes else tuple(sizes)


def the_table_fits(model: dict[str, Any]) -> bool:
    sizes = known(model, "vocab_size", "hidden_dim", "parameters")
    return sizes is None or sizes[0] * sizes[1] <= sizes[2]


def the_layers_fit(model: dict[str, Any]) -> bool:
    """A layer of a transformer has about twelve times its width squared."""
    sizes = known(model, "parameters", "vocab_size", "hidden_dim")
    if sizes is None or model["architecture"]["type"] == "static" or "image" in model:
        return True
    parameters, words, width = sizes
    layers = (parameters - words * width) / (12 * width * width)
    return 0.3 < layers < 120


def the_stated_layers_fill_the_parameters(model: dict[str, Any]) -> bool:
    """What the layers hold beside the table is some times the width squared, for each of them.

    Qwen3's heads are 128 wide whatever the width of the network, so a narrow one can have more.
    """
    layers: int | None = model["specs"].get("layers")
    sizes = known(model, "parameters", "vocab_size", "hidden_dim")
    # T5's feed-forward layers are up to 64 times as wide as the network.
    if layers is None or sizes is None or model["architecture"]["type"] == "t5":
        return True
    if "image" in model:
        # The parameters are those of two networks.
        return True
    parameters, words, width = sizes
    most = 30 * max(1.0, 512 / width)
    return 5 < (parameters - words * width) / (layers * width * width) < most


def two_networks_fill_the_parameters(model: dict[str, Any]) -> bool:
    """The networks for texts and for images, and the table of tokens, are nearly the whole model."""
    sizes = known(model, "parameters", "vocab_size", "hidden_dim")
    image = model.get("image", {})
    layers, width = image.get("layers"), image.get("hidden_dim")
    if model["type"] != "image-text" or sizes is None or not layers or not width:
        return True
    parameters, words, text_width = sizes
    inside = 12 * (layers * width**2 + model["specs"]["layers"] * text_width**2)
    return bool(0.85 < (words * text_width + inside) / parameters < 1.15)


def a_static_model_has_no_layers(model: dict[str, Any]) -> bool:
    return model["architecture"]["type"] != "static" or model["specs"].get("layers") is None


def the_name_tells_the_layers(model: dict[str, Any]) -> bool:
    """MiniLM's names say how many layers there are: `-l6-` has six."""
    named, layers = re.search(r"-l(\d+)(-|$)", model["id"]), model["specs"].get("layers")
    return named is None or layers is None or int(named[1]) == layers


def a_projection_makes_the_width(model: dict[str, Any]) -> bool:
    sizes = known(model, "embedding_dim", "hidden_dim")
    if sizes is None or model["type"] not in ("dense", "colbert"):
        return True
    return sizes[0] == sizes[1] or model["architecture"]["has_projection"] is True


def the_length_fits_the_positions(model: dict[str, Any]) -> bool:
    sizes = known(model, "context_length", "max_position_embeddings")
    return sizes is None or sizes[0] <= sizes[1]


def a_static_model_is_its_table(model: dict[str, Any]) -> bool:
    sizes = known(model, "parameters", "vocab_size", "embedding_dim")
    if sizes is None or model["architecture"]["type"] != "static":
        return True
    return abs(sizes[0] - sizes[1] * sizes[2]) <= 0.02 * sizes[0]


def a_projection_ends_in_the_vector(model: dict[str, Any]) -> bool:
    projected = model["architecture"].get("projection_dims")
    return projected is None or projected == model["specs"]["embedding_dim"]


def an_exact_count_is_that_of_the_network(model: dict[str, Any]) -> bool:
    """A network like BERT leaves a whole number for its feed-forward width.

    A pooler may be there or not, some counts include the buffer of position ids, and heads and
    adapters would count too: only plain encoders are looked at.
    """
    specs, network = model["specs"], model["architecture"]
    numbers = known(model, "parameters", "hidden_dim", "vocab_size")
    layers, positions = specs.get("layers"), specs.get("max_position_embeddings")
    plain = (
        model["type"] == "dense"
        and network["type"] in ("bert", "roberta", "xlm-roberta")
        and not network["has_projection"]
        and not model.get("dependencies", {}).get("requires_remote_code")
        and specs["embedding_dim"] == specs["hidden_dim"]
    )
    if not plain or numbers is None or not layers or not positions or numbers[0] % 100_000 == 0:
        return True
    parameters, width, words = numbers
    for types, pooler, buffer in product((0, 1, 2, 4), (0, width * width + width), (0, positions)):
        tables = (words + positions + types + 2) * width
        attention_and_norms = 4 * (width * width + width) + 5 * width
        rest = parameters - buffer - tables - pooler - layers * attention_and_norms
        inner, left = divmod(rest, layers * (2 * width + 1))
        if not left and width <= inner <= 8 * width:
            return True
    return False


CHECKS: dict[str, Check] = {
    "the table of tokens fits into the parameters": the_table_fits,
    "the layers fit into the parameters": the_layers_fit,
    "the stated layers fill the parameters": the_stated_layers_fill_the_parameters,
    "the networks for texts and images fill the parameters": two_networks_fill_the_parameters,
    "a static model has no layers": a_static_model_has_no_layers,
    "a name that tells the layers is right": the_name_tells_the_layers,
    "a vector of another width than the network comes from a projection": a_projection_makes_the_width,
    "the length fits the positions": the_length_fits_the_positions,
    "a static model is nothing but its table": a_static_model_is_its_table,
    "a projection ends in the vector": a_projection_ends_in_the_vector,
    "an exact count is that of the network": an_exact_count_is_that_of_the_network,
}


@pytest.mark.parametrize("name", CHECKS)
def test_the_whole_catalogue_obeys_but_for_the_known_exceptions(name: str) -> None:
    broken = {model["id"] for model in MODELS if not CHECKS[name](model)}
    assert broken - set(EXCEPTIONS.get(name, {})) == set()


@pytest.mark.parametrize("name", CHECKS)
def test_every_exception_is_still_needed(name: str) -> None:
    broken = {model["id"] for model in MODELS if not CHECKS[name](model)}
    assert set(EXCEPTIONS.get(name, {})) - broken == set()


def test_the_list_of_exceptions_only_shrinks() -> None:
    assert set(EXCEPTIONS) <= set(CHECKS)
    assert sum(map(len, EXCEPTIONS.values())) == AT_MOST
    assert all(reason for reasons in EXCEPTIONS.values() for reason in reasons.values())


def siblings() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield pairs of models whose names differ in a word for the size only, the smaller first."""
    families: dict[tuple[str, ...], list[tuple[int, dict[str, Any]]]] = {}
    for model in MODELS:
        words = model["id"].split("-")
        for position, word in enumerate(words):
            if word in _SIZES:
                rest = (*words[:position], "*", *words[position + 1 :])
                key = (model["type"], model["organization"], *rest)
                families.setdefault(key, []).append((_SIZES[word], model))
    for family in families.values():
        ordered = sorted(family, key=lambda pair: pair[0])
        for (smaller, first), (larger, second) in pairwise(ordered):
            if smaller < larger:
                yield first, second


def is_wider(model: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether a network is wider; it may then have fewer layers and be larger nevertheless."""
    widths = model["specs"]["hidden_dim"], other["specs"]["hidden_dim"]
    return None not in widths and widths[0] > widths[1]


def test_a_larger_sibling_is_not_narrower() -> None:
    pairs = list(siblings())
    assert len(pairs) > 30
    wrong = [
        (smaller["id"], larger["id"], field)
        for smaller, larger in pairs
        for field in _SIBLINGS
        if smaller["type"] != "sparse"
        and not (field == "layers" and is_wider(larger, smaller))
        and None not in (smaller["specs"].get(field), larger["specs"].get(field))
        and smaller["specs"][field] > larger["specs"][field]
    ]
    assert wrong == []


def test_a_count_holds_the_projection() -> None:
    """A model with a projection has more parameters than the same network without one.

    Modes of one repository share its count: what they add to the vectors of the first is little.
    """

    def network(model: dict[str, Any]) -> tuple[int, int] | None:
        sizes = known(model, "hidden_dim", "vocab_size", "parameters")
        return None if sizes is None else (sizes[0], sizes[2] - sizes[0] * sizes[1])

    plain = [model for model in MODELS if model["architecture"]["has_projection"] is False]
    repositories = {model["huggingface_id"] for model in plain}
    networks = {network(model) for model in plain} - {None}
    assert [
        model["id"]
        for model in MODELS
        if model["architecture"]["has_projection"] or not a_projection_makes_the_width(model)
        if network(model) in networks and model["huggingface_id"] not in repositories
    ] == []


def test_a_family_has_one_licence() -> None:
    """Of models that differ in size and version, one licence that stands out is another model's."""
    families: dict[tuple[str, str, str], set[str]] = {}
    for model in MODELS:
        if model["license"]:
            stem = _SIZE_OR_VERSION.sub("", model["id"])
            key = (model["type"], model["organization"], stem)
            families.setdefault(key, set()).add(model["license"])
    several = [stem for (_, _, stem), licences in families.items() if len(licences) > 1]
    assert sorted(several) == sorted(OTHER_LICENCES)


def test_one_repository_has_one_shape() -> None:
    """The modes of a repository share its network."""
    shapes: dict[str, set[tuple[Any, ...]]] = {}
    for model in MODELS:
        fields = ("hidden_dim", "vocab_size", "layers", "dtype")
        shape = tuple(model["specs"].get(field) for field in fields)
        shapes.setdefault(model["huggingface_id"], set()).add(shape)
    assert [name for name, found in shapes.items() if len(found) > 1] == []
