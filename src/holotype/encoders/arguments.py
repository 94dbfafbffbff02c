"""What callers pass, checked before anything happens: one clear line for each mistake.

Options of sentence-transformers and PyLate are answered with what does the same here.
"""

from __future__ import annotations

import contextlib
import math
import operator
import os
from collections.abc import Iterable, Mapping
from typing import Final, SupportsFloat, SupportsIndex, cast

from holotype.errors import InvalidArgumentError

LOAD_EQUIVALENTS: Final[Mapping[str, str]] = {
    "truncate_dim": "pass dim=, one of the record's dims",
    "max_seq_length": "pass max_length=",
    "prompts": "pass query_prompt= and document_prompt=",
    "default_prompt_name": "call encode_query() or encode_document(), which know their prompts",
    "similarity_fn_name": "load a record with it: dataclasses.replace(record, similarity=...)",
    "revision": "write load('hf:ORG/MODEL@REVISION')",
    "model_name_or_path": "the model is the first argument: load('bge-m3') or load('local:PATH')",
    "cache_folder": "set HF_HOME",
    "token": "set HF_TOKEN",
    "use_auth_token": "set HF_TOKEN",
    "local_files_only": "set HF_HUB_OFFLINE=1",
    "torch_dtype": "pass dtype='bfloat16'",
    "model_kwargs": "pass dtype= and backend=; attention is chosen for the hardware",
    "tokenizer_kwargs": "pass max_length=; the rest of the tokenizer is what its files say",
    "processor_kwargs": "pass max_length=; the rest of the tokenizer is what its files say",
    "config_kwargs": "the configuration is what the checkpoint's config.json says",
    "modules": "the modules are what the checkpoint's modules.json says",
    "keep_in_fp32_modules": "leave it out; pass dtype= for all of the model",
    "model_card_data": "leave it out; nothing here writes cards",
    "num_labels": "the number of labels is what the checkpoint's config.json says",
    "activation_fn": "pass activation='logits', 'sigmoid' or 'softmax' to predict()",
    "max_active_dims": "pass top_k= to encode_query() and encode_document()",
    "attn_implementation": "leave it out; attention is chosen for the hardware",
    "query_length": "load a record with it: dataclasses.replace(record, query_length=...)",
    "document_length": "load a record with it: dataclasses.replace(record, document_length=...)",
    "pooling": "load a record with it: dataclasses.replace(record, pooling=...)",
    "normalize": "load a record with it: dataclasses.replace(record, normalize=...)",
    "batch_size": "pass it to encode()",
    "show_progress_bar": "pass progress= to encode()",
    "normalize_embeddings": "the record says whether vectors are normalised: record.normalize",
}
"""What `load` has in place of an option of the constructors of other libraries."""

ENCODE_EQUIVALENTS: Final[Mapping[str, str]] = {
    "convert_to_tensor": "results are NumPy arrays; pass what this returns to torch.from_numpy()",
    "convert_to_numpy": "leave it out; results are NumPy arrays",
    "convert_to_sparse_tensor": "leave it out; results are SparseVectors",
    "normalize_embeddings": "leave it out; the record says whether vectors are normalised, and "
    "encoder.encoding.normalized repeats it",
    "show_progress_bar": "pass progress=",
    "prompt_name": "call encode_query() or encode_document(), or pass prompt=",
    "prompt": "call encode(), encode_query() or encode_document(), which take prompt=",
    "truncate_dim": "pass dim= to load()",
    "dim": "pass dim= to load()",
    "output_value": "leave it out; ColBERT models return the vectors of tokens, others of texts",
    "precision": "write quantize(encoder.encode(texts), 'int8', calibration), from "
    "holotype.encoders.vectors.quantization",
    "device": "pass device= to load(), or devices= here",
    "dtype": "pass dtype= to load()",
    "pool": "pass devices=",
    "target_devices": "pass devices=",
    "chunk_size": "leave it out; encode_stream() reads any number of texts",
    "num_workers": "leave it out; texts are tokenised beside the model's work",
    "task": "call encode_query() or encode_document()",
    "task_type": "call encode_query() or encode_document()",
    "is_query": "call encode_query() or encode_document()",
    "instruction": "call encode_query() or encode_document(), which take instruction=",
    "max_length": "pass max_length= to load()",
    "max_active_dims": "pass top_k=",
    "save_to_cpu": "leave it out; results are in the memory of the CPU",
    "pool_factor": "write pool_tokens(vectors, factor=2), from "
    "holotype.encoders.vectors.token_pooling",
    "activation_fn": "pass activation='logits', 'sigmoid' or 'softmax'",
    "activation_fct": "pass activation='logits', 'sigmoid' or 'softmax'",
    "apply_softmax": "pass activation='softmax', or 'sigmoid' to a model of one label",
    "truncation": "pass on_overflow='truncate'",
    "padding": "leave it out; texts of one length share a batch",
}
"""What the methods that encode have in place of an option of other libraries."""


ATTRIBUTE_EQUIVALENTS: Final[Mapping[str, str]] = {
    "max_seq_length": "read max_length, and pass max_length= to load() to change it",
    "prompts": "read encoding, and pass query_prompt= and document_prompt= to load() to change them",
    "query_prompt": "read encoding.query_prompt, and pass query_prompt= to load() to change it",
    "document_prompt": "read encoding.document_prompt, and pass document_prompt= to load() to "
    "change it",
    "default_prompt_name": "call encode_query() or encode_document(), which know their prompts",
    "pooling": "read encoding.pooling; the checkpoint decides it",
    "normalize": "read encoding.normalized; the checkpoint decides it",
    "truncate_dim": "read dim, and pass dim= to load() to change it",
    "similarity_fn_name": "read encoding.similarity; the checkpoint decides it",
    "similarity_fn": "read encoding.similarity; the checkpoint decides it",
    "similarity_pairwise": "write similarity(left, right).diagonal()",
    "tokenizer": "write count_tokens(texts)",
    "tokenize": "write count_tokens(texts)",
    "get_sentence_embedding_dimension": "read dim",
    "get_embedding_dimension": "read dim",
    "get_max_seq_length": "read max_length",
    "encode_multi_process": "write encode(texts, devices=[...])",
    "start_multi_process_pool": "write encode(texts, devices=[...])",
    "encode_queries": "write encode_query(texts)",
    "encode_corpus": "write encode_document(texts)",
    "encode_documents": "write encode_document(texts)",
    "embed_query": "write encode_query(text)",
    "embed_documents": "write encode_document(texts)",
    "save": "nothing here writes models; copy the folder, or write holotype artifact create",
    "save_pretrained": "nothing here writes models; copy the folder, or write holotype artifact "
    "create",
    "push_to_hub": "nothing here writes models",
    "to": "pass device= to load()",
    "cuda": "pass device='cuda' to load()",
    "cpu": "pass device='cpu' to load()",
    "half": "pass dtype='float16' to load()",
    "bfloat16": "pass dtype='bfloat16' to load()",
    "eval": "leave it out; nothing here trains",
    "train": "nothing here trains",
    "fit": "nothing here trains",
}
"""What encoders have in place of an attribute or a method of other libraries."""


_WITHOUT_VECTORS = "it is a method of models that make vectors, and this one makes none"
METHODS_OF_OTHERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("encode", "encode_query", "encode_document", "encode_stream", "similarity"),
        _WITHOUT_VECTORS,
    ),
    "predict": "it is a method of cross-encoders; of vectors, take similarity(queries, documents)",
    "rank": "it is a method of cross-encoders; of vectors, sort by similarity(query, documents)",
    **dict.fromkeys(
        ("classify", "classify_zero_shot", "predict_scores"), "it is a method of classifiers"
    ),
    "encode_image": "it is a method of models that make vectors of pictures",
    "classify_image": "it is a method of image-text models",
    **dict.fromkeys(("caption", "caption_stream"), "it is a method of captioners"),
}
"""What to say of a method that models of other kinds have."""


CLASSIFIER_EQUIVALENTS: Final[Mapping[str, str]] = {
    "predict": "this model is a classifier: write predict_scores(pairs, activation='logits') for what "
    "CrossEncoder.predict returns, or classify(pairs) for labels with their scores",
    "rank": "a classifier does not rank; write predict_scores(pairs), and sort by the label that "
    "says relevant",
}
"""What classifiers have in place of a method of other libraries' cross-encoders."""


def refuse_unknown(
    options: Mapping[str, object], known: Iterable[str], equivalents: Mapping[str, str]
) -> None:
    """Refuse options that a function does not take, and name what does the same.

    Raises:
        InvalidArgumentError: there is an option.
    """
    if not options:
        return
    name, known = next(iter(options)), tuple(known)
    instead = equivalents.get(name)
    if instead is None:
        from holotype.naming import nearest

        near = nearest(name, known, limit=1)
        instead = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(known)}"
    raise InvalidArgumentError(f"there is no option {name!r}; {instead}")


def as_device(device: object) -> str | None:
    """Return the name of a device; a `torch.device` has one.

    Raises:
        InvalidArgumentError: it is neither a text nor a device.
    """
    if device is None or isinstance(device, str):
        return device
    if _is_of_torch(device, "device"):
        return str(device)
    raise InvalidArgumentError(
        f"device is {device!r}; expected a text such as 'cpu' or 'cuda:0', or None"
    )


def as_dtype(dtype: object) -> str | None:
    """Return the name of a data type; a `torch.dtype` has one."""
    if _is_of_torch(dtype, "dtype"):
        return str(dtype).removeprefix("torch.")
    return as_text("dtype", dtype, "a text such as 'float16'")


def as_folder(checkpoint: object) -> str | None:
    """Return the path of a checkpoint as text.

    Raises:
        InvalidArgumentError: it is no path.
    """
    path = os.fspath(checkpoint) if isinstance(checkpoint, os.PathLike) else checkpoint
    return as_text("checkpoint", path, "the path of a folder")


def as_text(name: str, value: object, expected: str = "a text") -> str | None:
    """Return a text or None.

    Raises:
        InvalidArgumentError: it is something else.
    """
    if value is None or isinstance(value, str):
        return value
    raise InvalidArgumentError(f"{name} is {value!r}; expected {expected}, or None")


def as_flag(name: str, value: object) -> bool:
    """Return True or False.

    Raises:
        InvalidArgumentError: it is something else.
    """
    if isinstance(value, bool):
        return value
    raise InvalidArgumentError(f"{name} is {value!r}; expected True or False")


def as_count(name: str, value: object) -> int | None:
    """Return a whole number from 1 on, or None.

    Raises:
        InvalidArgumentError: it is something else.
    """
    if value is None:
        return None
    try:
        # NumPy's integers are whole numbers, too.
        count = operator.index(cast("SupportsIndex", value))
    except TypeError:
        count = 0
    if isinstance(value, bool) or count < 1:
        raise InvalidArgumentError(
            f"{name} is {value!r}; expected a whole number of at least 1, or None"
        )
    return count


def as_threshold(name: str, value: object, *, bounded: bool = True) -> float | None:
    """Return the lowest score that counts, or None.

    Args:
        name: the argument, for the error.
        value: what the caller passed.
        bounded: whether scores are from 0 to 1; logits are not.

    Raises:
        InvalidArgumentError: it is no finite number, or no score can have it.
    """
    if value is None:
        return None
    number = math.nan
    # NumPy's numbers say their value as these methods do.
    if not isinstance(value, bool | str) and hasattr(value, "__float__"):
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            number = float(cast("SupportsFloat", value))
    if not math.isfinite(number) or (bounded and not 0 <= number <= 1):
        expected = "a number from 0 to 1" if bounded else "a finite number"
        raise InvalidArgumentError(f"{name} is {value!r}; expected {expected}, or None")
    return number


def _is_of_torch(value: object, name: str) -> bool:
    """Return whether a value has a type of torch, which need not be installed."""
    kind = type(value)
    return kind.__module__ == "torch" and kind.__name__ == name
