"""A checkpoint's tokenizer and transformer, placed on a device."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, NoReturn

import torch
from torch import Tensor, nn

from holotype.encoders.checkpoints.settings import (
    BIG_BIRDS,
    CheckpointSettings,
    changes_with_length,
    mixes_padding,
)
from holotype.encoders.inputs.rows import TOKENS_AT_ONCE, Row
from holotype.encoders.inputs.sides import read_whole
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.encoders.running.packing import Group, PackedBatch, pack_padded
from holotype.encoders.torch_backend.byte_map import byte_products
from holotype.encoders.torch_backend.devices import resolve_device
from holotype.encoders.torch_backend.linear_map import one_dnn_multiplies
from holotype.encoders.torch_backend.precision import favours_bfloat16, resolve_dtype, settle_dtype
from holotype.encoders.torch_backend.row_counts import BY_BYTES, RowCounts, row_counts
from holotype.encoders.torch_backend.running_errors import running_errors
from holotype.encoders.torch_backend.transfers import send
from holotype.errors import CheckpointError, InvalidArgumentError, UnsupportedCheckpointError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


_TRIED = "a"
"""The text by which it is seen that a model runs at all."""

# Padding included. What transformers computes of pairs of tokens takes memory, so that there are
# fewer than where there is no padding.
_TOKENS_ON_GPU = 16_384


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a model is, and the type of its weights and of the arithmetic, also by name."""

    device: torch.device
    dtype: torch.dtype
    name: str

    @property
    def in_bytes(self) -> bool:
        """Whether the maps of the layers multiply bytes; everything else is in `dtype` then."""
        return self.name == "int8"

    @property
    def attends_in(self) -> torch.dtype:
        """The type in which many tokens attend."""
        return torch.bfloat16 if self.in_bytes and favours_bfloat16(self.device) else self.dtype

    @property
    def counts(self) -> RowCounts | None:
        """The numbers of rows that maps run with; None where any number will do."""
        if self.in_bytes:
            return BY_BYTES
        return row_counts(self.dtype) if one_dnn_multiplies(self.device, self.dtype) else None


def place(device: str | None, dtype: str) -> Placement:
    """Return where a model goes; see `resolve_device` and `settle_dtype`.

    Raises:
        InvalidArgumentError: there is no such device, or it does not multiply bytes.
    """
    found = resolve_device(device)
    name = settle_dtype(dtype, found)
    if name == "int8" and not byte_products(found):
        raise InvalidArgumentError(
            "int8 on torch needs a processor with AVX512-VNNI, which ONEDNN_MAX_CPU_ISA does not hide, "
            f"device='cpu' and torch 2.10 or later with oneDNN, and {str(found)!r} has not all of "
            "that; pass another dtype, or an export in int8 with backend='onnx' or 'openvino'"
        )
    return Placement(found, resolve_dtype(name), name)


class Backbone:
    """A `Transformer` as transformers has it, which reads rows that are padded.

    Attributes:
        location: the checkpoint, for errors.
        tokenizer: the checkpoint's tokenizer.
        placement: where it runs, and in which type.
        device: where the weights are.
        dtype: the type of the weights and of the arithmetic.
        memory_bytes: how many bytes the weights take on the device.
        mixes_padding: whether rows run one by one, because padding would change their vectors.
    """

    def __init__(
        self,
        location: str,
        tokenizer: TextTokenizer,
        model: PreTrainedModel,
        placement: Placement,
    ) -> None:
        """Place a model on its device.

        Raises:
            CheckpointError: the tokenizer knows tokens for which the model has no row.
            UnsupportedCheckpointError: the model has no row for each token at all.
        """
        require_embeddings(location, tokenizer, len(token_table(location, model)))
        self.location = location
        self.tokenizer = tokenizer
        self.placement = placement
        self.device = placement.device
        self.dtype = placement.dtype
        # transformers hides the signature of `to` behind a decorator.
        move: Any = model.to
        self._model: PreTrainedModel = move(device=self.device, dtype=self.dtype)
        self.memory_bytes = weight_bytes(self._model)
        config = model.config.to_dict()
        self.mixes_padding = mixes_padding(config)
        # Two threads would change it to the lengths of both their texts.
        changes = changes_with_length(config)
        self._turn: AbstractContextManager[object] = Lock() if changes else nullcontext()
        self._is_big_bird = model.config.model_type in BIG_BIRDS
        self._parameters = set(inspect.signature(model.forward).parameters)

    @property
    def model(self) -> PreTrainedModel:
        """The transformer."""
        return self._model

    def batches(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[PackedBatch]:
        """Yield batches that are padded; see `Transformer.batches`."""
        max_tokens = _TOKENS_ON_GPU if self.device.type == "cuda" else TOKENS_AT_ONCE
        pad_id = self.tokenizer.pad_id
        max_rows = 1 if self.mixes_padding else batch_size
        return pack_padded(rows, max_rows=max_rows, max_tokens=max_tokens, pad_id=pad_id)

    def require_runs(self, width: int | None = None) -> None:
        """Check by a short text that the model runs as transformers has it.

        What nobody has run may lack an operation in this type or on this device, and says so at the
        first text otherwise, in the words of torch.

        Args:
            width: how wide its token vectors must be; None where others are not read.

        Raises:
            DeviceMemoryError: the memory of a GPU ends.
            UnsupportedCheckpointError: it does not run, or returns vectors of another width.
        """
        tokenized = self.tokenizer.encode([_TRIED], max_length=None)
        with running_errors(self.location, self._model):
            found = [self._run(batch) for batch in self.batches(read_whole(tokenized).rows, None)]
        for outputs in found:
            if width is not None and outputs.last_hidden_state.shape[-1] != width:
                raise UnsupportedCheckpointError(
                    self.location,
                    f"is a {type(self._model).__name__}, which returns token vectors of "
                    f"{outputs.last_hidden_state.shape[-1]} dimensions, where config.json says "
                    f"{width}; such a model is not run yet",
                )

    @torch.inference_mode()
    def _run(self, batch: PackedBatch) -> Any:
        return self._outputs(batch)

    @torch.inference_mode()
    def token_vectors(self, batch: PackedBatch) -> Tensor:
        """Return the last hidden states; see `Transformer.token_vectors`."""
        states: Tensor = self._outputs(batch).last_hidden_state
        return states.flatten(0, 1)

    @torch.inference_mode()
    def logits(self, batch: PackedBatch) -> Tensor:
        """Return what the model's own head gives for a padded batch: ``[n_rows, ...]``."""
        logits: Tensor = self._outputs(batch).logits
        return logits

    def _outputs(self, batch: PackedBatch) -> Any:
        (group,) = batch.groups
        inputs: dict[str, Any] = {
            "input_ids": self._place(batch.ids, group),
            "attention_mask": self._place(batch.attended, group).long(),
        }
        if "token_type_ids" in self.tokenizer.input_names and "token_type_ids" in self._parameters:
            inputs["token_type_ids"] = self._place(batch.type_ids, group)
        with self._turn:
            if self._is_big_bird:
                self._choose_attention(group.n_tokens)
            return self._model(**inputs)

    def _choose_attention(self, n_tokens: int) -> None:
        """Let BigBird attend in blocks again, which it gives up at the first short row for good."""
        base: Any = self._model.base_model
        config, encoder = base.config, base.encoder if base.config.is_encoder_decoder else base
        is_short = n_tokens <= (5 + 2 * config.num_random_blocks) * config.block_size
        # It makes new layers for the weights that there are. What these begin with would be drawn, which
        # takes a tenth of a second and numbers of the program's generator.
        with torch.device("meta"):
            encoder.set_attention_type("original_full" if is_short else config.attention_type)

    def _place(self, values: Any, group: Group) -> Tensor:
        return send(values, self.device).view(group.shape)


class LanguageModelBackbone(Backbone):
    """A masked language model without its last layer: its vectors are the inputs of that layer."""

    @torch.inference_mode()
    def token_vectors(self, batch: PackedBatch) -> Tensor:
        """Return what stands in place of the logits; see `Transformer.token_vectors`."""
        return self.logits(batch).flatten(0, 1)


def open_backbone(
    settings: CheckpointSettings, tensors: Mapping[str, Tensor], placement: Placement
) -> Backbone:
    """Load the tokenizer and the transformer of a checkpoint as transformers has them.

    Args:
        settings: what the checkpoint says.
        tensors: the tensors of the transformer.
        placement: where and in which type they run.
    """
    # Importing transformers takes seconds, and is left until nothing goes without it.
    from holotype.encoders.torch_backend.tokenizer import load_tokenizer
    from holotype.encoders.torch_backend.weights import load_backbone

    folder = settings.transformer
    return Backbone(
        folder.location,
        load_tokenizer(folder, lower_case=settings.lower_case),
        load_backbone(folder, tensors),
        placement,
    )


def token_table(location: str, model: PreTrainedModel) -> Tensor:
    """Return the vectors of all tokens of a model: ``[n_tokens, width]``.

    Raises:
        UnsupportedCheckpointError: it has none, as where vectors are made of characters.
    """
    whole: Any = model
    try:
        table: Tensor = whole.get_input_embeddings().weight
    except (AttributeError, NotImplementedError) as error:
        raise UnsupportedCheckpointError(
            location,
            f"is a {type(model).__name__}, which has no table of token vectors; models without one "
            "are not run",
        ) from error
    return table


def require_embeddings(location: str, tokenizer: TextTokenizer, n_embeddings: int) -> None:
    """Raise a `CheckpointError` where a tokenizer knows tokens for which a model has no row."""
    if tokenizer.vocab_size > n_embeddings:
        raise CheckpointError(
            location,
            f"the tokenizer has token ids up to {tokenizer.vocab_size - 1}, but the model has "
            f"only {n_embeddings} token embeddings; its files are not of one checkpoint",
        )


def refuse_bytes(location: str, architecture: str) -> NoReturn:
    """Refuse a model whose loss by products of bytes nobody has measured.

    Raises:
        UnsupportedCheckpointError: always.
    """
    raise UnsupportedCheckpointError(
        location,
        f"is a {architecture}, which does not run in int8 on torch; BERT, RoBERTa, XLM-RoBERTa, "
        "CamemBERT, DistilBERT and MPNet do. Pass dtype='bfloat16' or 'float32'",
    )


def weight_bytes(module: nn.Module) -> int:
    """Return how many bytes the weights of a module take; tied ones count once."""
    return sum(tensor.nbytes for tensor in (*module.parameters(), *module.buffers()))
