"""A checkpoint's tokenizer and transformer, placed on a device."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from holotype.encoders.batching import Batch
from holotype.encoders.checkpoint import CheckpointSettings
from holotype.encoders.config import ModelConfig
from holotype.encoders.remote_code import code_policy
from holotype.encoders.tokenization import TextTokenizer
from holotype.encoders.tokenizer_files import load_tokenizer
from holotype.encoders.weights import load_backbone
from holotype.errors import CheckpointError


class Backbone:
    """What every encoder runs first: texts in, token vectors out.

    Attributes:
        tokenizer: the checkpoint's tokenizer.
        device: where the weights are.
        dtype: the type of the weights and of the arithmetic.
    """

    def __init__(
        self,
        folder: Path,
        tokenizer: TextTokenizer,
        model: PreTrainedModel,
        *,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        """Place a model on its device.

        Raises:
            CheckpointError: the tokenizer knows tokens for which the model has no row.
        """
        table: Any = model.get_input_embeddings()
        n_rows = len(table.weight)
        if tokenizer.vocab_size > n_rows:
            raise CheckpointError(
                str(folder),
                f"the tokenizer has token ids up to {tokenizer.vocab_size - 1}, but the model has "
                f"only {n_rows} token embeddings; its files are not of one checkpoint",
            )
        self.tokenizer = tokenizer
        self.device = device
        self.dtype = dtype
        # transformers hides the signature of `to` behind a decorator.
        move: Any = model.to
        self._model: PreTrainedModel = move(device=device, dtype=dtype)
        self._parameters = set(inspect.signature(model.forward).parameters)

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take on the device; tied ones count once."""
        held = (*self._model.parameters(), *self._model.buffers())
        return sum(tensor.nbytes for tensor in held)

    def token_vectors(self, batch: Batch) -> Tensor:
        """Return the last hidden states of a batch: ``[n_rows, n_tokens, hidden_dim]``."""
        states: Tensor = self._outputs(batch).last_hidden_state
        return states

    def logits(self, batch: Batch) -> Tensor:
        """Return what the transformer's own head gives for a batch: ``[n_rows, n_labels]``."""
        logits: Tensor = self._outputs(batch).logits
        return logits

    def _outputs(self, batch: Batch) -> Any:
        inputs: dict[str, Any] = {
            "input_ids": self.place(batch.ids),
            "attention_mask": self.place(batch.attended).long(),
        }
        if "token_type_ids" in self.tokenizer.input_names and "token_type_ids" in self._parameters:
            inputs["token_type_ids"] = self.place(batch.type_ids)
        return self._model(**inputs)

    def place(self, values: Any) -> Tensor:
        """Return an array as a tensor on the model's device."""
        return torch.from_numpy(values).to(self.device)


def open_backbone(
    config: ModelConfig[Any],
    settings: CheckpointSettings,
    tensors: Mapping[str, Tensor],
) -> Backbone:
    """Load the tokenizer and the transformer of a checkpoint.

    Args:
        config: where and in which type they run.
        settings: what the checkpoint says.
        tensors: the tensors of the transformer.
    """
    folder = settings.transformer_folder
    policy = code_policy(config.record, trusted=config.trust_remote_code)
    return Backbone(
        folder,
        load_tokenizer(folder, lower_case=settings.lower_case, policy=policy),
        load_backbone(folder, tensors, policy=policy),
        device=resolve_device(config.device),
        dtype=resolve_dtype(config.dtype),
    )


def resolve_dtype(name: str) -> torch.dtype:
    """Return the torch type of a name that `ModelConfig` allows."""
    return {
        "float32": torch.float32,
        "float16": torch.float16,
        "bfloat16": torch.bfloat16,
    }[name]


def resolve_device(name: str | None) -> torch.device:
    """Return a device by name; for None CUDA, then MPS, then the CPU.

    Raises:
        ValueError: there is no such device.
    """
    if name is None:
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"there is no device {name!r} here: {error}") from error
    return device
