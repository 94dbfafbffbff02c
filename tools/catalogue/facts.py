"""Fact files → candidate values: for every JSON pointer of an entry what the sources say.

The formats are those of docs/catalogue-pipeline.md. A value without a source, and one that was
only remembered, is dropped here and can not come back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalogue.languages import shortest_tags
from catalogue.provenance import UNDATED, is_followed, provenance, rank

UNBOUNDED = 1_000_000
"""The length with which Model2Vec says that it has no limit."""

MTEB = "mteb"
SCORES = "mteb-results"
DERIVED = "derived"

_KINDS: dict[str, tuple[str, ...]] = {
    "dense": ("dense",),
    "static": ("dense",),
    "late_interaction": ("colbert",),
    "sparse": ("sparse",),
    "cross_encoder": ("cross-encoder", "classifier"),
    "classifier": ("classifier",),
}
"""The types whose own fields a line of the encoding facts can fill; a model that weighs two
sentences is filed as a cross-encoder there, also where it returns labels."""

_ANY_KIND = {
    "license": "/license",
    "architecture": "/architecture/type",
    "base_model": "/architecture/variant",
    "hidden_size": "/specs/hidden_dim",
    "max_position_embeddings": "/specs/max_position_embeddings",
    "vocab_size": "/specs/vocab_size",
    "num_hidden_layers": "/specs/layers",
    "requires_remote_code": "/dependencies/requires_remote_code",
}

_OWN_KIND = {
    "embedding_dim": "/specs/embedding_dim",
    "max_seq_length": "/specs/context_length",
    "matryoshka_dims": "/architecture/matryoshka_dims",
    "pooling": "/encoding/pooling",
    "normalize": "/encoding/normalize",
    "similarity": "/encoding/similarity",
    "query_prompt": "/encoding/query_prompt",
    "document_prompt": "/encoding/document_prompt",
    "query_length": "/encoding/query_length",
    "document_length": "/encoding/document_length",
    "query_marker": "/encoding/query_marker",
    "document_marker": "/encoding/document_marker",
    "query_expansion": "/encoding/query_expansion",
    "attend_to_expansion_tokens": "/encoding/attend_to_expansion_tokens",
    "skiplist": "/encoding/skiplist",
    "output_activation": "/encoding/activation",
    "id2label": "/encoding/labels",
}

_OWN_LICENSE = "other"
"""The Hub's id for the text of a licence that lies in the model's repository."""

_LICENSES = {
    "https://ai.google.dev/gemma/terms": "gemma",
    "https://huggingface.co/spaces/bigscience/license": "bigscience-bloom-rail-1.0",
    "lfm1.0": _OWN_LICENSE,
}
"""Licences that are given by an address or a name of their own, by the Hub's id."""

_SPARSE_ACTIVATIONS = {
    "relu": "relu",
    "log1p(relu)": "log1p-relu",
    "log1p(log1p(relu))": "log1p-log1p-relu",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """A value and the provenance that stands for it in the catalogue."""

    value: Any
    source: str


_MB = 1024**2
_OF_16_BITS = ("bfloat16", "float16")
_BYTES_OF_16_BITS = 2
_BYTES_OF_32_BITS = 4
_BYTES = (1, _BYTES_OF_16_BITS, _BYTES_OF_32_BITS)
_BYTES_OF_ADAPTERS = 0.05
_MEMORY_TOLERANCE = 0.15
_ROUNDED_TO = 10_000
"""A count of parameters that ends in so many zeros was written by hand."""
_RUN_BY_MODULES = (
    "BMRetrieverWrapper",
    "BekkoEncoderWrapper",
    "CrossEncoderWrapper",
    "InstructSentenceTransformerModel",
    "KALMWrapper",
    "Model2VecModel",
    "MonoT5Reranker",
    "MultiVectorModel",
    "Qwen3RerankerWrapper",
    "SentenceTransformerEncoderWrapper",
    "SparseEncoderWrapper",
    "UAEWrapper",
    "instruct_loader",
    "q3e_instruct_loader",
    "sentence_transformers_loader",
)
"""Loaders of mteb that run a repository's code only if `loader_kwargs` allow it."""

_TAKING_PROMPTS = (
    "BekkoEncoderWrapper",
    "MultiVectorModel",
    "MultiVectorWrapper",
    "SentenceTransformerEncoderWrapper",
    "SentenceTransformerMultimodalEncoderWrapper",
    "SparseEncoderWrapper",
    "sentence_transformers_loader",
)
"""Loaders of mteb that take the prompts of the checkpoint where the registry names none."""

_FIRST_PROMPTS = "2024"
"""Sentence Transformers reads prompts from checkpoints since version 2.4, of February 2024."""

_TWO_TOWERS = (
    "ALIGNModel",
    "BLIPModel",
    "CLIPModel",
    "JinaCLIPModel",
    "LanguageBindImageWrapper",
    "MetaClip2Model",
    "NomicVisionModel",
    "PS3Model",
    "SiglipModelWrapper",
    "TIPSv2Model",
    "evaclip_loader",
    "llm2clip_loader",
    "openclip_loader",
)
"""Loaders of mteb for models with one network for pictures and one for texts."""

_FURTHER_TWO_TOWERS = ("BAAI/BGE-VL-base", "BAAI/BGE-VL-large")
"""Such models that mteb runs by the loader of many kinds."""

_BY_SIGMOID = "SiglipModelWrapper"
"""The loader of models whose score is a sigmoid; mteb ranks by the cosine, which gives one order."""

_CAPTIONERS = (
    "Salesforce/blip-image-captioning-base",
    "Salesforce/blip-image-captioning-large",
    "Salesforce/blip2-opt-2.7b",
    "Salesforce/blip2-opt-6.7b-coco",
)
"""Models that write captions, of which mteb takes an inner layer for a vector."""

Candidates = dict[str, list[Fact]]


def read_lines(path: Path) -> dict[str, dict[str, Any]]:
    """Return the objects of a JSON Lines file, by their `huggingface_id`."""
    rows = (json.loads(line) for line in path.read_text("utf-8").splitlines() if line)
    return {row["huggingface_id"]: row for row in rows}


def best(facts: list[Fact]) -> Fact | None:
    """Return the best-founded fact; the first one of those that are equally well founded.

    Where its commit was not noted and another source with an address says the same, that source
    is named.
    """
    chosen = min(facts, key=lambda fact: rank(fact.source), default=None)
    if chosen is None or not chosen.source.endswith(UNDATED):
        return chosen
    same = [fact for fact in facts if fact.value == chosen.value and is_followed(fact.source)]
    return min(same, key=lambda fact: rank(fact.source), default=chosen)


def from_encoding_facts(row: Mapping[str, Any], kind: str) -> Candidates:
    """Return what a line of the encoding facts says of the model, run as a model of this kind."""
    found: Candidates = {}
    own = kind in _KINDS.get(row["model_kind"], ())
    fields = _ANY_KIND | (_OWN_KIND if own else {})
    for field, fact in _sourced(row):
        if field in fields:
            value = _encoding_value(field, fact.value)
            if value is not None:
                found.setdefault(fields[field], []).append(Fact(value, fact.source))
            repository = _repository(fact.value) if field == "base_model" else None
            if repository is not None:
                base = Fact(repository, fact.source)
                found.setdefault("/lineage/adapted_from", []).append(base)
        elif field == "dense_modules" and own:
            _add_projection(found, fact)
        elif field == "sparse" and kind == "sparse":
            _add_sparse(found, fact)
        elif field == "problem_type" and own:
            several = fact.value == "multi_label_classification"
            found.setdefault("/encoding/multi_label", []).append(Fact(several, fact.source))
        if fact.source.startswith("hub: config.json @ "):
            found.setdefault("/files/config", [Fact("config.json", fact.source)])
        if own and _lists_no_dense_module(row["sources"].get(field, "")):
            found.setdefault("/architecture/has_projection", []).append(Fact(False, fact.source))
    return found


def from_mteb(row: Mapping[str, Any], kind: str) -> Candidates:
    """Return what a line of mteb's registry says of the model, run as a model of this kind."""
    values: dict[str, Any] = {
        "/license": _license(row["license"]),
        "/release_date": row["release_date"],
        "/specs/context_length": row["max_tokens"],
        "/capabilities/languages": shortest_tags(row["languages"] or []) or None,
        "/capabilities/modalities": row["modalities"] or None,
        "/revision": _revision(row["revision"]),
        "/lineage/adapted_from": _repository(row["adapted_from"]),
        "/lineage/superseded_by": row["superseded_by"],
        "/specs/parameters": _parameters(row),
    }
    if mteb_kind(row) == kind:
        values |= _mteb_own_kind(row, kind)
    values["/specs/dtype"] = _stored_dtype(row)
    values["/dependencies/requires_remote_code"] = _runs_remote_code(row)
    source = registry(row)
    return {p: [Fact(value, source)] for p, value in values.items() if value is not None}


def registry(row: Mapping[str, Any]) -> str:
    """Return the provenance of a line of mteb's registry: the file that describes the model."""
    path = row.get("path")
    return f"{MTEB}: {path}" if path else MTEB


def from_scores(row: Mapping[str, Any], kind: str) -> Candidates:
    """Return the scores of a joined line: fractions, and averages over complete sets only.

    Cross-encoders re-rank, so their numbers would measure something else; they get none.
    """
    if kind not in ("dense", "colbert", "sparse"):
        return {}
    values = {
        "/performance/beir_avg": row["beir15_avg"],
        "/performance/ms_marco_mrr10": row["msmarco_dev_mrr_at_10"],
    }
    return {p: [Fact(value, SCORES)] for p, value in values.items() if value}


def _sourced(row: Mapping[str, Any]) -> Iterator[tuple[str, Fact]]:
    """Yield the values that have a source which may be taken, the chosen ones first."""
    for field, source in row["sources"].items():
        named = provenance(source)
        if row.get(field) is not None and named is not None:
            yield field, Fact(row[field], named)
    for field, others in (row["other_values"] or {}).items():
        for other in others:
            named = provenance(other["source"])
            if other["value"] is not None and named is not None:
                yield field, Fact(other["value"], named)


def _encoding_value(field: str, value: Any) -> Any:
    if field == "architecture" and value == "model2vec":
        return "static"
    if field == "base_model":
        return _repository(value) or value
    if field == "license":
        return _license(value)
    if field == "max_seq_length" and value == UNBOUNDED:
        return None
    if field == "pooling":
        return value.replace("_", "-")
    if field == "id2label":
        return [value[index] for index in sorted(value, key=int)]
    if field == "similarity":
        return value.replace("max_sim", "maxsim")
    return value


def _add_projection(found: Candidates, fact: Fact) -> None:
    found["/architecture/has_projection"] = [Fact(bool(fact.value), fact.source)]
    if fact.value and fact.value[-1]["out"] is not None:
        found["/architecture/projection_dims"] = [Fact(fact.value[-1]["out"], fact.source)]


def _add_sparse(found: Candidates, fact: Fact) -> None:
    activation = _SPARSE_ACTIVATIONS.get(fact.value["activation"])
    pooling = fact.value["pooling"].split(" ")[0]
    if activation is not None:
        found["/encoding/activation"] = [Fact(activation, fact.source)]
        found["/encoding/pooling"] = [Fact(pooling, fact.source)]


def _lists_no_dense_module(source: str) -> bool:
    """Whether the source is a list of modules that has a Transformer and a Pooling, no Dense."""
    counted = re.search(r"\b(14|20) lines = [23] modules|\b(229|349) bytes", source)
    named = re.search(r"\(Transformer, Pooling(, Normalize)?\)", source)
    return "modules.json" in source and bool(counted or named)


def mteb_kind(row: Mapping[str, Any]) -> str | None:
    """Return the type of entry that a line of mteb's registry describes, if it is one of ours."""
    if row["huggingface_id"] in _CAPTIONERS:
        return "captioner"
    if row["loader"] in _TWO_TOWERS or row["huggingface_id"] in _FURTHER_TWO_TOWERS:
        return "image-text"
    return {
        ("dense",): "dense",
        ("late-interaction",): "colbert",
        ("sparse",): "sparse",
        ("cross-encoder",): "cross-encoder",
    }.get(tuple(row["model_type"]))


def _mteb_own_kind(row: Mapping[str, Any], kind: str) -> dict[str, Any]:
    prompts = _prompts(row)
    values: dict[str, Any] = {
        "/encoding/similarity": row["similarity"].lower() if row["similarity"] else None,
        "/encoding/query_prompt": _prefix(prompts.get("query")),
        "/encoding/document_prompt": _prefix(prompts.get("document")),
    }
    dims = row["embed_dim"]
    if kind in ("cross-encoder", "classifier", "captioner"):
        return {}
    if row["loader"] == _BY_SIGMOID:
        del values["/encoding/similarity"]
    if isinstance(dims, list):
        values["/architecture/matryoshka_dims"] = sorted(set(dims))
        values["/specs/embedding_dim"] = max(dims)
    else:
        values["/specs/embedding_dim"] = dims
    return values


def _prompts(row: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the prompts of a line of mteb's registry; empty ones where it proves that none is needed.

    Some loaders take the prompts that lie in the checkpoint, whatever the line says of
    instructions. A checkpoint that is older than such prompts holds none.
    """
    prompts: Mapping[str, str] = row["retrieval_prompts"] or {}
    if prompts or row.get("use_instructions") is not False:
        return prompts
    date = row["release_date"]
    if row["loader"] in _TAKING_PROMPTS and (date is None or date >= _FIRST_PROMPTS):
        return prompts
    return {"query": "", "document": ""}


def _parameters(row: Mapping[str, Any]) -> int | None:
    """Return mteb's count of parameters, unless its own memory of the weights contradicts it.

    Only counts written by hand are doubted: of an exact one, it is the memory that is wrong.
    Weights of adapters are too small to say anything.
    """
    total, memory = row["n_parameters"], row["memory_usage_mb"]
    if not total or not memory or not is_rounded(total):
        return total or None
    stored = memory * _MB / total
    is_adapter = stored < _BYTES_OF_ADAPTERS
    agrees = any(abs(stored / size - 1) <= _MEMORY_TOLERANCE for size in _BYTES)
    return total if is_adapter or agrees else None


def _stored_dtype(row: Mapping[str, Any]) -> str | None:
    """Return the type of the weights, where two fields of mteb's registry prove it.

    Its memory is what the headers of the weights add up to. At two bytes a parameter it is one of
    the types of 16 bits; which one, the type of the vectors says, unless the loader casts. Four
    bytes are what mteb assumes where it could read no header: they prove something only where it
    knows of safetensors and counts the parameters to the last one.
    """
    total, memory = row["n_parameters"], row["memory_usage_mb"]
    types = row["output_dtypes"] or []
    options = (row["loader_kwargs"] or {}).get("model_kwargs") or {}
    casts = {options.get("dtype"), options.get("torch_dtype")} - {None, "auto"}
    if not total or not memory:
        return None
    stored = round(memory * _MB / total, 1)
    if stored == _BYTES_OF_32_BITS and "safetensors" in (row.get("framework") or ()):
        return None if is_rounded(total) else "float32"
    if stored != _BYTES_OF_16_BITS or casts or len(types) != 1 or types[0] not in _OF_16_BITS:
        return None
    return str(types[0])


def is_rounded(total: int) -> bool:
    """Whether a count of parameters was written by hand."""
    return total % _ROUNDED_TO == 0


def _runs_remote_code(row: Mapping[str, Any]) -> bool | None:
    """Return whether mteb lets the repository's own code run; None where the loader decides."""
    options = row["loader_kwargs"] or {}
    nested = options.get("model_kwargs") or {}
    if options.get("trust_remote_code") or nested.get("trust_remote_code"):
        return True
    return False if row["loader"] in _RUN_BY_MODULES else None


def _prefix(template: str | None) -> str | None:
    """Return what stands before the text; a template that says where it goes ends with it.

    Two spaces at the end are a slip of the registry's: RepLLaMA's makers write one.
    """
    if template is None or template.endswith("  "):
        return None
    return template.removesuffix("{text}")


def _repository(text: str | None) -> str | None:
    """Return the repository that a text names, by its id or its address; None for other text."""
    name = (text or "").removeprefix("https://huggingface.co/")
    return name if re.fullmatch(r"[\w.-]+/[\w.-]+", name) else None


def _license(text: str | None) -> str | None:
    if text is None or text in ("not specified", "multiple"):
        return None
    if re.search(r"/blob/main/LICENSE(\.md)?$", text):
        return _OWN_LICENSE
    return _LICENSES.get(text, None if text.startswith("http") else text)


def _revision(text: str | None) -> str | None:
    return text if text and re.fullmatch(r"[0-9a-f]{40}", text) else None
