"""The description of an entry: one or two plain sentences made from its facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holotype.hub.network_names import network_name

_LANGUAGES = {
    "ar": "Arabic",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ru": "Russian",
    "vi": "Vietnamese",
    "zh-Hans": "Chinese",
    "zh": "Chinese",
}

_BESIDE_TEXT = (("image", "images"), ("audio", "sound"), ("video", "video"))
"""What a model may read beside text, and the word for it."""

_NAMED_AT_MOST = 3
_MILLION = 1_000_000
_BILLION = 1_000_000_000
_STATIC = "static"
_ANY_TEXT = "text"


def describe(kind: str, values: Mapping[str, Any], focus: str | None) -> str:
    """Return the description of a model.

    Args:
        kind: the type of the entry.
        values: what is known of it, by JSON pointer within the entry.
        focus: what it was made for, where that is narrower than its kind says; it completes
            "for ..." and replaces the languages where it names one itself.
    """
    sentences = [_LEADS[kind](values, focus), _second(kind, values)]
    return " ".join(sentence for sentence in sentences if sentence)


def _dense(values: Mapping[str, Any], focus: str | None) -> str:
    dim = values.get("/specs/embedding_dim")
    text = _text(values)
    if values.get("/architecture/type") == _STATIC:
        return f"Static embeddings for {focus or text}: a table of {dim}-dimensional token vectors, averaged without running a network."
    smaller = _smaller_dims(values)
    if smaller:
        return f"Dense embedding model for {focus or text}, with {dim}-dimensional vectors that may be cut to {smaller}."
    return f"Dense embedding model for {focus or text}, with {dim}-dimensional vectors."


def _colbert(values: Mapping[str, Any], focus: str | None) -> str:
    dim = values.get("/specs/embedding_dim")
    smaller = _smaller_dims(values)
    cut = f", which may be cut to {smaller}" if smaller else ""
    return f"Late-interaction retriever for {focus or _text(values)}: one {dim}-dimensional vector for every token{cut}."


def _sparse(values: Mapping[str, Any], focus: str | None) -> str:
    dim = values.get("/specs/embedding_dim")
    weights = f", with a weight for each of {dim:,} vocabulary entries" if dim else ""
    return f"Learned sparse retriever for {focus or _text(values)}{weights}."


def _cross_encoder(values: Mapping[str, Any], focus: str | None) -> str:
    if focus:
        return f"Cross-encoder for {focus}."
    text = _text(values)
    together = "Reranker that scores a query and a document together"
    return f"{together}." if text == _ANY_TEXT else f"{together}, for {text}."


def _classifier(values: Mapping[str, Any], focus: str | None) -> str:
    labels = values.get("/encoding/labels") or ()
    count = f" with {len(labels)} labels" if labels else ""
    return f"Text classifier{count} for {focus or _text(values)}."


def _image_text(values: Mapping[str, Any], focus: str | None) -> str:
    dim = values.get("/specs/embedding_dim")
    smaller = _smaller_dims(values)
    cut = f" that may be cut to {smaller}" if smaller else ""
    read = focus or f"images and {_in_languages(values)}"
    return (
        f"Embedding model for {read}, with a network for each and {dim}-dimensional vectors{cut}."
    )


def _captioner(values: Mapping[str, Any], focus: str | None) -> str:
    return f"Captioner that writes {_in_languages(values)} for {focus or 'images'}."


_LEADS = {
    "dense": _dense,
    "colbert": _colbert,
    "sparse": _sparse,
    "cross-encoder": _cross_encoder,
    "classifier": _classifier,
    "image-text": _image_text,
    "captioner": _captioner,
}


def _second(kind: str, values: Mapping[str, Any]) -> str:
    """Return the sentence on the network, its size, its length and its prompts."""
    network = network_name(values.get("/architecture/type"))
    size = _size(values.get("/specs/parameters"))
    length = values.get("/specs/context_length")
    reads = f"reads up to {length:,} tokens" if length else ""
    if network:
        sentence = f"{network} network"
        sentence += f" of {size} parameters" if size else ""
        sentence += f" that {reads}" if reads else ""
    else:
        has = f"has {size} parameters" if size else ""
        claims = _listed([claim for claim in (has, reads) if claim], "and")
        sentence = f"It {claims}" if claims else ""
    prompts = _prompts(values) if kind == "dense" else ""
    if prompts:
        sentence = f"{sentence}; {prompts}" if sentence else prompts.capitalize()
    return f"{sentence}." if sentence else ""


def _text(values: Mapping[str, Any]) -> str:
    """Return what the model reads: text in its languages, and what else it reads."""
    reads = values.get("/capabilities/modalities") or ()
    return _listed(
        [_in_languages(values), *(word for read, word in _BESIDE_TEXT if read in reads)], "and"
    )


def _in_languages(values: Mapping[str, Any]) -> str:
    languages = values.get("/capabilities/languages")
    if not languages:
        return _ANY_TEXT
    if len(languages) > _NAMED_AT_MOST or any(tag not in _LANGUAGES for tag in languages):
        several = len(languages) > 1
        return f"text in {len(languages)} languages" if several else _ANY_TEXT
    names = [_LANGUAGES[tag] for tag in languages]
    return f"{_listed(names, 'and')} text"


def _prompts(values: Mapping[str, Any]) -> str:
    query = values.get("/encoding/query_prompt")
    document = values.get("/encoding/document_prompt")
    if query and "{instruction}" in query:
        return "queries start with an instruction"
    if query and document:
        return "queries and documents start with a prompt"
    return "queries start with a prompt" if query else ""


def _smaller_dims(values: Mapping[str, Any]) -> str:
    sizes = values.get("/architecture/matryoshka_range")
    if sizes:
        return f"any size down to {sizes[0]}"
    dims = (values.get("/architecture/matryoshka_dims") or [])[:-1]
    if len(dims) > _NAMED_AT_MOST:
        return f"as few as {dims[0]}"
    return _listed([str(dim) for dim in dims], "or")


def _size(parameters: int | None) -> str:
    if parameters is None:
        return ""
    if parameters >= _BILLION:
        return f"{parameters / _BILLION:.1f} billion"
    if parameters >= 10 * _MILLION:
        return f"{round(parameters / _MILLION)} million"
    return f"{parameters / _MILLION:.1f} million"


def _listed(names: list[str], word: str) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {word} {names[-1]}"
