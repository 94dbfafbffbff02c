"""Whether the numbers of a `config.json` are possible, and those of the weights beside it.

Libraries build what a configuration says before they look at the weights: a wrong number fills the
memory, takes minutes, or ends in an error deep inside of them. The headers of the weights tell how
large a network is, so that both are compared before anything is built.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from holotype.encoders.checkpoints.checkpoint import EXPORT_FILE, Checkpoint
from holotype.encoders.checkpoints.json_file import JsonFile, Setting
from holotype.encoders.checkpoints.safetensors import Header
from holotype.encoders.checkpoints.settings import CLASSIFICATION, CONFIG_FILE
from holotype.errors import CheckpointError, UnsupportedCheckpointError

Shapes: TypeAlias = Mapping[str, tuple[int, ...]]

LAYERS = ("num_hidden_layers", "n_layers", "n_layer", "num_layers", "encoder_layers")
"""What configurations call the number of layers; of two stacks, T5 and BART count the encoder's."""
_PICTURE_LAYERS = ("depth",)
_WIDTHS = ("hidden_size", "d_model", "dim", "n_embd")
_TABLE_WIDTHS = ("embedding_size", "word_embed_proj_dim", "d_embed")
_INNER_WIDTHS = ("intermediate_size", "n_inner", "d_ff", "encoder_ffn_dim", "decoder_ffn_dim")
_HEADS = ("num_attention_heads", "n_heads", "n_head", "num_heads", "encoder_attention_heads")
_KEY_HEADS = "num_key_value_heads"
_SIZES = ("vocab_size", *_WIDTHS, *_TABLE_WIDTHS, *_INNER_WIDTHS, *_HEADS, _KEY_HEADS)
# Some networks have a number of these for each layer.
_CHANNELS = ("num_channels", "in_channels", "in_chans")
_MAY_DIFFER = {*_INNER_WIDTHS, *_HEADS, _KEY_HEADS, *_CHANNELS}
_PART_SIZES = (*_SIZES, "embed_dim")
_POSITIONS = ("max_position_embeddings", "n_positions")
# No network is known that has a tenth of one of these.
_MOST: Mapping[str, int] = {
    "vocab_size": 10_000_000,
    **dict.fromkeys((*_WIDTHS, *_TABLE_WIDTHS, *_INNER_WIDTHS, "hidden_dim"), 1_000_000),
    **dict.fromkeys((*LAYERS, *_PICTURE_LAYERS, "decoder_layers", "num_decoder_layers"), 1_000),
    **dict.fromkeys((*_HEADS, _KEY_HEADS, "decoder_attention_heads"), 10_000),
    **dict.fromkeys(("head_dim", "d_kv"), 100_000),
    **dict.fromkeys(_POSITIONS, 100_000_000),
    **dict.fromkeys(("type_vocab_size", "relative_attention_num_buckets"), 10_000),
    "num_labels": 100_000,
    # The pictures of a video, which GIT has a vector for each of.
    "num_image_with_embedding": 1_000,
    **dict.fromkeys(_CHANNELS, 100),
}
_MAY_BE_ZERO = {
    *("num_labels", "type_vocab_size", "decoder_layers", "num_decoder_layers"),
    "num_image_with_embedding",
}
# Positions that are learnt, and not computed from some base, have a table of this many rows.
_MOST_LEARNT_POSITIONS = 100_000
_FRACTIONS = re.compile(r"(.*_)?(dropout|drop|dropout_prob)")
_SMALL = re.compile(r".*_(eps|epsilon)")
_NUMBERS = re.compile(r".*_(theta|range)|rotary_emb_base")
_FUNCTIONS = ("hidden_act", "hidden_activation", "activation_function", "activation")
_TYPES = ("dtype", "torch_dtype")
_TYPE = re.compile(r"(torch\.)?(auto|half|float|double|(b?float|u?int)\d+(_\w+)?)")

_WORD_TABLE = re.compile(r"(^|\.)(word_embeddings|embed_tokens|wte|tok_embeddings|shared)\.weight$")
_OLD_STYLE = re.compile(r"(word_embeddings|wte)\.weight$")
_POSITION_TABLE = re.compile(r"(^|\.)(position_embeddings|wpe|embed_positions)\.weight$")
_SEGMENT_TABLE = re.compile(r"(^|\.)token_type_embeddings\.weight$")
_CLASSIFIER = re.compile(r"^(classifier|score|classification_head)\..*weight$")
LAYER = re.compile(r"^(?:[A-Za-z_]+\.)*?(?:layer|layers|h|block|blocks)\.(\d+)\.")
"""The name of a tensor of a layer, with the number of the layer."""
_DECODER = re.compile(r"^(model\.)?decoder\.")
_MORE_LAYERS = ("num_nextn_predict_layers", "num_mtp_layers", "mtp_num_layers")
# A configuration of one of several networks.
_PART = "_config"
# Those that take the vector at the end of a text, and those that stop writing there if there is
# one.
_READ_AT_END, _ENDS_OR_NOTHING = ("clip", "metaclip_2"), ("blip",)
_WRITE_FROM_BEGINNING = ("blip",)
# What transformers takes where a file says nothing.
_USUAL_SECTIONS: Mapping[str, list[int]] = {
    name: [16, 24, 24] for name in ("qwen2_vl_text", "qwen2_5_vl_text")
}
_NETWORKS = ("text_config", "vision_config", "qformer_config", "vlm_config")
# What is computed, and no weight: positions, segments, causal masks, counts of training.
_COMPUTED = re.compile(
    r"(^|\.)(\w*_ids|\w*_index|masked_bias|attn\.bias|(cross)?attention\.bias|num_batches_tracked)$"
)


def check_network(transformer: Checkpoint, *, whole: bool = True) -> None:
    """Check what the configuration of a transformer says of its size, alone and by the weights.

    Args:
        transformer: the folder of the transformer.
        whole: whether its numbers are those of all weights; of several networks in one checkpoint
            each is compared with the largest tensors of them all.

    Raises:
        CheckpointError: a number is impossible, or contradicts the weights.
        UnsupportedCheckpointError: it is an adapter, or a tensor is of a type that is no float.
    """
    transformer.refuse_adapter()
    config = transformer.json(CONFIG_FILE, optional=True)
    _check_alone(config)
    tensors = _tensors(transformer)
    # An export keeps a few tensors beside its graph, and says of the network what it was.
    if not tensors or transformer.whole.has(EXPORT_FILE):
        return
    if config.values.get("quantization_config"):
        return
    check_types(transformer)
    # Code of the checkpoint may mean something else by the same names.
    if "auto_map" in config.values and transformer.policy != "ignore":
        return
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    if whole:
        _check_by_weights(config, shapes)
    else:
        _check_parts_by_weights(config, shapes)


def check_defaults(config: JsonFile, taken: Mapping[str, Any], shapes: Shapes) -> None:
    """Check the sizes that a library takes for several networks where `config.json` says none.

    Args:
        config: the file.
        taken: what the library makes of it, with its own sizes in what the file leaves out.
        shapes: the shapes of all tensors, by their names.

    Raises:
        CheckpointError: a network would be larger than all weights together.
    """
    if not any(isinstance(taken.get(name), dict) for name in _NETWORKS):
        return
    left_out = dict.fromkeys(_left_out(config.values, taken), "the default of transformers")
    read = {**taken}
    # That network reads vectors, no words.
    if isinstance(queries := read.get("qformer_config"), dict):
        read["qformer_config"] = {**queries, "vocab_size": None}
    whole = JsonFile(config.name, read, config.location, assumed=left_out)
    _check_parts_by_weights(whole, shapes)
    _check_all_sections(whole)


def _part(config: JsonFile, key: str) -> JsonFile | None:
    """Return a part of a configuration; None if it is none, whatever stands there."""
    return config.part(key) if isinstance(config.values.get(key), dict) else None


def _networks(config: JsonFile) -> Iterator[JsonFile]:
    """Yield what a configuration says of each of its networks."""
    for key in _NETWORKS:
        part = _part(config, key)
        if part is not None:
            yield part


def _check_all_sections(config: JsonFile) -> None:
    for network in _networks(config):
        _check_sections(network)
        _check_all_sections(network)


def _left_out(
    stated: Mapping[str, object], taken: Mapping[Any, Any], within: str = ""
) -> Iterator[str]:
    """Yield the path of every value that a library takes and a file does not state."""
    for key, value in taken.items():
        known = stated.get(key)
        if known is None:
            yield f"{within}{key}"
        elif isinstance(known, dict) and isinstance(value, dict):
            yield from _left_out(known, value, f"{within}{key}.")


def _tensors(folder: Checkpoint) -> Header:
    """Return the tensors of a folder, as far as the headers of its files are at hand."""
    names = {folder.part(name).inside for name in folder.weight_names()}
    headers = [header for name, header in folder.headers.items() if name in names]
    return {name: tensor for header in headers for name, tensor in header.items()}


def _check_alone(config: JsonFile) -> None:
    _check_counts(config)
    _check_values(config)
    _check_padding(config)
    _check_layer_types(config)
    _check_all_sections(config)
    for key in config.values:
        part = _part(config, key) if key.endswith(_PART) else None
        if part is not None:
            _check_counts(part)
    _check_parts(config)


def _check_values(config: JsonFile) -> None:
    for key, value in config.values.items():
        expected = _expected(key, value)
        if expected is not None:
            raise config.wrong(key, value, expected)


def _check_parts(config: JsonFile) -> None:
    """Check what a configuration says of each of its networks, which may have parts as well."""
    for network in _networks(config):
        _check_counts(network)
        _check_values(network)
        _check_parts(network)
    texts = _part(config, "text_config")
    if texts is not None:
        kind = str(config.values.get("model_type"))
        if "eos_token_id" in texts.values:
            _check_end(texts, kind)
        if "bos_token_id" in texts.values and kind in _WRITE_FROM_BEGINNING:
            _check_beginning(texts)


def _check_sections(config: JsonFile) -> None:
    """Check how the dimensions of heads are shared among time, height and width."""
    for key in ("rope_parameters", "rope_scaling"):
        rope = _part(config, key)
        if rope is None:
            continue
        usual = _USUAL_SECTIONS.get(str(config.values.get("model_type")))
        sections: Any = rope.values.get("mrope_section", usual)
        if sections is None and "mrope_section" not in rope.values:
            continue
        if not (
            isinstance(sections, list)
            and len(sections) == 3
            and all(type(n) is int and n >= 0 for n in sections)
        ):
            raise rope.wrong("mrope_section", sections, "three numbers of dimensions")
        width, n_heads = config.integer("hidden_size"), config.integer("num_attention_heads")
        each = config.integer("head_dim")
        if each is None and width is not None and n_heads is not None:
            each = Setting(width.value // n_heads.value, width.file)
        # Some turn a part of the dimensions alone.
        is_partial = "partial_rotary_factor" in {**config.values, **rope.values}
        if each is not None and not is_partial and 2 * sum(sections) != each.value:
            raise rope.wrong(
                "mrope_section",
                sections,
                f"three numbers with the sum {each.value // 2}, half the dimensions of a head",
            )


def _check_end(texts: JsonFile, kind: str) -> None:
    """Check the token that ends texts, where the network itself looks for one."""
    end = texts.values["eos_token_id"]
    may_be = kind in _ENDS_OR_NOTHING and end is None
    if kind not in (*_READ_AT_END, *_ENDS_OR_NOTHING) or may_be:
        return
    if type(end) is not int or not 0 <= end < _MOST["vocab_size"]:
        raise texts.wrong("eos_token_id", end, "the id of a token")


def _check_beginning(texts: JsonFile) -> None:
    """Check the token that captions begin with, whose vector is looked up."""
    beginning, vocabulary = texts.values["bos_token_id"], texts.integer("vocab_size")
    n_tokens = _MOST["vocab_size"] if vocabulary is None else vocabulary.value
    if type(beginning) is not int or not 0 <= beginning < n_tokens:
        raise texts.wrong("bos_token_id", beginning, f"one of the {n_tokens:,} token ids")


def _check_counts(config: JsonFile) -> None:
    """Check the sizes of a network, or of one of several, such as that for pictures."""
    for key, value in config.values.items():
        if key in _MOST and not (isinstance(value, list) and key in _MAY_DIFFER):
            _check_count(config, key)


def _expected(key: str, value: object) -> str | None:
    """Return what should stand in the place of a value; None where it may stand there."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # Not a number, which JSON of Python has, is neither above nor below anything.
    is_fraction = is_number and 0 <= float(str(value)) <= 1
    if _SMALL.fullmatch(key) and not is_fraction:
        return "a number from 0 to 1"
    if _FRACTIONS.fullmatch(key) and (isinstance(value, str) or (is_number and not is_fraction)):
        return "a number from 0 to 1"
    if _NUMBERS.fullmatch(key) and isinstance(value, str):
        return "a number"
    if key in _FUNCTIONS and not isinstance(value, str | None):
        return "the name of a function"
    # Models of several parts name a type for each.
    if key in _TYPES and not isinstance(value, dict | None) and not _TYPE.fullmatch(str(value)):
        return "the name of a type of numbers, such as 'float32'"
    return None


def _check_count(config: JsonFile, key: str) -> None:
    found = config.integer(key)
    least = 0 if key in _MAY_BE_ZERO else 1
    # Some say with 0 or -1 that nothing limits the length.
    unlimited = key in _POSITIONS and found is not None and found.value in (0, -1)
    if found is not None and not unlimited and not least <= found.value <= _MOST[key]:
        raise config.wrong(key, found.value, f"a number from {least} to {_MOST[key]:,}")


def _check_padding(config: JsonFile) -> None:
    padding, vocabulary = config.integer("pad_token_id"), config.integer("vocab_size")
    if padding is None or vocabulary is None:
        return
    # Some count from the end, as torch does.
    if not -vocabulary.value <= padding.value < vocabulary.value:
        raise config.wrong(
            "pad_token_id", padding.value, f"one of the {vocabulary.value:,} token ids"
        )


def _check_layer_types(config: JsonFile) -> None:
    types, layers = config.texts("layer_types"), config.integer(*LAYERS)
    if types is not None and layers is not None and len(types.value) != layers.value:
        raise CheckpointError(
            config.location,
            f"'layer_types' has {len(types.value)} entries; expected one for each of the "
            f"{layers.value} layers",
        )


def check_types(folder: Checkpoint) -> None:
    """Raise an `UnsupportedCheckpointError` for a tensor of a folder that holds no floats."""
    for name, tensor in _tensors(folder).items():
        if not tensor.dtype.startswith(("F", "BF")) and not _COMPUTED.search(name):
            raise UnsupportedCheckpointError(
                folder.location,
                f"holds {name} as {tensor.dtype}; expected floats. Convert it, or use a revision "
                "that stores floats",
            )


def _check_by_weights(config: JsonFile, shapes: Shapes) -> None:
    _check_layers(config, shapes)
    _check_widths(config, shapes)
    words, segments = _rows(shapes, _WORD_TABLE), _rows(shapes, _SEGMENT_TABLE)
    vocabulary = config.integer("vocab_size")
    if words is not None and vocabulary is not None and vocabulary.value != words[1]:
        raise config.wrong("vocab_size", vocabulary.value, f"{words[1]}, the rows of {words[0]}")
    _check_most(config, "type_vocab_size", segments)
    positions = _rows(shapes, _POSITION_TABLE)
    computed = any(name.startswith(("rope", "rotary")) for name in config.values)
    # Of these a missing table is missed when they are built, and is built first.
    if positions is None and not computed and words is not None and _OLD_STYLE.search(words[0]):
        positions = ("any known table of positions", _MOST_LEARNT_POSITIONS)
    for key in _POSITIONS:
        _check_most(config, key, positions)
    architectures = config.texts("architectures")
    named = architectures.value if architectures else ()
    if any(name.endswith(CLASSIFICATION) for name in named) and "id2label" not in config.values:
        _check_most(config, "num_labels", _rows(shapes, _CLASSIFIER))


def _check_parts_by_weights(config: JsonFile, shapes: Shapes) -> None:
    """Check that no network of several is larger than all weights together."""
    largest = max((n for shape in shapes.values() for n in shape), default=0)
    numbers = [int(match[1]) for name in shapes if (match := LAYER.search(name))]
    if not numbers:
        # What is beside a graph is no network: a scale, a projection.
        return
    # What stands beside the settings of the texts' network is read by none. Files of mixtures of
    # experts name widths that none of their layers has.
    if "text_config" not in config.values and not any("expert" in key for key in config.values):
        for key in _PART_SIZES:
            found = config.integer(key) if isinstance(config.values.get(key), int) else None
            if found is not None and found.value > largest:
                raise config.wrong(
                    key, found.value, f"at most {largest:,}, the largest size of a tensor"
                )
    width, ratio = config.integer("embed_dim"), config.number("mlp_ratio")
    if width is not None and ratio is not None and not width.value * ratio.value <= largest:
        raise config.wrong(
            "mlp_ratio", ratio.value, f"a ratio of {width.value} to at most {largest:,}"
        )
    # Of EfficientNet the number is computed from the repeats, and counts no blocks.
    stated = (*LAYERS, *_PICTURE_LAYERS) if "num_block_repeats" not in config.values else ()
    for key in stated:
        layers = config.integer(key)
        if layers is not None and layers.value > max(numbers) + 1:
            raise config.wrong(
                key,
                layers.value,
                f"at most {max(numbers) + 1}, the number of layers in the weights",
            )
    for network in _networks(config):
        _check_parts_by_weights(network, shapes)


def _rows(shapes: Shapes, pattern: re.Pattern[str]) -> tuple[str, int] | None:
    """Return the longest of the tables with such a name, and its number of rows."""
    found = [
        (shape[0], name)
        for name, shape in shapes.items()
        if len(shape) == 2 and pattern.search(name)
    ]
    return (max(found)[1], max(found)[0]) if found else None


def _check_most(config: JsonFile, key: str, table: tuple[str, int] | None) -> None:
    found = config.integer(key)
    if found is not None and table is not None and found.value > table[1]:
        raise config.wrong(key, found.value, f"at most {table[1]:,}, the rows of {table[0]}")


def _check_layers(config: JsonFile, shapes: Shapes) -> None:
    stated = config.integer(*LAYERS)
    layers = [name for name in shapes if LAYER.search(name)]
    # Of two stacks, the encoder's layers count; a decoder may be the only one.
    counted = [name for name in layers if not _DECODER.search(name)] or layers
    numbers = {int(match[1]) for name in counted if (match := LAYER.search(name))}
    if stated is None or not numbers:
        return
    n_layers = max(numbers) + 1
    # Layers that predict tokens further ahead come after those that count.
    has_more = any(key in config.values for key in _MORE_LAYERS)
    if stated.value > n_layers or (stated.value < n_layers and not has_more):
        key = next(key for key in LAYERS if config.values.get(key) is not None)
        raise config.wrong(key, stated.value, f"{n_layers}, the number of layers in the weights")


def _check_widths(config: JsonFile, shapes: Shapes) -> None:
    dims = {n for shape in shapes.values() for n in shape}
    width = config.integer(*_WIDTHS)
    if width is not None and width.value not in dims:
        key = next(key for key in _WIDTHS if config.values.get(key) is not None)
        raise config.wrong(key, width.value, "a width that a tensor of the weights has")
    # Files of mixtures of experts name widths that none of their layers has.
    if any("expert" in key for key in config.values):
        return
    largest = max(
        (n for name, shape in shapes.items() if LAYER.search(name) for n in shape),
        default=max(dims, default=0),
    )
    for key in (*_TABLE_WIDTHS, *_INNER_WIDTHS):
        found = config.integer(key) if isinstance(config.values.get(key), int) else None
        if found is not None and found.value > largest and found.value not in dims:
            raise config.wrong(
                key, found.value, f"at most {largest:,}, the largest size of a layer in the weights"
            )
    each = config.integer("head_dim", "d_kv")
    for key in (*_HEADS, "num_key_value_heads"):
        n_heads = config.integer(key) if isinstance(config.values.get(key), int) else None
        n_wide = 1 if each is None else each.value
        if n_heads is not None and n_heads.value * n_wide > largest:
            raise config.wrong(
                key,
                n_heads.value,
                f"heads of {n_wide} dimensions that together fit into the {largest:,} of the "
                "largest tensor of a layer",
            )
