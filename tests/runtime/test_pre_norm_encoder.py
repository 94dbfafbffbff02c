"""Networks for pictures by faster maps: which are, with which arithmetic, and the same results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.runtime.image_models import (
    blip,
    blip_2,
    chinese_clip,
    clip,
    git,
    metaclip_2,
    siglip,
    siglip2,
    siglip2_fixed,
    vit_gpt2,
)
from torch import nn
from transformers import CLIPVisionConfig, CLIPVisionModel, ViTConfig, ViTModel

from holotype import load
from holotype.encoders.torch_backend import linear_map, pre_norm_encoder
from holotype.encoders.torch_backend.pre_norm_encoder import PreNormEncoder, replace_encoders


def vision(activation: str = "quick_gelu", **changes: Any) -> Any:
    torch.manual_seed(0)
    config = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=28,
        patch_size=7,
        hidden_act=activation,
        **changes,
    )
    model: Any = CLIPVisionModel(config)
    model.eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    return model


@torch.inference_mode()
def results(model: Any, n_rows: int, dtype: torch.dtype = torch.float32) -> Any:
    pixels = torch.randn(n_rows, 3, 28, 28, generator=torch.Generator().manual_seed(1))
    found = model(pixel_values=pixels.to(dtype))
    return found.last_hidden_state.float().numpy(), found.pooler_output.float().numpy()


def assert_near(found: Any, expected: Any, tolerance: float) -> None:
    for one, other in zip(found, expected, strict=True):
        assert np.abs(one - other).max() <= tolerance * np.abs(other).max()


@pytest.mark.parametrize("n_rows", [1, 2, 40, 70])
@pytest.mark.parametrize("activation", ["quick_gelu", "gelu", "gelu_pytorch_tanh", "relu"])
def test_every_activation_and_number_of_pictures(activation: str, n_rows: int) -> None:
    model = vision(activation)
    theirs = results(model, n_rows)
    replace_encoders(model)
    assert isinstance(model.encoder, PreNormEncoder)
    assert_near(results(model, n_rows), theirs, 1e-5)


@pytest.mark.parametrize("activation", ["quick_gelu", "gelu_pytorch_tanh"])
def test_half_precision_loses_no_more_than_that_of_transformers(activation: str) -> None:
    exact = results(vision(activation), 4)
    model = vision(activation).to(torch.bfloat16)
    theirs = results(model, 4, torch.bfloat16)
    replace_encoders(model)
    ours = results(model, 4, torch.bfloat16)
    for own, other, right in zip(ours, theirs, exact, strict=True):
        assert np.abs(own - right).mean() <= 1.2 * np.abs(other - right).mean()


def test_devices_without_one_dnn_get_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (linear_map, pre_norm_encoder):
        monkeypatch.setattr(module, "one_dnn_multiplies", lambda *_: False)
    model = vision()
    theirs = results(model, 3)
    replace_encoders(model)
    assert isinstance(model.embeddings.patch_embedding, nn.Conv2d)
    assert_near(results(model, 3), theirs, 1e-5)


@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("n_rows", [1, 40])
def test_a_vit_gives_the_same(has_bias: bool, n_rows: int) -> None:
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    config: Any = ViTConfig(
        **sizes, num_attention_heads=2, image_size=28, patch_size=7, qkv_bias=has_bias
    )
    model: Any = ViTModel(config)
    model.eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    theirs = results(model, n_rows)
    replace_encoders(model)
    assert any(isinstance(one, PreNormEncoder) for one in model.modules())
    assert_near(results(model, n_rows), theirs, 1e-5)


def test_one_picture_is_not_padded(monkeypatch: pytest.MonkeyPatch) -> None:
    model = vision()
    replace_encoders(model)
    seen: set[int] = set()
    for layer in model.encoder._layers:
        mapped = layer.query_key_value
        run = mapped._run

        def watch(vectors: Any, *options: Any, run: Any = run) -> Any:
            seen.add(vectors.shape[0])
            return run(vectors, *options)

        monkeypatch.setattr(mapped, "_run", watch)
    results(model, 1)
    assert seen == {17}


def modules_of(encoder: Any) -> list[nn.Module]:
    if hasattr(encoder, "caption"):
        model: Any = encoder._towers.network._model._model
    else:
        model = encoder._towers.pictures._model._parts.model
    return list(model.modules())


@pytest.mark.parametrize(
    ("make", "n_encoders"),
    [
        (clip, 2),
        (metaclip_2, 2),
        (siglip, 2),
        (siglip2, 2),
        (siglip2_fixed, 2),
        (chinese_clip, 1),
        (blip, 1),
        (blip_2, 1),
        (git, 1),
        (vit_gpt2, 1),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_the_encoders_of_an_architecture_are_replaced(
    make: Callable[[Path], Any], n_encoders: int, tmp_path: Path
) -> None:
    make(tmp_path)
    modules = modules_of(load(tmp_path, device="cpu"))
    assert sum(isinstance(one, PreNormEncoder) for one in modules) == n_encoders
    assert not any(isinstance(one, nn.Conv2d) for one in modules)
