"""From the files of a graph to a backbone that is ready, compared with what describes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from holotype.encoders.checkpoints.remote_code import code_policy
from holotype.encoders.checkpoints.settings import CONFIG_FILE, CheckpointSettings
from holotype.encoders.config import ModelConfig
from holotype.encoders.graph_backends.backbone import GraphBackbone
from holotype.encoders.graph_backends.graph import Graph, check_inputs
from holotype.encoders.tokens.tokenization import TextTokenizer
from holotype.encoders.tokens.tokenizer_json import read_tokenizer
from holotype.errors import CheckpointError

LAST_LAYER_FILE = "last_layer.safetensors"
"""The tensors of a layer that follows a graph, beside it: ``linear.weight`` and its bias."""


class OpenGraph(Protocol):
    """Opens a file on a device, for arithmetic of a type."""

    def __call__(self, path: Path, *, device: str | None, dtype: str) -> Graph:
        """Return a graph that is ready to run."""
        ...


def open_graph_backbone(
    config: ModelConfig[Any],
    settings: CheckpointSettings,
    graph_file: Path,
    open_graph: OpenGraph,
    choose_output: Callable[[Graph], str],
    *,
    pad_id: int | None = None,
) -> GraphBackbone:
    """Open a graph and the tokenizer of its model.

    Args:
        config: where and in which type it runs.
        settings: what the checkpoint says.
        graph_file: the graph.
        open_graph: the backend.
        choose_output: names the output that is taken.
        pad_id: the id of padding; None means the tokenizer's.

    Raises:
        CheckpointError: a file is damaged, or the files are not of one checkpoint.
        UnsupportedCheckpointError: the graph has other inputs or outputs, or only transformers can
            read the tokenizer.
    """
    policy = code_policy(config.record, trusted=False)
    folder = settings.transformer_folder
    tokenizer = read_tokenizer(folder, lower_case=settings.lower_case, policy=policy)
    _check_vocabulary(tokenizer, settings)
    graph = open_graph(graph_file, device=config.device, dtype=config.dtype)
    check_inputs(graph)
    return GraphBackbone(graph, choose_output(graph), tokenizer, pad_id=pad_id)


def check_width(graph: Graph, output: str, expected: int | None) -> None:
    """Compare the width of an output with what is expected; None where either is not known.

    Raises:
        CheckpointError: they differ.
    """
    width = graph.outputs[output]
    if None not in (width, expected) and width != expected:
        raise CheckpointError(
            graph.location,
            f"returns {output} of {width} dimensions, but its folder describes a model of "
            f"{expected}; the files are not of one checkpoint",
        )


def _check_vocabulary(tokenizer: TextTokenizer, settings: CheckpointSettings) -> None:
    n_rows = settings.vocab_size
    if n_rows is not None and tokenizer.vocab_size > n_rows.value:
        raise CheckpointError(
            str(settings.transformer_folder),
            f"the tokenizer has token ids up to {tokenizer.vocab_size - 1}, but {CONFIG_FILE} says "
            f"{n_rows.value} tokens; its files are not of one checkpoint",
        )
