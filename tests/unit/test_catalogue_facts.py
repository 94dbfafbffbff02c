"""What the real catalogue must hold; the validator checks its shape, another file its arithmetic."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import build_catalogue
from holotype.hub.claims import read_claims, verify_claims
from holotype.models import CATALOGUE as BUILT

ROOT = Path(__file__).parents[2]
CATALOGUE = json.loads((Path(__file__).parents[2] / "models.json").read_text("utf-8"))
MODELS: list[dict[str, Any]] = CATALOGUE["models"]

AT_LEAST = {
    **{"colbert": 10, "dense": 100, "sparse": 10, "cross-encoder": 20, "classifier": 12},
    **{"image-text": 60, "captioner": 6},
}
WITH_PIXELS = 60
"""How many entries say at least how a picture is resized, or with which filter, and normalised."""

MUST_HAVE = [
    "colbert-v2",
    "colbert-small",
    "jina-colbert-v2",
    "gte-modern-colbert",
    "bge-m3-colbert",
    "bge-small-en-v1.5",
    "bge-base-en-v1.5",
    "bge-large-en-v1.5",
    "bge-m3",
    "bge-m3-sparse",
    "e5-small-v2",
    "e5-base-v2",
    "e5-large-v2",
    "e5-mistral-7b-instruct",
    "multilingual-e5-small",
    "multilingual-e5-base",
    "multilingual-e5-large",
    "gte-small",
    "gte-base",
    "gte-large",
    "gte-modernbert-base",
    "gte-multilingual-base",
    "nomic-embed-text-v1.5",
    "nomic-embed-text-v2-moe",
    "snowflake-arctic-embed-m-v2.0",
    "snowflake-arctic-embed-l-v2.0",
    "mxbai-embed-large-v1",
    "all-minilm-l6-v2",
    "all-mpnet-base-v2",
    "qwen3-embedding-0.6b",
    "qwen3-embedding-4b",
    "qwen3-embedding-8b",
    "splade-v3",
    "splade-v3-distilbert",
    "splade-cocondenser-ensembledistil",
    "bge-reranker-v2-m3",
    "jina-reranker-v2-base-multilingual",
    "mxbai-rerank-large-v2",
    "qwen3-reranker-0.6b",
    "gte-reranker-modernbert-base",
    "ms-marco-minilm-l6-v2",
    "distilbert-sst-2",
    "toxic-bert",
    "roberta-go-emotions",
    "xlm-roberta-language-detection",
    "deberta-prompt-injection-v2",
    "nli-deberta-v3-base",
    "potion-base-8m",
    "static-retrieval-mrl-en-v1",
]

FAMILIES = (
    ("qwen3-embedding-0.6b", "qwen3-embedding-4b", "qwen3-embedding-8b"),
    ("potion-base-2m", "potion-base-4m", "potion-base-8m", "potion-base-32m"),
)
"""Families that state their sizes in numbers, from the smallest to the largest; those that state
them in words are compared with the rest of the arithmetic."""

_PASSAGES = "Represent this sentence for searching relevant passages: "
_PASSAGES_OF_STELLA = (
    "Instruct: Given a web search query, retrieve relevant passages that answer the query.\nQuery: "
)

CORRECTED = {
    ("afrie5-large-instruct", "/lineage/adapted_from"): "intfloat/multilingual-e5-large-instruct",
    ("berta", "/encoding/pooling"): "mean",
    ("bge-en-icl", "/encoding/query_prompt"): "<instruct>{instruction}\n<query>",
    ("bge-m3", "/release_date"): "2024-01-30",
    ("bge-multilingual-gemma2", "/encoding/query_prompt"): "<instruct>{instruction}\n<query>",
    ("bge-reranker-v2-m3", "/release_date"): "2024-03-18",
    ("bmretriever-1b", "/encoding/similarity"): "dot",
    ("bmretriever-2b", "/encoding/similarity"): "dot",
    ("bmretriever-410m", "/encoding/similarity"): "dot",
    ("bmretriever-7b", "/encoding/similarity"): "dot",
    ("denseon", "/encoding/query_prompt"): "query: ",
    ("denseon", "/specs/context_length"): 512,
    ("e5-base", "/license"): "mit",
    ("e5-large", "/license"): "mit",
    ("colbert-v2", "/specs/parameters"): 109_580_544,
    ("bge-multilingual-gemma2", "/encoding/document_prompt"): "",
    ("ettin-reranker-1b-v1", "/specs/parameters"): 1_031_267_329,
    ("gte-modern-colbert", "/specs/parameters"): 149_114_112,
    ("harrier-oss-v1-0.6b", "/specs/parameters"): 596_049_920,
    ("harrier-oss-v1-270m", "/specs/parameters"): 268_098_176,
    ("jina-embeddings-v5-text-small", "/specs/parameters"): 676_790_272,
    ("labse", "/specs/parameters"): 471_517_440,
    ("lateon", "/specs/parameters"): 153_832_704,
    ("lfm2.5-colbert-350m", "/encoding/query_length"): 32,
    ("mdbr-leaf-ir", "/specs/parameters"): 23_008_896,
    ("mxbai-embed-xsmall-v1", "/specs/context_length"): 512,
    ("nv-embed-v2", "/specs/context_length"): 4096,
    ("splade-pp-en-v2", "/specs/context_length"): 512,
    ("vietnamese-embedding", "/license"): "apache-2.0",
    ("gte-reranker-modernbert-base", "/dependencies/requires_remote_code"): False,
    ("jina-clip-v2", "/release_date"): "2024-11-05",
    ("jina-colbert-v2", "/release_date"): "2024-08-31",
    ("kalm-embedding-multilingual-mini-instruct-v1.5", "/encoding/normalize"): False,
    ("gritlm-8x7b", "/specs/parameters"): 46_703_000_000,
    ("labse", "/specs/context_length"): 256,
    ("lfm2.5-embedding-350m", "/specs/context_length"): 512,
    ("linq-embed-mistral", "/specs/context_length"): 32768,
    ("llama-nemotron-rerank-1b-v2", "/specs/context_length"): 8192,
    ("llm2vec-llama-2-7b-chat-hf-mntp-supervised", "/specs/context_length"): 512,
    ("llm2vec-sheared-llama-mntp-supervised", "/specs/embedding_dim"): 2048,
    ("monot5-large-msmarco-10k", "/revision"): "a02405eb714f146a6c00a8fc619583ead9cc92ae",
    ("ms-marco-electra-base", "/encoding/activation"): "sigmoid",
    ("paraphrase-multilingual-minilm-l12-v2", "/specs/context_length"): 128,
    ("repllama-v1-7b-lora-passage", "/encoding/document_prompt"): "passage: ",
    ("repllama-v1-7b-lora-passage", "/encoding/query_prompt"): "query: ",
    ("saga-embed-v1", "/encoding/query_prompt"): "task: retrieval | query: ",
    ("sentence-t5-base", "/specs/parameters"): 110_218_368,
    ("sfr-embedding-2-r", "/specs/context_length"): 4096,
    ("sfr-embedding-mistral", "/specs/context_length"): 4096,
    ("snowflake-arctic-embed-m", "/encoding/query_prompt"): _PASSAGES,
    ("stella-en-1.5b-v5", "/encoding/query_prompt"): _PASSAGES_OF_STELLA,
    ("stella-en-400m-v5", "/encoding/query_prompt"): _PASSAGES_OF_STELLA,
    ("stella-en-400m-v5", "/specs/context_length"): 512,
    ("text2vec-base-chinese-paraphrase", "/specs/context_length"): 256,
    ("user-base", "/specs/parameters"): 124_000_000,
    ("vdr-2b-multi-v1", "/capabilities/modalities"): ["text", "image"],
    ("voyage-4-nano", "/huggingface_id"): "voyageai/voyage-4-nano",
    ("voyage-4-nano", "/specs/context_length"): 32768,
    ("xiaobu-embedding-v2", "/specs/embedding_dim"): 1792,
    ("yinka", "/specs/embedding_dim"): 1792,
    ("yinka", "/revision"): "69d82857e7442b4eff055b24fe95ddf2b6c78fe3",
    ("zerank-1", "/specs/context_length"): 32768,
    ("zerank-1-small", "/license"): "apache-2.0",
    ("zerank-2", "/specs/context_length"): 32768,
}
"""Values that were wrong once, and what the models' own files and makers say."""


ONE_REPOSITORY = ("BAAI/bge-visualized", "QuanSun/EVA02-CLIP-")
"""What names of repositories begin with that stand for files of one repository, and so share its commit."""


def by_id(name: str) -> dict[str, Any]:
    return next(model for model in MODELS if model["id"] == name)


def leaves(value: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every plain value and list, with its pointer within the entry."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{pointer}/{key}")
    else:
        yield pointer, value


def test_every_kind_is_well_represented() -> None:
    counts = Counter(model["type"] for model in MODELS)
    assert {kind: n for kind, n in AT_LEAST.items() if counts[kind] < n} == {}
    assert len(MODELS) >= 150


def test_the_models_that_everybody_uses_are_there() -> None:
    assert set(MUST_HAVE) - {model["id"] for model in MODELS} == set()


def test_nothing_unknown_is_written_as_zero() -> None:
    zeros = [
        (model["id"], pointer)
        for model in MODELS
        for pointer, value in leaves(model)
        if value == 0 and not isinstance(value, bool)
    ]
    assert zeros == []


def test_every_pointer_of_the_provenance_leads_to_a_value() -> None:
    astray = set()
    for model in MODELS:
        entry = {key: value for key, value in model.items() if key != "provenance"}
        known = [f"{pointer}/" for pointer, value in leaves(entry) if value is not None]
        astray |= {
            (model["id"], pointer)
            for pointer in set(model["provenance"]) - {"*"}
            if not any(each.startswith(f"{pointer}/") for each in known)
        }
    assert astray == set()


FOLLOWED = {
    "card": r"README\.md|https://\S+",
    "child-cards": r"https://\S+",
    "derived": r".*",
    "github": r"[\w.-]+/[\w.-]+ \S+ @ [0-9a-f]{7,40}",
    "hub": r"\S.* @ ([0-9a-f]{7,40}|main)",
    "hub-copy": r"[\w.-]+/[\w.-]+ \S+( @ [0-9a-f]{7,40})?",
    "maintainers": r".*",
    "model-family": r"\S.*",
    "mteb": r"mteb/models/\S+\.py",
    "mteb-results": r".*",
    "package": r".*",
    "parameter-count": r".*",
    "transformers": r"transformers/models/\S+\.py",
    "pins": r"https://\S+/commit/[0-9a-f]{40}",
    "web": r"\S.*",
}
"""What leads to each source: an address, or a file and a commit. Where nothing does, the source's own
description says all there is to say."""

MIRRORS = re.compile(r"voozh|ixdev|tbb\.rip|docs\.rs|hf-mirror|emergentmind|zubnet")
"""Copies of the Hub and pages of third parties: a copied page is cited by the Hub's address, and what
somebody else writes of a model is no source."""

VALUES_WITHOUT_A_COMMIT = 223
"""How many values come from a file on the main branch of which no commit is known; lower it when some
are read again."""


def test_what_was_corrected_stays_correct() -> None:
    held = {
        (name, pointer): dict(leaves(by_id(name)))[pointer] for name, pointer in sorted(CORRECTED)
    }
    assert held == CORRECTED


NEVER_AGAIN: dict[tuple[str, str], Any] = {
    ("bge-visualized-base", "/specs/parameters"): 196_000_000,
    ("bge-base-zh", "/specs/parameters"): 109_000_000,
    ("bge-large-zh", "/specs/parameters"): 335_000_000,
    ("bge-small-zh", "/specs/parameters"): 33_400_000,
    ("boom-4b-v1", "/specs/vocab_size"): 151_936,
    ("denseon-unsupervised", "/specs/context_length"): 8192,
    ("e5-base-v2", "/release_date"): "2024-02-08",
    ("e5-large-v2", "/release_date"): "2024-02-08",
    ("e5-small", "/lineage/adapted_from"): "sentence-transformers/all-MiniLM-L6-v2",
    ("e5-small-v2", "/release_date"): "2024-02-08",
    ("jina-clip-v2", "/capabilities/languages"): ["en"],
    ("kalm-embedding-multilingual-mini-instruct-v2.5", "/dependencies/requires_remote_code"): False,
    ("qwen3-vl-embedding-2b", "/capabilities/languages"): ["en"],
    ("xiaobu-embedding-v2", "/specs/parameters"): 325_522_432,
    ("jina-reranker-v2-base-multilingual", "/capabilities/languages"): ["en"],
    ("ko-sroberta-multitask", "/specs/context_length"): 512,
    ("labse", "/release_date"): "2019-11-01",
    ("medembed-small-v0.1", "/lineage/adapted_from"): "BAAI/bge-base-en-v1.5",
    ("multilingual-e5-base", "/release_date"): "2024-02-08",
    ("multilingual-e5-large", "/release_date"): "2024-02-08",
    ("multilingual-e5-small", "/release_date"): "2024-02-08",
    ("nemotron-3-embed-1b-bf16", "/encoding/query_prompt"): "",
    ("nomic-embed-code", "/encoding/query_prompt"): "search_query: ",
    ("prism-qwen3.5-reranker-9b", "/lineage/adapted_from"): "Qwen/Qwen3.5",
    ("pplx-embed-v1-late-0.6b", "/specs/context_length"): 512,
    ("saga-embed-v1", "/lineage/adapted_from"): "answerdotai/ModernBERT-base",
    ("sbert-large-nlu-ru", "/lineage/adapted_from"): "google/bert_uncased_L-12_H-768_A-12",
    ("sentence-t5-base", "/release_date"): "2022-02-09",
    ("sonar", "/release_date"): "2021-05-21",
    ("vietnamese-embedding", "/specs/context_length"): 8192,
    ("xiaobu-embedding-v2", "/lineage/adapted_from"): "sensenova/piccolo-base-zh",
    ("zerank-1-small", "/lineage/adapted_from"): "Qwen/Qwen3-4B",
}
"""What the catalogue once said and a source refuted; the right value, or null, stands there now."""


def test_what_was_refuted_is_never_said_again() -> None:
    said = {
        (name, pointer): dict(leaves(by_id(name))).get(pointer)
        for name, pointer in sorted(NEVER_AGAIN)
    }
    assert [key for key, value in said.items() if value == NEVER_AGAIN[key]] == []


_ALSO_IN_LATIN = {"crh-Latn", "mww-Latn", "sr-Latn"}


def test_no_language_stands_in_latin_alone_that_has_a_script_of_its_own() -> None:
    alone = {
        (model["id"], tag)
        for model in MODELS
        for languages in [model["capabilities"].get("languages") or []]
        for tag in languages
        if tag.endswith("-Latn") and tag not in _ALSO_IN_LATIN
        if not any(
            other != tag and other.partition("-")[0] == tag.partition("-")[0] for other in languages
        )
    }
    assert alone == set()


_ONE_SIDE_ALONE = "clip-vit-b-32-multilingual-v1"
"""A network for texts alone, whose vectors are compared with those of another model's pictures."""

_NAMED_FOR_PICTURES = re.compile(
    r"(^|-)(blip2?|clip|col(pali|qwen)\S*|image|multimodal|omni|siglip2?|vdr|vision|visual(ized)?|vl)"
    r"(-|\d|$)"
)


def test_what_its_name_calls_visual_reads_pictures() -> None:
    named = [model for model in MODELS if _NAMED_FOR_PICTURES.search(model["id"])]
    assert len(named) > 100
    without = [m["id"] for m in named if "image" not in m["capabilities"]["modalities"]]
    assert without == [_ONE_SIDE_ALONE]


def test_every_claim_can_be_followed() -> None:
    lost = [
        (model["id"], pointer, source)
        for model in MODELS
        for pointer, source in model["provenance"].items()
        for key, _, detail in [source.partition(": ")]
        if not re.fullmatch(FOLLOWED[key], detail)
    ]
    assert lost == []


def test_no_mirror_and_no_third_party_is_a_source() -> None:
    cited = [text for model in MODELS for text in model["provenance"].values()]
    for file in sorted((ROOT / "tools" / "facts").glob("*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            sources = json.loads(line).get("source") or json.loads(line).get("sources") or ""
            cited += list(sources.values()) if isinstance(sources, dict) else [sources]
    assert [text for text in cited if text and MIRRORS.search(text)] == []


def test_no_free_licence_of_the_registry_contradicts_the_family() -> None:
    free = {"apache-2.0", "mit", "openmdw-1.1"}
    bound = re.compile(r"llama-?[23]|gemma(?!-4)|paligemma", re.IGNORECASE)
    wrong = []
    for model in MODELS:
        source = model["provenance"].get("/license", model["provenance"]["*"])
        made_of = (model.get("lineage") or {}).get("adapted_from") or ""
        words = f"{model['huggingface_id']} {made_of} {model['architecture']['type']}"
        if source.startswith("mteb:") and model["license"] in free and bound.search(words):
            wrong.append(model["id"])
    assert wrong == []


@pytest.mark.parametrize(
    ("name", "licence"),
    [
        ("colpali-v1.1", None),
        ("colpali-v1.2", "mit"),
        ("colpali-v1.3", "mit"),
        ("colpali-v1.3-hf", "gemma"),
        ("jina-embeddings-v4", "other"),
        ("harrier-oss-v1-270m", "mit"),
        ("harrier-oss-v1-27b", None),
        ("lco-embedding-omni-3b", None),
        ("harrier-oss-v1-0.6b", "mit"),
    ],
)
def test_the_card_or_nobody_gives_the_licence_of_what_is_bound(
    name: str, licence: str | None
) -> None:
    assert by_id(name)["license"] == licence


def test_values_without_a_commit_only_become_fewer() -> None:
    sources = (
        record.source_of(field.name) or ""
        for record in BUILT.records
        for field in fields(record)
        if field.name != "provenance"
    )
    without = [text for text in sources if text.startswith("hub: ") and text.endswith(" @ main")]
    assert len(without) == VALUES_WITHOUT_A_COMMIT


def test_a_commit_belongs_to_one_repository() -> None:
    named: dict[str, set[str]] = {}
    for model in MODELS:
        if model["revision"] and not model["huggingface_id"].startswith(ONE_REPOSITORY):
            named.setdefault(model["revision"], set()).add(model["huggingface_id"])
    assert {commit: names for commit, names in named.items() if len(names) > 1} == {}


def test_the_facts_give_this_very_catalogue(tmp_path: Path) -> None:
    for name in ("models.json", "conflicts.json"):
        (tmp_path / name).write_bytes(
            (ROOT / name if name == "models.json" else ROOT / "tools" / name).read_bytes()
        )
    arguments = [
        f"--output={tmp_path / 'models.json'}",
        f"--conflicts={tmp_path / 'conflicts.json'}",
    ]
    assert build_catalogue.main(arguments) == 0
    assert (tmp_path / "models.json").read_bytes() == (ROOT / "models.json").read_bytes()
    conflicts = ROOT / "tools" / "conflicts.json"
    assert (tmp_path / "conflicts.json").read_bytes() == conflicts.read_bytes()


@pytest.mark.parametrize(
    ("name", "agreeing"),
    [
        ("claims.jsonl", 200),
        ("checkpoints.jsonl", 200),
        ("registries.jsonl", 200),
        ("images.jsonl", 1_000),
    ],
)
def test_the_catalogue_agrees_with_every_fact_that_was_read(name: str, agreeing: int) -> None:
    claims = read_claims(ROOT / "tools" / "facts" / name)
    reports = [verify_claims(record, claims, name) for record in BUILT.records]
    assert [report.id for report in reports if not report.is_good] == []
    assert sum(len(report.having("agree")) for report in reports) > agreeing


def test_many_entries_say_how_they_read_images_and_all_of_these_are_pinned() -> None:
    reading = [model for model in MODELS if model.get("image", {}).get("mean")]
    assert len(reading) >= WITH_PIXELS
    assert [m["id"] for m in reading if not m["image"].get("resample")] == []
    assert [m["id"] for m in MODELS if "image" in m and m["revision"] is None] == []


def test_every_model_whose_score_is_a_sigmoid_says_how_texts_are_padded() -> None:
    silent = [
        model["id"]
        for model in MODELS
        if (model.get("encoding") or {}).get("similarity") == "sigmoid"
        and not (model["encoding"]["text_padding"] and model["encoding"]["text_length"])
    ]
    assert silent == []


def test_what_is_called_multilingual_does_not_speak_english_alone() -> None:
    wrong = [
        model["id"]
        for model in MODELS
        if model["capabilities"].get("languages") == ["en"]
        and (
            model["id"].startswith("siglip2")
            or re.search("multilingual|worldwide|i18n", model["id"])
        )
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("name", "some"),
    [
        ("bge-m3", {"ar", "cs", "es", "pl", "sv"}),
        ("bge-m3-colbert", {"ar", "cs", "es", "pl", "sv"}),
        ("bge-m3-sparse", {"ar", "cs", "es", "pl", "sv"}),
        ("jina-clip-v2", {"ar", "de", "sv", "zh"}),
        ("jina-colbert-v2", {"cs", "pl", "sv", "tr"}),
        ("labse", {"am", "mt", "sv", "zu"}),
        ("m2v-multilingual-output", {"am", "de", "sv", "zu"}),
        ("qwen3-embedding-8b", {"sq", "sr", "sv", "zh-Hant"}),
        ("qwen3-reranker-8b", {"sq", "sr", "sv", "zh-Hant"}),
    ],
)
def test_languages_that_mteb_leaves_out_stand_where_the_maker_names_them(
    name: str, some: set[str]
) -> None:
    assert some <= set(by_id(name)["capabilities"]["languages"])


def test_the_list_without_swedish_that_mteb_repeats_stands_nowhere() -> None:
    with_norwegian_and_quechua = [
        model["id"]
        for model in MODELS
        for tags in [set(model["capabilities"].get("languages") or ())]
        if {"nb", "nn", "no", "qu"} <= tags and "sv" not in tags
    ]
    assert with_norwegian_and_quechua == []


def test_a_static_model_has_no_limit_of_length() -> None:
    limited = [
        model["id"]
        for model in MODELS
        if model["architecture"]["type"] == "static" and model["specs"]["context_length"]
    ]
    assert limited == []


def test_the_sources_are_those_that_the_entries_name() -> None:
    named = {text.partition(":")[0] for model in MODELS for text in model["provenance"].values()}
    assert named == set(CATALOGUE["sources"])


def test_nothing_was_taken_from_memory() -> None:
    assert [m["id"] for m in MODELS if "memory" in json.dumps(m["provenance"])] == []


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: str(family[0]))
def test_a_larger_sibling_is_not_narrower(family: tuple[str, ...]) -> None:
    specs = [by_id(name)["specs"] for name in family]
    for field in ("parameters", "embedding_dim"):
        sizes = [spec[field] for spec in specs]
        assert sizes == sorted(sizes)


def test_descriptions_are_ours_and_short() -> None:
    for model in MODELS:
        assert 20 < len(model["description"]) < 260, model["id"]
        assert model["description"].endswith("."), model["id"]


def test_the_entry_of_the_packaged_checkpoint_is_complete() -> None:
    model = by_id("all-minilm-l6-v2")
    assert model["specs"] == {
        "parameters": 22713216,
        "embedding_dim": 384,
        "hidden_dim": 384,
        "context_length": 256,
        "max_position_embeddings": 512,
        "vocab_size": 30522,
        "layers": 6,
        "dtype": "float32",
    }
    assert model["encoding"] == {
        "pooling": "mean",
        "normalize": True,
        "similarity": "cosine",
        "query_prompt": "",
        "document_prompt": "",
    }
    assert model["architecture"]["has_projection"] is False
    assert model["revision"] == "8b3219a92973c328a8e22fadcfa821b5dc75636a"
