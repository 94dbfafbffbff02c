"""Networks for texts and for pictures, as transformers has them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import MODEL_MAPPING, PreTrainedModel

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.open_clip import translate_tensors
from holotype.encoders.inputs.rows import PictureRow, Row, picture_batches
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.encoders.kinds.image_text import ImageTextEncoding
from holotype.encoders.kinds.plan import ImageTextPlan
from holotype.encoders.running.network import Output, Tower, Towers
from holotype.encoders.running.packing import PackedBatch, pack_padded
from holotype.encoders.torch_backend.backbone import Placement, require_embeddings, weight_bytes
from holotype.encoders.torch_backend.network import TorchNetwork
from holotype.encoders.torch_backend.pre_norm_encoder import replace_encoders
from holotype.encoders.torch_backend.tensors import read_tensors
from holotype.encoders.torch_backend.tokenizer import load_tokenizer
from holotype.encoders.torch_backend.weights import build_model, choose_class
from holotype.errors import UnsupportedCheckpointError

_COMPUTED = re.compile(r"(^|\.)position_ids$")


def build_image_text(plan: ImageTextPlan, dim: int | None, placement: Placement) -> Towers:
    """Load the weights of a model for pictures and texts; see `build`."""
    folder, encoding = plan.settings.transformer, plan.encoding
    model = load_image_text_model(folder, read_tensors(folder))
    # Punctuation is taken out by Python's rules, before which the texts are in lower case already.
    lower_case = plan.settings.lower_case or encoding.lower_case
    tokenizer = load_tokenizer(folder, lower_case=lower_case and not encoding.remove_punctuation)
    texts: Any = model.get_submodule("text_model")
    table: Any = texts.get_input_embeddings()
    require_embeddings(folder.location, tokenizer, len(table.weight))
    move: Any = model.to
    model = move(device=placement.device, dtype=placement.dtype)
    memory_bytes = weight_bytes(model)
    replace_encoders(model)
    parts = _Parts(model, encoding, dim or encoding.native_dim, placement)
    tower = Tower(TorchNetwork(TextFeatures(parts, tokenizer, memory_bytes)), tokenizer)
    return Towers(
        document=tower,
        query=tower,
        dtype=placement.name,
        pictures=TorchNetwork(PictureFeatures(parts)),
    )


def load_image_text_model(folder: Checkpoint, tensors: Mapping[str, Tensor]) -> PreTrainedModel:
    """Build a model with networks for texts and for pictures, in float32 on the CPU.

    Raises:
        TensorError: a tensor is missing, unexpected, or of another shape.
        UnsupportedCheckpointError: transformers does not know the architecture.
    """
    model_class, config = choose_class(
        folder, "AutoModel", (MODEL_MAPPING,), "model for pictures and texts"
    )
    for method in ("get_text_features", "get_image_features"):
        if not hasattr(model_class, method):
            raise UnsupportedCheckpointError(
                folder.where("config.json"),
                f"is run by {model_class.__name__}, which has no {method}",
            )
    if folder.is_open_clip:
        tensors = dict(translate_tensors(tensors))
    return build_model(folder, model_class, config, tensors, optional=(_COMPUTED,))


class _Parts:
    """What the networks for texts and for pictures share.

    Attributes:
        model: the model of transformers.
        device: where it is.
        dtype: the type of its arithmetic.
    """

    def __init__(
        self, model: PreTrainedModel, encoding: ImageTextEncoding, dim: int, placement: Placement
    ) -> None:
        """Take a model that is on its device."""
        self.model: Any = model
        self.device = placement.device
        self.dtype = placement.dtype
        self._dim = dim
        self._scaled = encoding.normalized

    def vectors(self, outputs: Any) -> NDArray[np.float32]:
        """Return the vectors of an output of transformers: float32 ``[n_rows, dim]``."""
        # Versions before 5 return the vectors themselves.
        found: Tensor = getattr(outputs, "pooler_output", outputs)
        found = found[:, : self._dim].float()
        if self._scaled:
            found = nn.functional.normalize(found, dim=-1)
        array: NDArray[np.float32] = found.cpu().numpy()
        return array

    def place(self, array: NDArray[Any]) -> Tensor:
        """Return an array on the device."""
        return torch.from_numpy(array).to(self.device)


class TextFeatures:
    """The network for texts."""

    def __init__(self, parts: _Parts, tokenizer: TextTokenizer, memory_bytes: int) -> None:
        """Take the parts; the bytes of all weights count here."""
        self._parts = parts
        self._tokenizer = tokenizer
        self._memory_bytes = memory_bytes

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self._parts.device

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights of both networks take."""
        return self._memory_bytes

    def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
        """Yield batch by batch, longest rows first; see `Network.run`."""
        for batch in pack_padded(rows, max_rows=batch_size, pad_id=self._tokenizer.pad_id):
            (group,) = batch.groups
            yield batch.indices, self._run(batch), batch.counted.reshape(group.shape)

    @torch.inference_mode()
    def _run(self, batch: PackedBatch) -> NDArray[np.float32]:
        (group,) = batch.groups
        parts = self._parts
        inputs = {"input_ids": parts.place(batch.ids).view(group.shape)}
        if "attention_mask" in self._tokenizer.input_names:
            inputs["attention_mask"] = parts.place(batch.attended).view(group.shape).long()
        return parts.vectors(parts.model.get_text_features(**inputs))


class PictureFeatures:
    """The network for pictures."""

    def __init__(self, parts: _Parts) -> None:
        """Take the parts."""
        self._parts = parts

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self._parts.device

    @property
    def memory_bytes(self) -> int:
        """None of its own; see `TextFeatures`."""
        return 0

    def run(self, rows: Sequence[PictureRow], batch_size: int | None) -> Iterator[Output]:
        """Yield batch by batch, those with the most patches first."""
        for indices, batch in picture_batches(rows, batch_size):
            yield indices, self._run(batch), np.ones((len(indices), 1), dtype=np.bool_)

    @torch.inference_mode()
    def _run(self, batch: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        parts = self._parts
        inputs = {name: parts.place(array) for name, array in batch.items()}
        inputs["pixel_values"] = inputs["pixel_values"].to(parts.dtype)
        return parts.vectors(parts.model.get_image_features(**inputs))
