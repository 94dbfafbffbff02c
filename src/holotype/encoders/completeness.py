"""Whether a folder holds all that a plan needs, by the headers of weights and by tokenizers.

No tensor is read, and torch is not needed: what is made, switched or verified here can be on a
machine that runs no model. Where torch is installed, it tells of every tensor whether it is
missing.
"""

from __future__ import annotations

import importlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

from holotype.encoders.checkpoints.bge_m3 import find_layer
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.heads import HeadSettings
from holotype.encoders.checkpoints.modules import LayerNormSpec, LayerSpec, LinearSpec
from holotype.encoders.checkpoints.network_sizes import LAYER
from holotype.encoders.checkpoints.remote_code import runs_own_code
from holotype.encoders.checkpoints.safetensors import Header
from holotype.encoders.checkpoints.settings import CONFIG_FILE, CheckpointSettings
from holotype.encoders.checkpoints.sparse import LEXICAL_STEM, SparseSettings
from holotype.encoders.inputs.tokenizer_classes import (
    SETTINGS_FILE,
    TOKENIZER_FILE,
    require_vocabulary,
)
from holotype.encoders.kinds.dense import DenseEncoding
from holotype.encoders.kinds.plan import (
    AnyPlan,
    CaptionerPlan,
    ClassifierPlan,
    ColbertPlan,
    CrossEncoderPlan,
    DensePlan,
    ImageTextPlan,
    SparsePlan,
    StaticPlan,
    layers_of,
    networks,
)
from holotype.encoders.kinds.static import TABLE_NAMES, StaticCheckpoint
from holotype.errors import CheckpointError, TensorError, UnsupportedCheckpointError

if TYPE_CHECKING:
    from holotype.encoders.inputs.tokenizer import TextTokenizer

# What comes before the logits of words, as each architecture calls it.
_WORD_HEAD = re.compile(
    r"^(cls\.|lm_head|vocab_|head\.|(\w+_)?predictions\.|generator_lm_head|decoder\.|pred_layer\.)"
)


# Architectures all of whose layers have the same tensors, but for those that only the first has or
# lacks.
_UNIFORM = frozenset(
    {
        *("bert", "camembert", "deberta", "deberta-v2", "distilbert", "electra", "gemma", "gemma2"),
        *("gemma3_text", "llama", "mistral", "modernbert", "mpnet", "mt5", "qwen2"),
        *("qwen3", "roberta", "t5", "xlm-roberta"),
    }
)
_OF_FIRST_LAYER = re.compile(r"relative_attention_bias|attn_norm")


def check_weights(plan: AnyPlan) -> None:
    """Check that a load finds every tensor that the architecture has.

    Of a transformer torch tells it by the headers; a table of token vectors is read. Nothing is
    checked where the packages for it are not installed, or where the model is code of the
    checkpoint. `check_complete` comes first: it refuses quickly, and without torch, what lacks
    much.

    Raises:
        CheckpointError: a tensor is missing, unexpected or of another shape, or the network cannot
            be built.
    """
    if isinstance(plan, StaticPlan):
        _build_table(plan.static, plan.encoding)
        return
    if isinstance(plan, DensePlan) and isinstance(plan.queries, StaticCheckpoint):
        _build_table(plan.queries, plan.encoding.queries or plan.encoding)
    config = plan.checkpoint.json(CONFIG_FILE, optional=True)
    own = plan.checkpoint.policy == "run" and "auto_map" in config.values
    # The weights of experts are joined when they are loaded, and would have to be read for it.
    joined = any("expert" in key for key in config.values)
    if own or joined or not all(map(find_spec, ("torch", "transformers"))):
        return
    # By name, so type checkers do not read torch and everything that it imports.
    expected = importlib.import_module("holotype.encoders.torch_backend.expected_weights")
    expected.check_weights(plan)


def _build_table(static: StaticCheckpoint, encoding: DenseEncoding) -> None:
    if not all(map(find_spec, ("numpy", "safetensors", "tokenizers"))):
        return
    from holotype.encoders.arrays.tables import build_table_tower

    tower = build_table_tower(static, dim=encoding.native_dim, normalized=encoding.normalized)
    tower.tokenizer.require_room(encoding.max_length)


def check_present(plan: AnyPlan) -> None:
    """Check by the names of the files that there are weights and a tokenizer.

    Raises:
        CheckpointError: there are none, as a load says it.
        UnsupportedCheckpointError: a layer has an activation that is not known.
    """
    for folder in networks(plan):
        if not folder.weight_names():
            folder.weights()
        settings = folder.json(SETTINGS_FILE, optional=True)
        if "auto_map" not in settings.values:
            require_vocabulary(folder)
    for layer in layers_of(plan):
        if isinstance(layer, LinearSpec) and find_spec("numpy") is not None:
            from holotype.encoders.arrays.layers import activation

            activation(layer)
        if not isinstance(layer, LinearSpec | LayerNormSpec):
            continue
        # What lies beside the transformer, or in its weights, is no module of its own.
        if layer.folder.inside and not layer.folder.weight_names():
            layer.folder.weights()


def check_complete(plan: AnyPlan) -> None:
    """Check that what loads a plan will find weights and tokenizer, whole and of the right shapes.

    Of a tensor within a layer it tells that it is missing where the other layers have it; for
    others see `check_weights`.

    Raises:
        CheckpointError: a file is missing or damaged, or does not fit the others.
        TensorError: a tensor is missing, or of another shape.
        InvalidLengthError: special tokens leave no room for text.
    """
    check_present(plan)
    if isinstance(plan, ImageTextPlan | CaptionerPlan):
        _check_transformer(plan.settings)
    elif isinstance(plan, StaticPlan):
        _check_table(plan.static)
    elif isinstance(plan, DensePlan):
        _check_layers(plan.encoding.layers, _check_transformer(plan.settings))
        _check_room(plan.settings.transformer, plan.encoding.max_length)
        if isinstance(plan.queries, StaticCheckpoint):
            _check_table(plan.queries)
        elif plan.queries is not None:
            queries = plan.encoding.queries or plan.encoding
            _check_layers(queries.layers, _check_transformer(plan.queries))
    elif isinstance(plan, ColbertPlan):
        _check_layers(plan.encoding.layers, _check_transformer(plan.settings))
    elif isinstance(plan, SparsePlan):
        _check_sparse(plan.settings)
    else:
        _check_head(plan)


def _check_transformer(settings: CheckpointSettings) -> Checkpoint:
    """Check the weights and the tokenizer of a transformer, and return its folder."""
    folder = settings.transformer
    shapes = _shapes(folder)
    if not shapes:
        raise TensorError(folder.location, missing=["all of its tensors"])
    _check_stacks(folder, shapes)
    vocabulary = settings.vocab_size
    _check_tokenizer(folder, None if vocabulary is None else vocabulary.value)
    return folder


def _check_stacks(folder: Checkpoint, names: Iterable[str]) -> None:
    """Check that each layer has the tensors that the other layers of its stack have."""
    config = folder.json(CONFIG_FILE, optional=True)
    own_code = folder.policy == "run" and "auto_map" in config.values
    if config.values.get("model_type") not in _UNIFORM or own_code:
        return
    held: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name in names:
        found = LAYER.search(name)
        if found is not None and not _OF_FIRST_LAYER.search(name):
            held[name[: found.start(1)]][found[1]].add(name[found.end() :])
    missing = [
        f"{stack}{number}.{tensor}"
        for stack, layers in held.items()
        for number, tensors in layers.items()
        for tensor in set().union(*layers.values()) - tensors
    ]
    if missing:
        raise TensorError(folder.location, missing=sorted(missing))


def _shapes(folder: Checkpoint) -> dict[str, list[int]]:
    """Return the shapes of all tensors that the weights of a folder hold."""
    headers: list[Header] = [folder.header(name) for name in folder.weights()]
    return {name: [*tensor.shape] for header in headers for name, tensor in header.items()}


def _check_layers(layers: Iterable[LayerSpec], transformer: Checkpoint) -> None:
    for layer in layers:
        if isinstance(layer, LinearSpec) and layer.folder != transformer:
            shapes = {"linear.weight": [layer.out_dim, layer.in_dim]}
            if layer.bias:
                shapes["linear.bias"] = [layer.out_dim]
            _compare(layer.folder, shapes)
        elif isinstance(layer, LayerNormSpec):
            _compare(layer.folder, {"norm.weight": [layer.dim], "norm.bias": [layer.dim]})


def _compare(folder: Checkpoint, expected: Mapping[str, list[int]]) -> None:
    found = _shapes(folder)
    misshapen = [
        f"{name} ({found[name]}, expected {shape})"
        for name, shape in expected.items()
        if name in found and found[name] != shape
    ]
    missing, unexpected = sorted(expected.keys() - found), sorted(found.keys() - expected)
    if missing or unexpected or misshapen:
        raise TensorError(folder.location, missing, unexpected, misshapen)


def _check_table(static: StaticCheckpoint) -> None:
    folder = static.table
    found = _shapes(folder)
    if not any(name in found for name in TABLE_NAMES):
        raise TensorError(folder.location, missing=[" or ".join(TABLE_NAMES)])
    _check_tokenizer(folder, static.shape.value[0] if static.shape else None, _n_tokens_of_table)


def _check_sparse(settings: SparseSettings) -> None:
    folder = _check_transformer(settings.checkpoint)
    if settings.form == "lexical":
        folder.whole.header(find_layer(folder.whole, LEXICAL_STEM))
    elif "auto_map" not in folder.json(CONFIG_FILE).values and not any(
        _WORD_HEAD.search(name) for name in _shapes(folder)
    ):
        raise TensorError(folder.location, missing=["the head that gives the logits of words"])
    if settings.has_query_module and settings.query_table is not None:
        table = folder.whole.part(settings.query_table)
        _shapes(table)
        _check_tokenizer(table, None)


def _check_head(plan: CrossEncoderPlan | ClassifierPlan) -> None:
    settings: HeadSettings = plan.settings
    folder = _check_transformer(settings.checkpoint)
    if isinstance(plan, CrossEncoderPlan):
        _check_layers(plan.encoding.layers, folder)
    if settings.task != "sequence-classification":
        return
    n_labels = settings.n_labels.value
    if not any(shape[:1] == [n_labels] and len(shape) == 2 for shape in _shapes(folder).values()):
        raise TensorError(folder.location, missing=[f"a head of {n_labels} outputs"])


def _check_room(folder: Checkpoint, max_length: int | None) -> None:
    """Check that special tokens leave room for text, where the tokenizer can be read here."""
    tokenizer = (
        _tokenizer(folder) if find_spec("tokenizers") and folder.has(TOKENIZER_FILE) else None
    )
    if tokenizer is not None:
        tokenizer.require_room(max_length)


def _tokenizer(folder: Checkpoint) -> TextTokenizer | None:
    """Return the tokenizer as a load reads it; None where only transformers knows its class."""
    from holotype.encoders.inputs.tokenizer_json import read_tokenizer

    def read() -> TextTokenizer | None:
        try:
            return read_tokenizer(folder, lower_case=False)
        except UnsupportedCheckpointError:
            return None

    return folder.once("tokenizer", read)


def _n_tokens(folder: Checkpoint) -> int:
    """Return one more than the greatest token id."""
    tokenizer = _tokenizer(folder)
    return _n_tokens_of_table(folder) if tokenizer is None else tokenizer.vocab_size


def _n_tokens_of_table(folder: Checkpoint) -> int:
    from holotype.encoders.inputs.tokenizer_json import open_tokenizer

    return max(open_tokenizer(folder).get_vocab().values(), default=-1) + 1


def _check_tokenizer(
    folder: Checkpoint,
    n_embeddings: int | None,
    count: Callable[[Checkpoint], int] = _n_tokens,
) -> None:
    settings = folder.json(SETTINGS_FILE, optional=True)
    if runs_own_code(settings, "AutoTokenizer", folder.policy):
        return
    require_vocabulary(folder)
    if find_spec("tokenizers") is None or not folder.has(TOKENIZER_FILE):
        return
    n_tokens = count(folder)
    if n_embeddings is not None and n_tokens > n_embeddings:
        raise CheckpointError(
            folder.location,
            f"the tokenizer has token ids up to {n_tokens - 1}, but the model has only "
            f"{n_embeddings} token embeddings; its files are not of one checkpoint",
        )
