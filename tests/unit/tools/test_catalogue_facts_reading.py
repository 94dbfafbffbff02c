from __future__ import annotations

from typing import Any

import pytest

from catalogue.facts import Fact, best, from_encoding_facts, from_mteb
from catalogue.languages import shortest_tags
from catalogue.provenance import compact, provenance, rank
from catalogue.reconcile import reconcile
from catalogue.shapes import from_counts
from catalogue.text import dump


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("hf:1_Pooling/config.json", "hub: 1_Pooling/config.json @ main"),
        ("hf tree (modules.json of 229 bytes)", "hub: file list @ main"),
        ("hf card", "card"),
        ("github:acme/model README (some revision)", "github: acme/model README"),
        ("github:acme/model a.py (log(1+x), max)", "github: acme/model a.py"),
        ("parameter count check (mteb n_parameters, rounded)", "parameter-count"),
        ("third-party hub copy: other/copy config.json", "hub-copy: other/copy config.json"),
        ("base model family (bert-large)", "model-family: bert-large"),
        ("hf:config.json of its base acme/base", "model-family: config.json of its base acme/base"),
        ("mteb registry", "mteb"),
        ("arXiv:2004.04906", "web: arXiv:2004.04906"),
        ("memory", None),
        ("base model family; memory", None),
    ],
)
def test_a_source_text_becomes_a_provenance(source: str, expected: str | None) -> None:
    assert provenance(source) == expected


def test_the_better_founded_source_ranks_first() -> None:
    sources = ["mteb", "parameter-count", "github: a/b c", "card", "hub: config.json"]
    assert sorted(sources, key=rank) == sources[::-1]


def test_a_page_without_its_commit_counts_less_than_one_with_it() -> None:
    undated, dated = "hub: config.json @ main", "hub: config.json @ abc1234"
    assert sorted([undated, dated, "card: README.md"], key=rank) == [
        dated,
        undated,
        "card: README.md",
    ]


def test_a_source_that_can_be_followed_is_named_if_it_says_the_same() -> None:
    undated, registry = "hub: config.json @ main", "mteb: mteb/models/a.py"
    assert best([Fact(1, undated), Fact(1, registry)]) == Fact(1, registry)
    assert best([Fact(1, undated), Fact(2, registry)]) == Fact(1, undated)
    assert best([Fact(1, undated), Fact(1, "derived: the width")]) == Fact(1, undated)


def test_of_equally_founded_facts_the_first_is_taken() -> None:
    assert best([Fact(1, "mteb"), Fact(2, "mteb")]) == Fact(1, "mteb")
    assert best([]) is None


def test_provenance_is_as_short_as_it_can_be() -> None:
    sources = {
        "/license": "mteb",
        "/revision": "mteb",
        "/release_date": "mteb",
        "/specs/hidden_dim": "hub: config.json",
        "/specs/vocab_size": "hub: config.json",
        "/specs/parameters": "parameter-count",
    }
    assert compact(sources) == {
        "*": "mteb",
        "/specs": "hub: config.json",
        "/specs/parameters": "parameter-count",
    }


def test_ties_go_to_a_source_from_outside_that_rests_on_no_branch() -> None:
    sources = {
        "/specs/hidden_dim": "hub: config.json @ main",
        "/id": "maintainers",
        "/license": "mteb",
    }
    assert compact(sources)["*"] == "mteb"
    del sources["/license"]
    assert compact(sources)["*"] == "hub: config.json @ main"


def test_language_tags_take_their_shortest_form() -> None:
    tags = ["eng-Latn", "zho-Hans", "arb-Arab", "azj-Latn", "kor-Hang", "srp-Latn", "c++-Code"]
    assert shortest_tags(tags) == ["en", "zh-Hans", "ar", "az", "ko", "sr-Latn"]


def test_a_language_that_stands_in_latin_alone_is_in_its_own_script() -> None:
    assert shortest_tags(["amh-Latn", "jpn-Latn", "zho-Hans", "deu-Latn", "srp-Latn"]) == [
        "am",
        "ja",
        "zh-Hans",
        "de",
        "sr-Latn",
    ]


def test_a_transliteration_beside_the_own_script_stays() -> None:
    tags = ["hin-Deva", "hin-Latn", "zho-Hans", "zho-Latn"]
    assert shortest_tags(tags) == ["hi", "hi-Latn", "zh-Hans", "zh-Latn"]


def test_a_list_of_modules_without_a_dense_one_says_that_there_is_no_projection(
    encoding_line: dict[str, Any],
) -> None:
    found = from_encoding_facts(encoding_line, "dense")
    assert found["/architecture/has_projection"] == [Fact(False, "hub: modules.json @ main")]


def test_a_dense_module_of_equal_width_is_a_projection(encoding_line: dict[str, Any]) -> None:
    encoding_line["dense_modules"] = [{"in": 8, "out": 8, "activation": "tanh", "bias": True}]
    encoding_line["sources"]["dense_modules"] = "hf:2_Dense/config.json"
    encoding_line["sources"]["normalize"] = "hf:README.md"
    found = from_encoding_facts(encoding_line, "dense")
    assert found["/architecture/has_projection"][0].value is True
    assert found["/architecture/projection_dims"][0].value == 8


def test_another_mode_of_the_repository_takes_only_what_all_modes_share(
    encoding_line: dict[str, Any],
) -> None:
    found = from_encoding_facts(encoding_line, "colbert")
    assert set(found) == {"/architecture/type", "/specs/hidden_dim", "/files/config"}


def test_a_template_of_mteb_becomes_a_prefix(mteb_line: dict[str, Any]) -> None:
    found = from_mteb(mteb_line, "dense")
    assert found["/encoding/query_prompt"] == [Fact("query: ", "mteb")]
    assert "/encoding/document_prompt" not in found


@pytest.mark.parametrize("revision", [None, "main", "no_revision_available", "0_1_1"])
def test_only_a_full_commit_is_a_revision(mteb_line: dict[str, Any], revision: str | None) -> None:
    mteb_line["revision"] = revision
    assert "/revision" not in from_mteb(mteb_line, "dense")


def test_a_list_of_dimensions_is_matryoshka(mteb_line: dict[str, Any]) -> None:
    mteb_line["embed_dim"] = [64, 8, 32]
    found = from_mteb(mteb_line, "dense")
    assert found["/architecture/matryoshka_dims"][0].value == [8, 32, 64]
    assert found["/specs/embedding_dim"][0].value == 64


def test_a_length_beyond_the_usable_positions_is_withdrawn() -> None:
    found = {
        "/architecture/type": [Fact("xlm-roberta", "hub: config.json")],
        "/specs/max_position_embeddings": [Fact(514, "hub: config.json")],
        "/specs/context_length": [Fact(514, "mteb")],
    }
    reconcile(found, "dense")
    assert found["/specs/context_length"] == []


def test_the_length_of_a_training_does_not_cut_texts() -> None:
    run = Fact(512, "github: a/b c.yaml @ 0123abc")
    trained = Fact(4096, "hub: angle_config.json @ 0123abc")
    found = {"/specs/context_length": [trained, run]}
    reconcile(found, "dense")
    assert found["/specs/context_length"] == [run]


def test_no_projection_is_believed_where_the_widths_differ() -> None:
    found = {
        "/architecture/has_projection": [Fact(False, "hub: modules.json")],
        "/specs/embedding_dim": [Fact(4, "mteb")],
        "/specs/hidden_dim": [Fact(8, "hub: config.json")],
    }
    reconcile(found, "dense")
    assert "/architecture/has_projection" not in found


def test_a_marker_is_not_also_a_prompt() -> None:
    found = {
        "/encoding/query_marker": [Fact("[Q] ", "hub: config.json")],
        "/encoding/query_prompt": [Fact("[Q]", "mteb")],
    }
    reconcile(found, "colbert")
    assert found["/encoding/query_prompt"] == []


@pytest.mark.parametrize(
    ("total", "embedding", "network", "positions"),
    [
        (109_482_240, 30_522 * 768, "bert", 512),
        (109_482_752, 30_522 * 768, "bert", 512),
        (109_000_000, 30_522 * 768, "bert", 512),
        (66_362_880, 30_522 * 768, "distilbert", 512),
        (109_486_464, 30_527 * 768, "mpnet", 514),
        (278_043_648, 250_002 * 768, "xlm-roberta", 514),
        (568_000_000, 250_002 * 1024, "xlm-roberta", 8194),
        (149_014_272, 50_368 * 768, "modernbert", 8192),
        (394_781_696, 50_368 * 1024, "modernbert", 8192),
    ],
)
def test_the_parameter_count_proves_the_shape(
    total: int, embedding: int, network: str, positions: int
) -> None:
    found = from_counts({"n_parameters": total, "n_embedding_parameters": embedding})
    assert found["/architecture/type"][0].value == network
    assert found["/specs/max_position_embeddings"][0].value == positions


def test_a_count_that_fits_no_shape_proves_nothing() -> None:
    assert from_counts({"n_parameters": 33_400_000, "n_embedding_parameters": 21_128 * 512}) == {}
    assert from_counts({"n_parameters": None, "n_embedding_parameters": None}) == {}


def test_short_lists_stand_on_one_line_and_long_ones_are_filled() -> None:
    assert dump({"a": ["x", "y"], "b": {}}) == '{\n  "a": ["x", "y"],\n  "b": {}\n}'
    lines = dump({"tags": [f"tag-{n}" for n in range(40)]}).splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) < 10


@pytest.mark.parametrize(
    ("text", "license_id"),
    [
        ("mit", "mit"),
        ("not specified", None),
        ("https://ai.google.dev/gemma/terms", "gemma"),
        ("https://huggingface.co/acme/tiny/blob/main/LICENSE", "other"),
        ("https://acme.example/terms", None),
    ],
)
def test_a_licence_is_one_of_the_hubs_ids(
    mteb_line: dict[str, Any], text: str, license_id: str | None
) -> None:
    mteb_line["license"] = text
    facts = from_mteb(mteb_line, "dense").get("/license", [])
    assert [fact.value for fact in facts] == ([license_id] if license_id else [])


def test_layers_are_read_from_the_facts_and_proven_by_the_count(
    encoding_line: dict[str, Any],
) -> None:
    encoding_line["num_hidden_layers"] = 6
    encoding_line["sources"]["num_hidden_layers"] = "hf:config.json"
    found = from_encoding_facts(encoding_line, "dense")
    assert found["/specs/layers"] == [Fact(6, "hub: config.json @ main")]
    counts = {"n_parameters": 109_482_240, "n_embedding_parameters": 30_522 * 768}
    assert from_counts(counts)["/specs/layers"] == [Fact(12, "parameter-count")]


@pytest.mark.parametrize(
    ("total", "memory", "taken"),
    [
        (427_000_000, 473, False),
        (57_920_000_000, 89_079, False),
        (196_000_000, 1631, False),
        (124_000_000, 473, True),
        (7_000_000_000, 27, True),
        (33_400_000, None, True),
        (1_543_268_864, 6776, True),
    ],
)
def test_a_count_by_hand_that_the_size_of_the_weights_contradicts_is_not_taken(
    mteb_line: dict[str, Any], total: int, memory: int | None, taken: bool
) -> None:
    sizes = {"n_parameters": total, "memory_usage_mb": memory}
    found = from_mteb(mteb_line | sizes, "dense")
    assert [fact.value for fact in found.get("/specs/parameters", [])] == [total] * taken


def stored(mteb_line: dict[str, Any], **changes: Any) -> list[Fact]:
    line = mteb_line | {
        "n_parameters": 100_000_000,
        "memory_usage_mb": 191,
        "output_dtypes": ["bfloat16"],
    }
    return from_mteb(line | changes, "dense").get("/specs/dtype", [])


def test_two_bytes_a_parameter_and_vectors_of_16_bits_tell_the_type(
    mteb_line: dict[str, Any],
) -> None:
    [fact] = stored(mteb_line)
    assert (fact.value, fact.source.partition(":")[0]) == ("bfloat16", "mteb")
    loaded_as_stored = {"model_kwargs": {"dtype": "auto"}}
    assert stored(mteb_line, loader_kwargs=loaded_as_stored) == [fact]


def test_four_bytes_a_parameter_tell_the_type_where_the_headers_were_read(
    mteb_line: dict[str, Any],
) -> None:
    counted = {"n_parameters": 100_000_001, "memory_usage_mb": 381}
    of_safetensors = counted | {"framework": ["PyTorch", "safetensors"]}
    assert [fact.value for fact in stored(mteb_line, **of_safetensors)] == ["float32"]
    assert stored(mteb_line, **counted) == []
    assert stored(mteb_line, **of_safetensors | {"n_parameters": 100_000_000}) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"memory_usage_mb": 381},
        {"memory_usage_mb": 95},
        {"memory_usage_mb": None},
        {"n_parameters": None},
        {"output_dtypes": None},
        {"output_dtypes": ["float16", "bfloat16"]},
        {"output_dtypes": ["int8"]},
        {"loader_kwargs": {"model_kwargs": {"torch_dtype": "bfloat16"}}},
    ],
)
def test_less_than_that_tells_no_type(mteb_line: dict[str, Any], changes: dict[str, Any]) -> None:
    assert stored(mteb_line, **changes) == []


@pytest.mark.parametrize(
    ("loader", "date", "told"),
    [
        ("SentenceTransformerEncoderWrapper", "2024-05-01", []),
        ("SentenceTransformerEncoderWrapper", None, []),
        ("SentenceTransformerEncoderWrapper", "2023-12-31", [""]),
        ("MultiVectorModel", "2026-04-21", []),
        ("Model2VecModel", "2026-04-21", [""]),
    ],
)
def test_a_loader_that_takes_the_prompts_of_the_checkpoint_does_not_prove_that_it_has_none(
    mteb_line: dict[str, Any], loader: str, date: str | None, told: list[str]
) -> None:
    line = mteb_line | {"loader": loader, "release_date": date}
    found = from_mteb(line | {"retrieval_prompts": {}, "use_instructions": False}, "dense")
    assert [fact.value for fact in found.get("/encoding/query_prompt", [])] == told
    assert [fact.value for fact in found.get("/encoding/document_prompt", [])] == told


def test_a_prompt_that_ends_in_two_spaces_is_not_taken(mteb_line: dict[str, Any]) -> None:
    mteb_line["retrieval_prompts"] = {"query": "query:  ", "document": "passage: "}
    found = from_mteb(mteb_line, "dense")
    assert "/encoding/query_prompt" not in found
    assert found["/encoding/document_prompt"] == [Fact("passage: ", "mteb")]
