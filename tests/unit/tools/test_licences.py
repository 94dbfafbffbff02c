from __future__ import annotations

from typing import Any

import pytest

from catalogue.facts import Fact
from catalogue.licences import Families

MTEB = "mteb: mteb/models/model_implementations/a.py"
CARD = "card: https://huggingface.co/acme/tiny"
TINY = "acme/tiny"


def known(licence: str, source: str = MTEB, **pointers: Any) -> dict[str, Fact]:
    facts = {"/license": Fact(licence, source)}
    places = {
        "base": "/lineage/adapted_from",
        "network": "/architecture/type",
        "size": "/specs/parameters",
    }
    return facts | {places[name]: Fact(value, MTEB) for name, value in pointers.items()}


@pytest.mark.parametrize(
    "base",
    [
        "google/gemma-3-270m",
        "google/gemma-2b",
        "google/paligemma-3b-mix-448",
        "google/t5gemma-2-1b-1b",
        "meta-llama/Llama-3.2-1B",
        "LiquidAI/LFM2-350M",
        "Qwen/Qwen2.5-Omni-3B",
        "Qwen/Qwen2.5-VL-3B-Instruct",
    ],
)
def test_a_free_licence_of_mteb_does_not_count_above_a_base_that_binds(base: str) -> None:
    assert Families({TINY: known("mit", base=base)}, {}).contradict(TINY)


@pytest.mark.parametrize(
    "base",
    [
        *("google/gemma-4-e2b", "google/siglip-base-patch16-224"),
        *("Qwen/Qwen2.5-Omni-7B", "Qwen/Qwen2.5-VL-7B-Instruct"),
    ],
)
def test_it_counts_above_a_free_base(base: str) -> None:
    assert not Families({TINY: known("mit", base=base)}, {}).contradict(TINY)


def test_a_base_of_the_base_binds_also_where_only_mteb_names_it() -> None:
    mteb = {"acme/middle": {"adapted_from": "google/gemma-2-2b"}}
    assert Families({TINY: known("apache-2.0", base="acme/middle")}, mteb).contradict(TINY)


def test_bases_that_name_each_other_come_to_an_end() -> None:
    mteb = {"acme/middle": {"adapted_from": TINY}}
    assert not Families({TINY: known("mit", base="acme/middle")}, mteb).contradict(TINY)


@pytest.mark.parametrize("network", ["gemma3_text", "paligemma"])
def test_the_network_binds_where_no_base_is_named(network: str) -> None:
    assert Families({TINY: known("mit", network=network)}, {}).contradict(TINY)


@pytest.mark.parametrize("network", ["qwen2_5_omni_thinker", "qwen2_5_vl"])
def test_of_qwens_networks_for_pictures_only_one_that_is_known_to_be_large_is_free(
    network: str,
) -> None:
    small = known("apache-2.0", network=network, size=3_754_622_976)
    of_unknown_size = known("apache-2.0", network=network)
    large = known("apache-2.0", network=network, size=8_292_166_656)
    assert Families({TINY: small}, {}).contradict(TINY)
    assert Families({TINY: of_unknown_size}, {}).contradict(TINY)
    assert not Families({TINY: large}, {}).contradict(TINY)


@pytest.mark.parametrize(
    ("name", "bound"),
    [
        ("acme/LLM2Vec-Meta-Llama-3-8B", True),
        ("acme/promptriever-llama2-7b", True),
        ("acme/RepLLaMA-reproduced", True),
        ("acme/MicroLlama-text-embedding", False),
    ],
)
def test_a_name_tells_what_was_made_of_llama(name: str, bound: bool) -> None:
    facts = {name: known("mit", network="llama")}
    assert Families(facts, {}).contradict(name) is bound


def test_the_makers_conversion_of_the_same_model_contradicts() -> None:
    child = known("gemma", CARD, base=TINY)
    assert Families({TINY: known("apache-2.0"), f"{TINY}-hf": child}, {}).contradict(TINY)


def test_a_stricter_licence_of_somebody_elses_model_says_nothing_of_its_base() -> None:
    child = known("cc-by-nc-4.0", CARD, base=TINY)
    assert not Families({TINY: known("apache-2.0"), "other/tiny": child}, {}).contradict(TINY)


def test_the_makers_card_is_believed_whatever_the_family_says() -> None:
    facts = {TINY: known("mit", CARD, base="google/gemma-2b", network="gemma")}
    assert not Families(facts, {}).contradict(TINY)


def test_a_licence_that_binds_is_believed() -> None:
    facts = {TINY: known("cc-by-nc-4.0", base="google/gemma-2-2b-it")}
    assert not Families(facts, {}).contradict(TINY)


def test_a_stated_licence_of_a_base_counts_before_its_name() -> None:
    base = known("apache-2.0", CARD)
    facts = {TINY: known("mit", base="google/embeddinggemma-9"), "google/embeddinggemma-9": base}
    assert not Families(facts, {}).contradict(TINY)


def test_what_has_as_many_parameters_as_a_bound_model_is_made_of_the_same_weights() -> None:
    bound = known("mit", base="Qwen/Qwen2.5-Omni-3B", size=4_703_464_448)
    facts = {"other/bound": bound, TINY: known("mit", size=4_703_464_448)}
    assert Families(facts, {}).contradict(TINY)


def test_a_rounded_count_tells_nothing_of_other_models() -> None:
    bound = known("mit", base="Qwen/Qwen2.5-Omni-3B", size=4_700_000_000)
    facts = {"other/bound": bound, TINY: known("mit", size=4_700_000_000)}
    assert not Families(facts, {}).contradict(TINY)


def test_nor_does_the_count_of_what_was_made_of_a_base_whose_card_is_free() -> None:
    bound = known("mit", base="google/embeddinggemma-9", size=4_703_464_448)
    facts = {
        "google/embeddinggemma-9": known("apache-2.0", CARD),
        "other/bound": bound,
        TINY: known("mit", size=4_703_464_448),
    }
    assert not Families(facts, {}).contradict(TINY)
