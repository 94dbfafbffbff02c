"""Late interaction with pictures of pages, as transformers has it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import Idefics3Model, Idefics3PreTrainedModel, PreTrainedModel

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.visual import USUAL_DIM, VISUAL
from holotype.encoders.inputs.page_prompts import PagePrompt, make_page_prompt, places_in_grid
from holotype.encoders.inputs.rows import PictureRow, Row, alike
from holotype.encoders.kinds.colbert import PictureSide
from holotype.encoders.kinds.plan import ColbertPlan
from holotype.encoders.running.network import Output, Tower, Towers
from holotype.encoders.torch_backend.backbone import Placement, require_embeddings, weight_bytes
from holotype.encoders.torch_backend.forwards import replace_linears
from holotype.encoders.torch_backend.network import TorchNetwork
from holotype.encoders.torch_backend.pre_norm_encoder import replace_encoders
from holotype.encoders.torch_backend.tensors import read_tensors
from holotype.encoders.torch_backend.tokenizer import load_tokenizer
from holotype.encoders.torch_backend.weights import build_model, read_config

_COMPUTED = re.compile(r"(^|\.)(position_ids|inv_freq)$")


def build_visual(
    plan: ColbertPlan, pictures: PictureSide, dim: int | None, placement: Placement
) -> Towers:
    """Load the weights of a model for pages; see `build`.

    Raises:
        CheckpointError: the vocabulary lacks a token that goes with every picture.
    """
    folder = plan.settings.transformer
    model = load_visual_model(folder, pictures.model_type, read_tensors(folder))
    tokenizer = load_tokenizer(folder, lower_case=plan.settings.lower_case)
    table: Any = model.get_input_embeddings()
    require_embeddings(folder.location, tokenizer, len(table.weight))
    move: Any = model.to
    model = move(device=placement.device, dtype=placement.dtype)
    width = dim or plan.encoding.native_dim
    n_parts = _n_patches(model) if pictures.begins else None
    memory_bytes = weight_bytes(model)
    replace_encoders(model)
    with torch.inference_mode():
        replace_linears(model)
    parts = _Parts(model, pictures, width, placement, memory_bytes)
    tower = Tower(TorchNetwork(QueryVectors(parts)), tokenizer)
    prompt = make_page_prompt(folder, pictures, tokenizer, n_parts=n_parts)
    return Towers(
        document=tower,
        query=tower,
        dtype=placement.name,
        pictures=TorchNetwork(PageVectors(parts, prompt)),
    )


def _n_patches(model: Any) -> int:
    """Return how many patches the pictures of a model have that all have one size."""
    vision = model.config.vlm_config.vision_config
    n_patches: int = (vision.image_size // vision.patch_size) ** 2
    return n_patches


class ColIdefics3(Idefics3PreTrainedModel):  # type: ignore[no-untyped-call]
    """ColSmol: a network of transformers and a projection, by the names of colpali-engine."""

    def __init__(self, config: Any) -> None:
        """Build the network; `build_model` fills it."""
        super().__init__(config)
        self.model = Idefics3Model(config)
        self.linear = nn.Linear(config.text_config.hidden_size, USUAL_DIM)
        finish: Any = self.post_init
        finish()

    @property
    def vlm(self) -> Any:
        """The network, as classes of transformers for late interaction name it."""
        return self.model

    @property
    def embedding_proj_layer(self) -> Any:
        """The projection, as those classes name it."""
        return self.linear

    def forward(self, **inputs: Tensor) -> Any:
        """Return the vectors of tokens, as those classes do."""
        states = self.model(**inputs, use_cache=False).last_hidden_state
        vectors = nn.functional.normalize(self.linear(states), dim=-1)
        return SimpleNamespace(embeddings=vectors)


def load_visual_model(
    folder: Checkpoint, kind: str, tensors: Mapping[str, Tensor]
) -> PreTrainedModel:
    """Build a model for pages, in float32 on the CPU.

    Raises:
        TensorError: a tensor is missing, unexpected, or of another shape.
    """
    config = read_config(folder, folder.json("config.json"), with_own_code=False)
    model_class: type[PreTrainedModel] = ColIdefics3
    if kind != "idefics3":
        model_class = getattr(transformers, VISUAL[kind])
    return build_model(folder, model_class, config, tensors, optional=(_COMPUTED,))


class _Parts:
    """What queries and pictures share.

    Attributes:
        device: where the weights are.
        memory_bytes: how many bytes they take.
        merge_side: how many patches below and beside each other become one part, where the network
            is told how they lie; None elsewhere.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        pictures: PictureSide,
        dim: int,
        placement: Placement,
        memory_bytes: int,
    ) -> None:
        self._model: Any = model
        self._dim = dim
        self._placement = placement
        self.device = placement.device
        self.memory_bytes = memory_bytes
        # All tokens see each other, as those of a prompt do.
        self._types_tokens = pictures.model_type == "colpali"
        side = pictures.pixels.merge_size or 1
        self.merge_side = side if pictures.model_type == "colqwen2" else None

    @torch.inference_mode()
    def vectors(self, ids: list[list[int]], **others: NDArray[Any]) -> NDArray[np.float32]:
        """Return the vectors of rows of one length: float32 ``[n_rows, n_tokens, dim]``."""
        tokens = torch.tensor(ids, dtype=torch.int64, device=self.device)
        inputs = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}
        if self._types_tokens:
            inputs["token_type_ids"] = torch.zeros_like(tokens)
        inputs |= {name: torch.from_numpy(array).to(self.device) for name, array in others.items()}
        if "pixel_values" in inputs:
            inputs["pixel_values"] = inputs["pixel_values"].to(self._placement.dtype)
        found: Tensor = self._model(**inputs).embeddings.float()
        if found.shape[-1] > self._dim:
            found = torch.nn.functional.normalize(found[..., : self._dim], dim=-1)
        array: NDArray[np.float32] = found.cpu().numpy()
        return array


class QueryVectors:
    """The network for queries."""

    def __init__(self, parts: _Parts) -> None:
        """Take the parts; the bytes of all weights count here."""
        self._parts = parts

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self._parts.device

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take."""
        return self._parts.memory_bytes

    def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
        """Yield batches of rows of one length; see `Network.run`."""
        for chosen in alike(rows, [row.n_tokens for row in rows], batch_size):
            vectors = self._parts.vectors([rows[at].ids for at in chosen])
            yield chosen, vectors, np.asarray([rows[at].counted for at in chosen], dtype=np.bool_)


class PageVectors:
    """The network for pictures."""

    def __init__(self, parts: _Parts, prompt: PagePrompt) -> None:
        """Take the parts, and the tokens that go with a picture."""
        self._parts = parts
        self._prompt = prompt

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self._parts.device

    @property
    def memory_bytes(self) -> int:
        """None of its own; see `QueryVectors`."""
        return 0

    def run(self, rows: Sequence[PictureRow], batch_size: int | None) -> Iterator[Output]:
        """Yield batches of pictures of one shape; see `Network.run`."""
        for chosen in alike(rows, [(row.pixels.shape, row.grid) for row in rows], batch_size):
            first = rows[chosen[0]]
            ids = self._prompt.ids(first)
            given: dict[str, NDArray[Any]] = {
                "pixel_values": np.stack([rows[at].pixels for at in chosen])
            }
            if self._parts.merge_side is not None and first.grid is not None:
                grid = np.asarray([[1, *first.grid]], dtype=np.int64)
                given["image_grid_thw"] = np.repeat(grid, len(chosen), axis=0)
                # Where nobody says this, transformers' class counts the parts one by one.
                n_down, n_across = (n // self._parts.merge_side for n in first.grid)
                places = places_in_grid(ids, self._prompt.picture, (n_down, n_across))
                given["position_ids"] = np.repeat(places.T[:, None], len(chosen), axis=1)
            vectors = self._parts.vectors([ids] * len(chosen), **given)
            yield chosen, vectors, np.ones(vectors.shape[:2], dtype=np.bool_)
