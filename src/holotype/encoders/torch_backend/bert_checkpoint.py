"""Checkpoints of BERT and its kin, read without transformers.

Importing transformers' models is most of a cold start. Where a checkpoint is just what its
architecture says, with every tensor there, of its shape and no other, nothing of them is needed.
Whatever is out of the ordinary is left to transformers, which either runs it or says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.json_file import JsonFile
from holotype.encoders.checkpoints.remote_code import runs_own_code
from holotype.encoders.torch_backend.backbone import Placement
from holotype.encoders.torch_backend.bert_forward import (
    BERT,
    DISTILBERT,
    MPNET,
    BertForward,
    Names,
    Settings,
    build_forward,
    shapes,
)
from holotype.encoders.torch_backend.byte_map import WatchedMap
from holotype.encoders.torch_backend.linear_map import linear_map, one_dnn_multiplies
from holotype.encoders.torch_backend.tensors import NOT_OF_THE_ENCODER, POOLER


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """An architecture: how its files differ from those of the others.

    Attributes:
        names: what it calls its tensors.
        prefix: what comes before all of them in some files.
        keys: what its configuration calls a key that has another name for BERT.
        norm_eps: what norms add to the variance; None where the configuration says it.
        numbers_padding: whether positions are numbered from the padding's id on.
        padding_id: that id; None where the configuration says it.
    """

    names: Names
    prefix: str
    keys: Mapping[str, str]
    norm_eps: float | None = None
    numbers_padding: bool = False
    padding_id: int | None = None


_ROBERTA = _Kind(names=BERT, prefix="roberta", keys={}, numbers_padding=True)
_KINDS: Mapping[str, _Kind] = {
    "bert": _Kind(names=BERT, prefix="bert", keys={}),
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "camembert": _ROBERTA,
    "mpnet": _Kind(names=MPNET, prefix="mpnet", keys={}, numbers_padding=True, padding_id=1),
    "distilbert": _Kind(
        names=DISTILBERT,
        prefix="distilbert",
        keys={
            "hidden_size": "dim",
            "num_hidden_layers": "n_layers",
            "num_attention_heads": "n_heads",
            "intermediate_size": "hidden_dim",
            "hidden_act": "activation",
        },
        norm_eps=1e-12,
    ),
}
_ACTIVATIONS: Mapping[object, Callable[[Tensor], Tensor] | None] = {
    "gelu": None,
    "relu": functional.relu,
}
# What changes the architecture, and the values that do not.
_ORDINARY: Mapping[str, tuple[object, ...]] = {
    "is_decoder": (None, False),
    "add_cross_attention": (None, False),
    "is_causal": (None, False),
    "is_encoder_decoder": (None, False),
    "position_embedding_type": (None, "absolute"),
    "quantization_config": (None,),
    "relative_attention_num_buckets": (None, 32),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadModel:
    """A model that has been read.

    Attributes:
        forward: what runs it.
        memory_bytes: how many bytes its weights take.
    """

    forward: BertForward
    memory_bytes: int

    @property
    def n_embeddings(self) -> int:
        """How many token ids it knows."""
        return self.forward.words.shape[0]

    @property
    def hidden_dim(self) -> int:
        """How wide its vectors are."""
        return self.forward.words.shape[1]


def read_bert(
    checkpoint: Checkpoint,
    tensors: Mapping[str, Tensor],
    placement: Placement,
    *,
    auto_class: str = "AutoModel",
) -> ReadModel | None:
    """Read a checkpoint; None where only transformers can.

    Args:
        checkpoint: the folder of the transformer.
        tensors: all tensors of the transformer's files.
        placement: where they run, and in which type; in int8, the maps are `WatchedMap`s.
        auto_class: the class of transformers that stands for the model, head included, in a
            checkpoint's own code.

    Raises:
        UnsafeCheckpointError: the model is code of the checkpoint, and that is not allowed.
    """
    config = checkpoint.json("config.json")
    kind = _KINDS.get(str(config.values.get("model_type")))
    if kind is None or not _is_ordinary(checkpoint, config, auto_class):
        return None
    settings = _settings(kind, config, placement.attends_in)
    if settings is None:
        return None
    found = _own_names(kind, tensors)
    if {name: tuple(tensor.shape) for name, tensor in found.items()} != _shapes(kind, config):
        return None
    make_map = WatchedMap if placement.in_bytes else linear_map
    return ReadModel(
        forward=build_forward(
            kind.names,
            _Copies(found, placement, _laid_out_anew(kind, placement)),
            settings,
            make_map,
        ),
        memory_bytes=sum(tensor.numel() for tensor in found.values()) * placement.dtype.itemsize,
    )


@dataclass(frozen=True, slots=True)
class _Copies(Mapping[str, Tensor]):
    """Copies of tensors, which may be views of a file, in their place and type.

    Each is made when it is asked for. A weight that is laid out anew stays a view until then.

    Attributes:
        tensors: what the file holds.
        placement: where they run, and in which type.
        laid_out: how the names of weights end of which the maps keep another copy.
    """

    tensors: Mapping[str, Tensor]
    placement: Placement
    laid_out: tuple[str, ...]

    def __getitem__(self, name: str) -> Tensor:
        place, dtype = self.placement.device, self.placement.dtype
        kept = not name.endswith(self.laid_out)
        return self.tensors[name].to(device=place, dtype=dtype, copy=kept)

    def __iter__(self) -> Iterator[str]:
        return iter(self.tensors)

    def __len__(self) -> int:
        return len(self.tensors)


def _laid_out_anew(kind: _Kind, placement: Placement) -> tuple[str, ...]:
    """Return how the names of weights end that oneDNN keeps in a layout of its own."""
    if placement.in_bytes or not one_dnn_multiplies(placement.device, placement.dtype):
        return ()
    names = kind.names
    maps = (*names.query_key_value, names.attended, names.up, names.down)
    return tuple(f".{name}.weight" for name in maps)


def _is_ordinary(checkpoint: Checkpoint, config: JsonFile, auto_class: str) -> bool:
    # Both are asked, so that code of either is refused.
    own_code = [runs_own_code(config, one, checkpoint.policy) for one in ("AutoConfig", auto_class)]
    return (
        not any(own_code)
        and not checkpoint.is_adapter
        and all(config.values.get(key) in usual for key, usual in _ORDINARY.items())
    )


def _settings(kind: _Kind, config: JsonFile, attends_in: torch.dtype) -> Settings | None:
    """Return what the tensors do not say; None where the configuration does not say it either."""
    n_layers, n_heads = (
        _integer(kind, config, "num_hidden_layers"),
        _integer(kind, config, "num_attention_heads"),
    )
    hidden_dim = _integer(kind, config, "hidden_size")
    eps = kind.norm_eps or config.values.get("layer_norm_eps")
    activation = config.values.get(kind.keys.get("hidden_act", "hidden_act"))
    padding_id: object = kind.padding_id
    if kind.numbers_padding and padding_id is None:
        padding_id = config.values.get("pad_token_id")
    if n_layers is None or n_heads is None or hidden_dim is None or hidden_dim % n_heads:
        return None
    if not isinstance(eps, float) or activation not in _ACTIVATIONS:
        return None
    if kind.numbers_padding and not isinstance(padding_id, int):
        return None
    return Settings(
        n_layers=n_layers,
        n_heads=n_heads,
        norm_eps=eps,
        padding_id=padding_id if isinstance(padding_id, int) else None,
        activation=_ACTIVATIONS[activation],
        attends_in=attends_in,
    )


def _shapes(kind: _Kind, config: JsonFile) -> dict[str, tuple[int, ...]] | None:
    """Return the shapes that the configuration says; None where it does not say all of them."""
    keys = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
    sizes = [_integer(kind, config, key) for key in keys]
    rows = [
        _integer(kind, config, key) if name is not None else 0
        for name, key in (
            (kind.names.words, "vocab_size"),
            (kind.names.positions, "max_position_embeddings"),
            (kind.names.segments, "type_vocab_size"),
            (kind.names.bias_table, "relative_attention_num_buckets"),
        )
    ]
    known = [size for size in (*sizes, *rows) if size is not None]
    if len(known) < len(sizes) + len(rows):
        return None
    hidden_dim, inner_dim, n_layers, n_heads, words, positions, segments, buckets = known
    return shapes(
        kind.names,
        n_layers=n_layers,
        hidden_dim=hidden_dim,
        inner_dim=inner_dim,
        tables=(
            (kind.names.words, (words, hidden_dim)),
            (kind.names.positions, (positions, hidden_dim)),
            (kind.names.segments, (segments, hidden_dim)),
            (kind.names.bias_table, (buckets, n_heads)),
        ),
    )


def _own_names(kind: _Kind, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of the encoder by the names that its architecture gives them."""
    own = {
        name: tensor
        for name, tensor in tensors.items()
        if not NOT_OF_THE_ENCODER.search(name) and not POOLER.search(name)
    }
    prefix = f"{kind.prefix}."
    if all(name.startswith(prefix) for name in own):
        own = {name.removeprefix(prefix): tensor for name, tensor in own.items()}
    return own


def _integer(kind: _Kind, config: JsonFile, key: str) -> int | None:
    value = config.values.get(kind.keys.get(key, key))
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
