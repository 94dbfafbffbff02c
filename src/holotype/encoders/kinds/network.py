"""The sizes that the network of every model has, compared with its record."""

from __future__ import annotations

from holotype.encoders.checkpoints.checkpoint import EXPORT_FILE, Checkpoint
from holotype.encoders.checkpoints.json_file import JsonFile, Setting
from holotype.encoders.checkpoints.network_sizes import LAYERS
from holotype.encoders.checkpoints.safetensors import count_parameters, some_are_pickled
from holotype.encoders.checkpoints.settings import CONFIG_FILE
from holotype.encoders.kinds.merge import Comparer

_SAME_PARAMETERS = 0.01
"""How far two counts of one network may be apart, as a share.

Heads of pre-training are saved or not, tables of positions are counted or not, and some sources
round. Networks that differ in a layer differ by more.
"""


def transformer_path(checkpoint: Checkpoint) -> str:
    """Return the folder of the transformer, relative to the checkpoint, by the names of files."""
    if checkpoint.has(CONFIG_FILE):
        return ""
    endings = (f"Transformer/{CONFIG_FILE}", f"_CLIPModel/{CONFIG_FILE}")
    nested = sorted(name for name in checkpoint.names if name.endswith(endings))
    return nested[0].removesuffix(f"/{CONFIG_FILE}") if nested else ""


def compare_network(comparer: Comparer, transformer: Checkpoint) -> None:
    """Compare what the transformer's configuration says of its size.

    Raises:
        CheckpointError: the configuration is damaged.
    """
    record = comparer.record
    config = transformer.json(CONFIG_FILE, optional=True)
    comparer.choose("architecture_type", record.architecture_type, config.text("model_type"))
    positions = config.integer("max_position_embeddings", "n_positions")
    if positions is not None and positions.value <= 0:
        positions = None
    # Of several networks, that for texts counts.
    both = config.part("vlm_config") or config
    texts = both.part("text_config") or both
    positions = positions or texts.integer("max_position_embeddings")
    comparer.choose("max_position_embeddings", record.max_position_embeddings, positions)
    comparer.choose("layers", record.layers, config.integer(*LAYERS) or texts.integer(*LAYERS))
    _compare_code(comparer, config)


def compare_parameters(comparer: Comparer, checkpoint: Checkpoint, transformer: Checkpoint) -> None:
    """Compare the number of parameters, where all weights are safetensors and at hand.

    Raises:
        CheckpointError: a file of weights is damaged.
    """
    ours = comparer.record.parameters
    theirs = _parameters(checkpoint, transformer)
    near = (
        ours is None
        or theirs is None
        or abs(ours - theirs.value) <= _SAME_PARAMETERS * theirs.value
    )
    comparer.compare("parameters", ours, theirs, agrees=near)


def _parameters(checkpoint: Checkpoint, transformer: Checkpoint) -> Setting[int] | None:
    # An export has a graph in place of weights, and some tensors beside it.
    if checkpoint.has(EXPORT_FILE) or some_are_pickled(checkpoint.names):
        return None
    folders = {name.rpartition("/")[0] for name in checkpoint.headers}
    if transformer.inside not in folders:
        return None
    count = count_parameters(checkpoint.headers.values())
    return None if count is None else Setting(count, ", ".join(checkpoint.headers))


def _compare_code(comparer: Comparer, config: JsonFile) -> None:
    """Compare whether the model needs code of its own.

    A record that says no means that transformers' own class does the same as the code that a
    checkpoint names, so that only a record that says yes can be contradicted.
    """
    ours, named = comparer.record.requires_remote_code, config.part("auto_map") is not None
    if not named and ours is None:
        return
    theirs = Setting(named, config.name) if config.values else None
    comparer.compare("requires_remote_code", ours, theirs, agrees=named or not ours)
