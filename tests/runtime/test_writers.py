"""The layers that write captions: which run, with which arithmetic, and how often they read a picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import torch
import transformers
from tests.runtime.image_models import blip, blip_2, blip_2_t5, git, vit_gpt2
from tests.runtime.test_captioner import PICTURES, record_of

from holotype import load
from holotype.encoders.checkpoints.captioner import CAPTIONERS
from holotype.encoders.torch_backend.captioner import CACHE_ARGUMENT
from holotype.encoders.torch_backend.pre_norm_encoder import PreNormEncoder
from holotype.encoders.torch_backend.words_cache import Words

Make: TypeAlias = Callable[[Path], Any]
MAKERS: dict[str, tuple[str, Make]] = {
    "blip": ("blip", blip),
    "git": ("git", git),
    "opt": ("blip-2", blip_2),
    "gpt2": ("vision-encoder-decoder", vit_gpt2),
}


def captions_of(folder: Path, **options: Any) -> Any:
    given = {name: options.pop(name) for name in ("dtype",) if name in options}
    captioner: Any = load(record_of(**options), checkpoint=folder, device="cpu", **given)
    return captioner._towers.network._model


def layers_of(model: Any) -> Any:
    if hasattr(model, "text_decoder"):
        return model.text_decoder.bert.encoder.layer
    if hasattr(model, "git"):
        return model.git.encoder.layer
    if hasattr(model, "decoder"):
        return model.decoder.transformer.h
    return model.language_model.model.decoder.layers


@pytest.mark.parametrize("writer", MAKERS)
@pytest.mark.parametrize("n_beams", [1, 3])
def test_logits_are_as_near_to_those_in_float64_as_those_of_transformers(
    writer: str, n_beams: int, tmp_path: Path
) -> None:
    kind, make = MAKERS[writer]
    make(tmp_path)
    model: Any = getattr(transformers, CAPTIONERS[kind]).from_pretrained(tmp_path).eval()
    captions = captions_of(tmp_path, max_new_tokens=9, num_beams=n_beams)
    pixels = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    options = {"max_new_tokens": 9, "num_beams": n_beams}
    ours, others = logits_of(captions, model, pixels, **options)
    with torch.inference_mode():
        exact = model.double().generate(
            pixel_values=pixels.double(),
            **options,
            return_dict_in_generate=True,
            output_logits=True,
        )
    right = torch.stack(exact.logits)
    assert (ours - right).abs().mean() <= 2 * (others - right).abs().mean()


@torch.inference_mode()
def logits_of(captions: Any, model: Any, pixels: Any, **options: Any) -> Any:
    """Return the logits of all steps, ours and those of transformers, which chose the same tokens."""
    options |= {"pixel_values": pixels, "return_dict_in_generate": True, "output_logits": True}
    ours = captions._model.generate(**options, **{CACHE_ARGUMENT: captions._empty_cache()})
    others = model.generate(**options)
    assert torch.equal(ours.sequences, others.sequences)
    return torch.stack(ours.logits), torch.stack(others.logits)


@pytest.mark.parametrize("writer", MAKERS)
def test_all_layers_are_called_as_one(writer: str, tmp_path: Path) -> None:
    MAKERS[writer][1](tmp_path)
    assert len(layers_of(captions_of(tmp_path)._model)) == 1


@pytest.mark.parametrize("writer", ["git", "opt", "gpt2"])
def test_half_precision_is_left_to_transformers(writer: str, tmp_path: Path) -> None:
    MAKERS[writer][1](tmp_path)
    captions = captions_of(tmp_path, dtype="bfloat16")
    assert len(layers_of(captions._model)) == 2
    captioner = load(record_of(max_new_tokens=4), checkpoint=tmp_path, dtype="bfloat16")
    assert all(0 < caption.score <= 1 for caption in captioner.caption(PICTURES))


def test_other_networks_for_texts_are_left_to_transformers(tmp_path: Path) -> None:
    blip_2_t5(tmp_path)
    assert captions_of(tmp_path)._empty_cache is None


def of_texts(config: Any) -> Any:
    return config.text_config


CHANGES: dict[str, tuple[str, Callable[[Any], Any], dict[str, Any]]] = {
    "opt-norms-after": ("opt", of_texts, {"do_layer_norm_before": False}),
    "opt-narrow-words": ("opt", of_texts, {"word_embed_proj_dim": 16}),
    "opt-no-bias": ("opt", of_texts, {"enable_bias": False}),
    "opt-plain-norms": ("opt", of_texts, {"layer_norm_elementwise_affine": False}),
    "opt-gelu": ("opt", of_texts, {"activation_function": "gelu"}),
    "gpt2-scales": (
        "gpt2",
        lambda config: config.decoder,
        {"scale_attn_by_inverse_layer_idx": True},
    ),
    "gpt2-unscaled": ("gpt2", lambda config: config.decoder, {"scale_attn_weights": False}),
    "gpt2-inner": ("gpt2", lambda config: config.decoder, {"n_inner": 50}),
    "gpt2-gelu": ("gpt2", lambda config: config.decoder, {"activation_function": "gelu"}),
    "gpt2-projection": ("gpt2", lambda config: config.encoder, {"hidden_size": 48}),
    "git-tanh": ("git", lambda config: config, {"hidden_act": "gelu_new"}),
    "git-relu": ("git", lambda config: config, {"hidden_act": "relu"}),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("n_beams", [1, 3])
def test_settings_of_a_network_count(change: str, n_beams: int, tmp_path: Path) -> None:
    writer, part, settings = CHANGES[change]
    kind, make = MAKERS[writer]
    make(tmp_path)
    model_class = getattr(transformers, CAPTIONERS[kind])
    stated = model_class.from_pretrained(tmp_path).generation_config
    config = model_class.config_class.from_pretrained(tmp_path)
    for name, value in settings.items():
        setattr(part(config), name, value)
    torch.manual_seed(5)
    model = model_class(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1 or name.endswith("bias"):
                parameter.normal_(0, 0.3)
    model.generation_config = stated
    model.save_pretrained(tmp_path)
    captions = captions_of(tmp_path, max_new_tokens=6, num_beams=n_beams)
    pixels = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    ours, others = logits_of(captions, model, pixels, max_new_tokens=6, num_beams=n_beams)
    assert (ours - others).abs().max() <= 1e-5 * others.abs().max()


@pytest.mark.parametrize("writer", MAKERS)
def test_a_picture_is_read_once_and_not_once_a_beam(
    writer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    MAKERS[writer][1](tmp_path)
    captions = captions_of(tmp_path, max_new_tokens=3, num_beams=3)
    seen: list[int] = []
    run = PreNormEncoder.forward

    def watch(self: Any, inputs_embeds: Any, *given: Any, **options: Any) -> Any:
        seen.append(len(inputs_embeds))
        return run(self, inputs_embeds, *given, **options)

    monkeypatch.setattr(PreNormEncoder, "forward", watch)
    captions._write(torch.randn(2, 3, 32, 32).numpy())
    assert seen == [2]


def test_words_go_on_from_other_rows() -> None:
    words = Words(n_layers=1, n_new=2)
    parts = torch.randn(2, 3, 2, 4, 5)
    words.add(0, parts)
    words.n_tokens += 4
    assert words.get_seq_length() == 4
    assert words.get_mask_sizes(1, 0) == (5, 0)
    words.reorder_cache(torch.tensor([2, 0, 0]))
    more = torch.randn(2, 3, 2, 1, 5)
    keys, values = words.add(0, more)
    expected = torch.cat([parts[:, [2, 0, 0]], more], dim=3)
    assert torch.equal(torch.stack([keys, values]), expected)
    words.pictures = [(torch.zeros(1, 2, 7, 5), torch.zeros(1, 2, 7, 5))]
    assert words.get_seq_length() == 11
