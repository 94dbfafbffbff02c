"""Networks that write captions, as transformers has them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from torch import Tensor
from transformers import Cache, GenerationConfig, GenerationMixin, PreTrainedModel

from holotype.encoders.checkpoints.captioner import CAPTIONERS, GENERATION_FILE
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.settings import CONFIG_FILE
from holotype.encoders.inputs.rows import PictureRow, picture_batches
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.encoders.kinds.captioner import CaptionerEncoding, longest_caption
from holotype.encoders.kinds.plan import CaptionerPlan
from holotype.encoders.running.captions import Writers, Written, n_until_end
from holotype.encoders.running.network import OutputOf
from holotype.encoders.torch_backend.backbone import Placement, weight_bytes
from holotype.encoders.torch_backend.forwards import replace_linears
from holotype.encoders.torch_backend.network import TorchNetwork
from holotype.encoders.torch_backend.pre_norm_encoder import replace_encoders
from holotype.encoders.torch_backend.quiet import without_messages
from holotype.encoders.torch_backend.tensors import read_tensors
from holotype.encoders.torch_backend.tokenizer import load_tokenizer
from holotype.encoders.torch_backend.weights import build_model, read_config
from holotype.encoders.torch_backend.writers import replace_writer
from holotype.errors import CheckpointError

# GPT-2 kept its causal mask as a tensor.
_COMPUTED = re.compile(r"(^|\.)position_ids$|\.(attn|crossattention)\.(masked_)?bias$")
_GENERATION: Any = GenerationMixin
_PREPARED = inspect.signature(_GENERATION.prepare_inputs_for_generation).parameters
CACHE_ARGUMENT = "cache" if "cache" in _PREPARED else "past_key_values"
"""Under which name networks take the keys and values of earlier tokens: transformers 5.24 changed it."""
_AT_ONCE = 16
"""How many captions are written at once: each step keeps the logits of all tokens."""


def build_captioner(plan: CaptionerPlan, placement: Placement) -> Writers:
    """Load the weights of a model that writes captions; see `build`."""
    folder = plan.settings.transformer
    model = load_captioner_model(folder, plan.encoding.model_type, read_tensors(folder))
    tokenizer = load_tokenizer(folder, lower_case=plan.settings.lower_case)
    move: Any = model.to
    model = move(device=placement.device, dtype=placement.dtype)
    memory_bytes = weight_bytes(model)
    replace_encoders(model)
    prompt = prompt_ids(plan.encoding, tokenizer, model.config)
    if prompt is None:
        _check_beginning(folder, model, plan.encoding.model_type)
    n_shown = _n_shown(model, plan.encoding.model_type, prompt)
    longest = longest_caption(plan.encoding, plan.limits, n_shown, plan.record.id)
    n_new = longest - n_shown
    with torch.inference_mode():
        empty_cache = replace_writer(
            model, n_beams=plan.encoding.num_beams, n_new=n_new, cache_argument=CACHE_ARGUMENT
        )
        memory_bytes += _replace_maps(model)
    captions = Captions(
        model,
        plan.encoding,
        prompt,
        n_new,
        placement,
        memory_bytes=memory_bytes,
        empty_cache=empty_cache,
    )
    return Writers(network=TorchNetwork(captions), tokenizer=tokenizer, dtype=placement.name)


def _check_beginning(folder: Checkpoint, model: Any, model_type: str) -> None:
    """Check that the settings name the token with which captions begin without a prompt."""
    name, key = "config.json", "bos_token_id"
    token: int | None = 0
    if model_type == "blip":
        # It gives the network two tokens, and leaves out the second.
        key, token = "text_config.eos_token_id", model.config.text_config.eos_token_id
    elif model_type == "git":
        name = GENERATION_FILE if folder.has(GENERATION_FILE) else name
        token = model.generation_config.bos_token_id
    elif model_type == "vision-encoder-decoder":
        name = GENERATION_FILE if folder.has(GENERATION_FILE) else name
        key, token = "decoder_start_token_id", decoder_start(model)
    if token is None:
        raise CheckpointError(
            folder.where(name),
            f"{key!r} is None; expected the id of a token, which captions without a prompt begin with",
        )


def _replace_maps(model: Any) -> int:
    """Let the maps of a model run faster, and return how many bytes that adds."""
    writer = writer_of(model)
    words, last = writer.get_input_embeddings(), writer.get_output_embeddings()
    replace_linears(model)
    # The table of the words stays as it is where the last map has been laid out anew.
    replaced = writer.get_output_embeddings() is not last
    return last.weight.nbytes if replaced and last.weight is words.weight else 0


def load_captioner_model(
    folder: Checkpoint, model_type: str, tensors: Mapping[str, Tensor]
) -> PreTrainedModel:
    """Build a model that writes captions, in float32 on the CPU.

    Raises:
        CheckpointError: a file says what transformers cannot read.
        TensorError: a tensor is missing, unexpected, or of another shape.
    """
    raw = folder.json(CONFIG_FILE)
    config = read_config(folder, raw, with_own_code=False)
    model_class: type[PreTrainedModel] = getattr(transformers, CAPTIONERS[model_type])
    model = build_model(folder, model_class, config, tensors, optional=(_COMPUTED,))
    name = GENERATION_FILE if folder.has(GENERATION_FILE) else CONFIG_FILE
    try:
        if name == GENERATION_FILE:
            stated = GenerationConfig.from_pretrained(folder.folder, local_files_only=True)
        else:
            stated = GenerationConfig.from_model_config(dict(raw.values))
    # As of other configurations, anything is raised for what a file says.
    except Exception as error:
        raise CheckpointError(
            folder.where(name), f"cannot be read by transformers: {error}"
        ) from error
    model.generation_config = stated
    return model


class Captions:
    """A model that writes captions for pictures."""

    def __init__(
        self,
        model: PreTrainedModel,
        encoding: CaptionerEncoding,
        prompt: Sequence[int] | None,
        n_new: int,
        placement: Placement,
        *,
        memory_bytes: int,
        empty_cache: Callable[[], Cache] | None,
    ) -> None:
        """Take a model that is on its device.

        Args:
            model: it.
            encoding: how captions are generated.
            prompt: see `prompt_ids`.
            n_new: how many tokens follow it at most.
            placement: where and in which type it runs.
            memory_bytes: how many bytes its weights take.
            empty_cache: what makes the cache of a call; None for that of transformers.
        """
        self._model: Any = model
        self._placement = placement
        self._memory_bytes = memory_bytes
        self._prompt = prompt
        self._options = {
            **encoding.options,
            "max_length": None,
            "max_new_tokens": n_new,
            "do_sample": False,
            "use_cache": True,
            "return_dict_in_generate": True,
            "output_logits": True,
            # What the settings of a checkpoint may ask for besides is read by none.
            "output_scores": False,
            "output_attentions": False,
            "output_hidden_states": False,
            "num_return_sequences": 1,
        }
        self._empty_cache = empty_cache
        self._writes_after_start = encoding.model_type == "vision-encoder-decoder"
        _, self._ends = ends_of(model, encoding.model_type)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self._placement.device

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take on the device."""
        return self._memory_bytes

    def run(
        self, rows: Sequence[PictureRow], batch_size: int | None
    ) -> Iterator[OutputOf[list[Written]]]:
        """Yield the captions of each batch; see `Network.run`."""
        for indices, batch in picture_batches(rows, batch_size or _AT_ONCE):
            counted = np.ones((len(indices), 1), dtype=np.bool_)
            yield indices, self._write(batch["pixel_values"]), counted

    @torch.inference_mode()
    def _write(self, pixels: NDArray[np.float32]) -> list[Written]:
        inputs: dict[str, Any] = {
            "pixel_values": torch.from_numpy(pixels).to(self.device, self._placement.dtype)
        }
        if self._prompt is not None:
            ids = torch.tensor([list(self._prompt)] * len(pixels), device=self.device)
            if self._writes_after_start:
                inputs["decoder_input_ids"] = ids
            else:
                inputs["input_ids"] = ids
                inputs["attention_mask"] = torch.ones_like(ids)
        if self._empty_cache is not None:
            inputs[CACHE_ARGUMENT] = self._empty_cache()
        with without_messages("transformers.generation.utils"):
            found = self._model.generate(**inputs, **self._options)
        return self._read(found)

    def _read(self, found: Any) -> list[Written]:
        sequences: Tensor = found.sequences
        logs = _log_probabilities(sequences, found.logits, getattr(found, "beam_indices", None))
        n_new = logs.shape[1]
        written = []
        for ids, scores in zip(sequences.tolist(), logs.tolist(), strict=True):
            start = len(ids) - n_new
            n_kept = n_until_end(ids[start:], self._ends)
            chosen = scores[:n_kept]
            mean = sum(chosen) / len(chosen) if chosen else 0.0
            written.append(Written(ids=tuple(ids[: start + n_kept]), log_probability=mean))
        return written


def _log_probabilities(sequences: Tensor, logits: Sequence[Tensor], rows: Tensor | None) -> Tensor:
    """Return the logarithms of the probabilities of the tokens that were written.

    Args:
        sequences: the captions: ``[n_captions, n_tokens]``.
        logits: those of each step: ``[n_rows, vocab_size]``.
        rows: the row of each step from which a token was taken, below 0 behind the end of a
            caption: ``[n_captions, n_steps]``; None where a caption has one row.

    Returns:
        ``[n_captions, n_new]``.
    """
    if rows is None:
        rows = torch.arange(len(sequences), device=sequences.device)[:, None]
        rows = rows.expand(-1, len(logits))
    n_new = int((rows >= 0).sum(dim=1).max())
    rows = rows[:, :n_new].clamp(min=0)
    tokens = sequences[:, sequences.shape[1] - n_new :]
    found = [
        (step[rows[:, at], tokens[:, at]] - step.logsumexp(dim=-1)[rows[:, at]])
        for at, step in enumerate(logits[:n_new])
    ]
    return torch.stack(found, dim=1)


def prompt_ids(
    encoding: CaptionerEncoding, tokenizer: TextTokenizer, config: Any
) -> list[int] | None:
    """Return the tokens that the network is given with a picture; None for those of its own.

    Args:
        encoding: the prompt, and how the architecture reads it.
        tokenizer: the checkpoint's tokenizer.
        config: the configuration of the model.

    Raises:
        CheckpointError: the vocabulary cannot read the prompt.
    """
    if not encoding.prompt:
        return None
    (text,) = tokenizer.encode([encoding.prompt], max_length=None)
    if encoding.model_type == "git":
        # The end of the prompt would be that of the caption.
        (bare,) = tokenizer.encode_bare([encoding.prompt], max_length=None)
        return [text.ids[0], *bare.ids]
    if encoding.model_type == "blip-2":
        return [config.image_token_index] * config.num_query_tokens + text.ids
    return text.ids


def decoder_start(model: Any) -> int | None:
    """Return the token with which a decoder begins to write; None if nothing states one."""
    stated = model.generation_config
    found: int | None = stated.decoder_start_token_id
    return stated.bos_token_id if found is None else found


def _n_shown(model: Any, model_type: str, prompt: Sequence[int] | None) -> int:
    """Return how many tokens captions begin with, as `generate` counts them."""
    if model_type == "vision-encoder-decoder":
        return 1 + len(prompt or ())
    if writer_of(model).config.is_encoder_decoder:
        return 1
    if prompt is None:
        return 1 + (model.config.num_query_tokens if model_type == "blip-2" else 0)
    # BLIP leaves the end of the prompt out itself.
    return len(prompt) - 1 if model_type == "blip" else len(prompt)


def writer_of(model: Any) -> Any:
    """Return the part of a model that writes: BLIP and BLIP-2 leave it to the network for texts."""
    writer = getattr(model, "text_decoder", None) or getattr(model, "language_model", None)
    return model if writer is None else writer


def ends_of(model: Any, model_type: str) -> tuple[frozenset[int], frozenset[int]]:
    """Return the tokens at which writing stops, and those at which a caption ends."""
    text_config = model.config.get_text_config(decoder=True)
    if model_type == "blip":
        stops = _numbers([text_config.sep_token_id])
        return stops, stops
    stops = _numbers([writer_of(model).generation_config.eos_token_id])
    return stops, stops | _numbers([text_config.eos_token_id])


def _numbers(values: Sequence[Any]) -> frozenset[int]:
    several = [value if isinstance(value, list | tuple) else [value] for value in values]
    return frozenset(id for group in several for id in group if id is not None)
