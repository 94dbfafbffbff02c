"""What OpenCLIP's configuration says, as transformers would have written it.

OpenCLIP describes a model in `open_clip_config.json`, in its own words, and names its tensors as
OpenAI's first code did. Its plain models for pictures and texts are CLIP models; what it builds
otherwise (networks of timm and of transformers, CoCa, other heads and poolings) has settings that
are not those of a CLIP model, and is refused by them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from holotype.encoders.checkpoints.json_file import JsonFile
from holotype.errors import UnsupportedCheckpointError

OPEN_CLIP_FILE = "open_clip_config.json"
OPEN_CLIP_WEIGHTS = "open_clip_model.safetensors"
OPEN_CLIP_PICKLE = "open_clip_pytorch_model.bin"
OPEN_CLIP_DEFAULTS = "OpenCLIP's default"
"""What says a value that the configuration leaves out."""

# No network is known that has a tenth of it.
_MOST_TIMES_AS_WIDE = 100
_MEAN = (0.48145466, 0.4578275, 0.40821073)
_STD = (0.26862954, 0.26130258, 0.27577711)
_FILTERS = {"bicubic": 3, "bilinear": 2, "random": 3}
"""Pillow's numbers; a filter at random is for training, and evaluation takes bicubic."""
_CORNERS = {"shortest": True, "squash": False}
"""The ways of resizing, and whether what is left over is cut off."""

# The settings of which a CLIP model has any value. Those that only training reads are among them.
_FREE = {
    "model_cfg": frozenset(
        {"embed_dim", "vision_cfg", "text_cfg", "quick_gelu", "custom_text", "init_logit_scale"}
        | {"nonscalar_logit_scale"}
    ),
    "vision_cfg": frozenset(
        {"layers", "width", "head_width", "mlp_ratio", "patch_size", "image_size"}
        | {"patch_dropout", "output_tokens", "attn_pooler_queries", "attn_pooler_heads"}
        | {"timm_model_pretrained", "timm_pool", "timm_proj", "timm_proj_bias", "timm_drop"}
        | {"timm_drop_path"}
    ),
    "text_cfg": frozenset(
        {"context_length", "vocab_size", "width", "heads", "layers", "mlp_ratio", "pad_id"}
        | {"eos_id", "output_tokens", "hf_model_pretrained", "hf_proj_type", "hf_pooler_type"}
    ),
    "preprocess_cfg": frozenset({"size", "mean", "std", "interpolation", "resize_mode"}),
}
# The settings of which a CLIP model has one value beside those that switch something off.
_FIXED = {
    "mode": "RGB",
    "block_type": "default",
    "pool_type": "argmax",
    "pos_embed_type": "learnable",
    "proj_type": "linear",
}
_POOLS = {"vision_cfg": "tok", "text_cfg": "argmax"}

_TEXTS, _PICTURES = "model_cfg.text_cfg", "model_cfg.vision_cfg"
STANDS_AT: Mapping[str, Mapping[str, str]] = {
    "config.json": {
        "projection_dim": "model_cfg.embed_dim",
        "text_config.hidden_size": f"{_TEXTS}.width",
        "text_config.intermediate_size": f"{_TEXTS}.width * mlp_ratio",
        "text_config.num_hidden_layers": f"{_TEXTS}.layers",
        "text_config.num_attention_heads": f"{_TEXTS}.heads",
        "text_config.max_position_embeddings": f"{_TEXTS}.context_length",
        "text_config.vocab_size": f"{_TEXTS}.vocab_size",
        "vision_config.hidden_size": f"{_PICTURES}.width",
        "vision_config.intermediate_size": f"{_PICTURES}.width * mlp_ratio",
        "vision_config.num_hidden_layers": f"{_PICTURES}.layers",
        "vision_config.num_attention_heads": f"{_PICTURES}.width // head_width",
        "vision_config.image_size": f"{_PICTURES}.image_size",
        "vision_config.patch_size": f"{_PICTURES}.patch_size",
    },
    "preprocessor_config.json": {
        "image_mean": "preprocess_cfg.mean",
        "image_std": "preprocess_cfg.std",
        "resample": "preprocess_cfg.interpolation",
        "do_convert_rgb": "preprocess_cfg.mode",
    },
}
"""Where OpenCLIP's configuration has what `translate` returns, by the paths of the latter."""

_NEVER_STATED: Mapping[str, tuple[str, ...]] = {
    "config.json": (),
    "preprocessor_config.json": ("do_rescale", "rescale_factor"),
}
"""What OpenCLIP does to every picture, whatever its configuration says."""


def assumed(file: JsonFile, name: str) -> Mapping[str, str]:
    """Return which values of `translate` are defaults, by their paths in one of its files.

    Args:
        file: OpenCLIP's configuration.
        name: the file of transformers.
    """
    left_out = [at for at, place in STANDS_AT[name].items() if not _states(file, place)]
    return dict.fromkeys((*left_out, *_NEVER_STATED[name]), OPEN_CLIP_DEFAULTS)


def _states(file: JsonFile, place: str) -> bool:
    """Whether the configuration has a value at a place, such as `model_cfg.text_cfg.width`."""
    value: object = file.values
    for key in place.split(" ")[0].split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value is not None


def translate(file: JsonFile) -> Mapping[str, Mapping[str, Any]]:
    """Return what transformers would have written, by the names of its files.

    Raises:
        CheckpointError: a value is of another type.
        UnsupportedCheckpointError: it is no CLIP model.
    """
    model = _part(file, "model_cfg")
    pictures, texts = _part(model, "vision_cfg"), _part(model, "text_cfg")
    prepared = file.part("preprocess_cfg") or JsonFile(file.name, {}, file.location)
    for name, part in (
        ("model_cfg", model),
        ("vision_cfg", pictures),
        ("text_cfg", texts),
        ("preprocess_cfg", prepared),
    ):
        _refuse_others(name, part)
    side = _count(pictures, "image_size", 224)
    activation = model.boolean("quick_gelu")
    common = {
        "hidden_act": "quick_gelu" if activation and activation.value else "gelu",
        "layer_norm_eps": 1e-5,
    }
    dim = _count(model, "embed_dim", None)
    text_width, width = _count(texts, "width", 512), _count(pictures, "width", 768)
    return {
        "config.json": {
            "model_type": "clip",
            "architectures": ["CLIPModel"],
            "projection_dim": dim,
            "text_config": {
                **common,
                "hidden_size": text_width,
                "intermediate_size": _inner(texts, text_width),
                "num_hidden_layers": _count(texts, "layers", 12),
                "num_attention_heads": _count(texts, "heads", 8),
                "max_position_embeddings": _count(texts, "context_length", 77),
                "vocab_size": _count(texts, "vocab_size", 49408),
                "projection_dim": dim,
                # A text is read where its greatest token stands, which this number means.
                "eos_token_id": 2,
            },
            "vision_config": {
                **common,
                "hidden_size": width,
                "intermediate_size": _inner(pictures, width),
                "num_hidden_layers": _count(pictures, "layers", 12),
                "num_attention_heads": width // _count(pictures, "head_width", 64),
                "image_size": side,
                "patch_size": _count(pictures, "patch_size", 16),
                "projection_dim": dim,
            },
        },
        "preprocessor_config.json": _preparation(prepared, side),
    }


def _preparation(file: JsonFile, side: int) -> Mapping[str, Any]:
    way = file.text("resize_mode")
    resampling = file.text("interpolation")
    mode = "shortest" if way is None else way.value
    chosen = "bicubic" if resampling is None else resampling.value
    if mode not in _CORNERS:
        raise _unsupported(file, "resize_mode", mode, " or ".join(map(repr, _CORNERS)))
    if chosen not in _FILTERS:
        raise _unsupported(file, "interpolation", chosen, " or ".join(map(repr, _FILTERS)))
    square = {"height": side, "width": side}
    return {
        "image_processor_type": "CLIPImageProcessor",
        "do_resize": True,
        "size": {"shortest_edge": side} if _CORNERS[mode] else square,
        "do_center_crop": _CORNERS[mode],
        "crop_size": square,
        "resample": _FILTERS[chosen],
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": _stated(file, "mean", _MEAN),
        "image_std": _stated(file, "std", _STD),
        "do_convert_rgb": True,
    }


def _stated(file: JsonFile, key: str, usual: object) -> object:
    value = file.values.get(key)
    return usual if value is None else value


def _part(file: JsonFile, key: str) -> JsonFile:
    found = file.part(key)
    if found is None:
        raise file.wrong(key, None, "an object")
    return found


def _count(file: JsonFile, key: str, usual: int | None) -> int:
    """Return a number of which there is at least 1."""
    found = file.integer(key) if type(file.values.get(key)) is int else None
    value = file.values.get(key, usual) if found is None else found.value
    if type(value) is not int or value < 1:
        if isinstance(value, list):
            raise _unsupported(file, key, value, "one number")
        raise file.wrong(key, value, "a number of at least 1")
    return value


def _inner(file: JsonFile, width: int) -> int:
    ratio: Any = file.values.get("mlp_ratio", 4.0)
    if type(ratio) not in (int, float) or not 0 < ratio <= _MOST_TIMES_AS_WIDE:
        raise file.wrong("mlp_ratio", ratio, f"a number above 0, at most {_MOST_TIMES_AS_WIDE}")
    return max(1, int(width * ratio))


def _refuse_others(name: str, part: JsonFile) -> None:
    """Refuse settings by which a network is no CLIP model, and such as are not known here."""
    for key, value in part.values.items():
        if key in _FREE[name] or not value:
            continue
        usual = _POOLS.get(name) if key == "pool_type" else _FIXED.get(key)
        if value != usual:
            expected = "a configuration without it" if usual is None else repr(usual)
            raise _unsupported(part, key, value, expected)


def _unsupported(
    file: JsonFile, key: str, value: object, expected: str
) -> UnsupportedCheckpointError:
    return UnsupportedCheckpointError(
        file.location,
        f"has {file.path_of(key)} {value!r}; supported is {expected}: of OpenCLIP's models, those "
        "are run that are CLIP models. Take a repository of the same model that transformers reads, "
        "if there is one",
    )


_RENAMED = (
    (r"visual\.conv1\.", "vision_model.embeddings.patch_embedding."),
    (r"visual\.class_embedding", "vision_model.embeddings.class_embedding"),
    (r"visual\.positional_embedding", "vision_model.embeddings.position_embedding.weight"),
    (r"visual\.ln_pre\.", "vision_model.pre_layrnorm."),
    (r"visual\.ln_post\.", "vision_model.post_layernorm."),
    (r"visual\.proj", "visual_projection.weight"),
    (r"visual\.transformer\.resblocks\.", "vision_model.encoder.layers."),
    (r"token_embedding\.", "text_model.embeddings.token_embedding."),
    (r"positional_embedding", "text_model.embeddings.position_embedding.weight"),
    (r"transformer\.resblocks\.", "text_model.encoder.layers."),
    (r"ln_final\.", "text_model.final_layer_norm."),
    (r"text_projection", "text_projection.weight"),
)
_IN_LAYERS = (
    (".ln_1.", ".layer_norm1."),
    (".ln_2.", ".layer_norm2."),
    (".attn.out_proj.", ".self_attn.out_proj."),
    (".mlp.c_fc.", ".mlp.fc1."),
    (".mlp.c_proj.", ".mlp.fc2."),
)
_JOINED = re.compile(r"(.*)\.attn\.in_proj_(weight|bias)")
_TRANSPOSED = frozenset({"visual.proj", "text_projection"})
_TEXT = "text."
"""Before the names of the network for texts, where it is a module of its own."""


def translate_tensors(tensors: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the tensors of OpenCLIP as transformers names them; those it does not know stay.

    Args:
        tensors: arrays or tensors by their names.
    """
    for name, tensor in tensors.items():
        plain = name.removeprefix(_TEXT)
        if plain == "logit_scale":
            yield name, tensor.reshape(())
            continue
        renamed = _renamed(plain)
        joined = _JOINED.fullmatch(renamed)
        if joined is None:
            yield renamed, tensor.T if plain in _TRANSPOSED else tensor
            continue
        if not tensor.shape or tensor.shape[0] % 3:
            # Its parts are missing then, which is told where tensors are compared.
            yield renamed, tensor
            continue
        rows = tensor.shape[0] // 3
        for at, part in enumerate(("q_proj", "k_proj", "v_proj")):
            split = tensor[at * rows : (at + 1) * rows]
            yield f"{joined[1]}.self_attn.{part}.{joined[2]}", split


def _renamed(name: str) -> str:
    for pattern, begins in _RENAMED:
        found = re.match(pattern, name)
        if found is not None:
            name = begins + name[found.end() :]
            break
    for theirs, ours in _IN_LAYERS:
        name = name.replace(theirs, ours)
    return name
