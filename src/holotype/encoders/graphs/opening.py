"""The files of an export: its graphs, opened on a backend and held against the checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from holotype.encoders.checkpoints.settings import CONFIG_FILE, CheckpointSettings, mixes_padding
from holotype.encoders.graphs.graph import (
    PICTURE_FEATURES,
    PIXELS,
    Graph,
    check_inputs,
    require_inputs,
    require_output,
)
from holotype.encoders.graphs.network import GraphBackbone
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.encoders.inputs.tokenizer_json import read_tokenizer
from holotype.errors import CheckpointError, UnsupportedCheckpointError

if TYPE_CHECKING:
    from holotype.encoders.config import ModelConfig

PICTURE_GRAPHS = {
    "model.onnx": "vision_model.onnx",
    "openvino_model.xml": "openvino_vision_model.xml",
}
"""The name of the graph for pictures, which lies beside that for texts."""


class OpenGraph(Protocol):
    """Opens a file on a device, for arithmetic of a type."""

    def __call__(self, path: Path, *, device: str | None, dtype: str) -> Graph:
        """Return a graph that is ready to run."""
        ...


class GraphOpening:
    """The graphs of a model; that for texts is opened while the tokenizer is read.

    Attributes:
        graph: the file of the graph for texts.
        dtype: the type of the arithmetic.
        dim: how many dimensions the caller wants; None for all.
    """

    def __init__(self, config: ModelConfig[Any], graph: Path, open_graph: OpenGraph) -> None:
        """Open nothing yet.

        Args:
            config: where and in which type the model is run, and how many dimensions it returns.
            graph: the file of the graph for texts.
            open_graph: the backend.
        """
        self.graph = graph
        self.dtype = config.dtype
        self.dim = config.dim
        self._device = config.device
        self._open_graph = open_graph

    def open(
        self,
        settings: CheckpointSettings,
        choose: Callable[[Graph], str],
        *,
        pad_id: int | None = None,
        lower_case: bool | None = None,
        masked: bool = True,
        beside: tuple[str, ...] = (),
    ) -> GraphBackbone:
        """Open the graph and the tokenizer of its model.

        Args:
            settings: what the checkpoint says.
            choose: names the output that is taken.
            pad_id: the id of padding; None means the tokenizer's.
            lower_case: whether texts are put in lower case; None means what the checkpoint says.
            masked: whether the graph must be told what is padding.
            beside: what it must read beside a text.

        Raises:
            CheckpointError: a file is damaged, or the files are not of one checkpoint.
            UnsupportedCheckpointError: the graph has other inputs or outputs, only transformers
                can read the tokenizer, or padding would change vectors.
        """
        refuse_mixed_padding(settings)
        lowers = settings.lower_case if lower_case is None else lower_case
        with ThreadPoolExecutor(max_workers=1) as pool:
            opening = pool.submit(self.open_texts)
            tokenizer = read_tokenizer(settings.transformer, lower_case=lowers)
            check_vocabulary(tokenizer, settings)
            graph = opening.result()
        check_inputs(graph, masked=masked, beside=beside)
        return GraphBackbone(graph, choose(graph), tokenizer, pad_id=pad_id)

    def open_texts(self) -> Graph:
        """Open the graph alone, as `open` does with the tokenizer of its model."""
        return self._open_graph(self.graph, device=self._device, dtype=self.dtype)

    def open_pictures(
        self, output: str = PICTURE_FEATURES, *, reads: tuple[str, ...] = (PIXELS,)
    ) -> Graph:
        """Open the graph for pictures beside that for texts.

        Args:
            output: what it must return.
            reads: its inputs.

        Raises:
            CheckpointError: it is not there, or damaged.
            UnsupportedCheckpointError: it has other inputs or outputs.
        """
        name = PICTURE_GRAPHS.get(self.graph.name)
        path = self.graph.parent / (name or "")
        if name is None or not path.is_file():
            raise CheckpointError(
                str(self.graph.parent),
                f"has no {' or '.join(PICTURE_GRAPHS.values())}, the graph for pictures; make an "
                "export of your own: holotype export",
            )
        graph = self._open_graph(path, device=self._device, dtype=self.dtype)
        require_output(graph, output)
        require_inputs(graph, *reads)
        if "float" not in graph.inputs[PIXELS]:
            raise UnsupportedCheckpointError(
                graph.location,
                f"takes {PIXELS} as {graph.inputs[PIXELS]}; expected floats. Make an export of your "
                "own: holotype export",
            )
        return graph


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


def refuse_mixed_padding(settings: CheckpointSettings) -> None:
    """Refuse a network in which padding changes vectors: graphs read rows of many lengths at once.

    Raises:
        UnsupportedCheckpointError: it is one.
    """
    config = settings.transformer.json(CONFIG_FILE)
    if mixes_padding(config.values):
        raise UnsupportedCheckpointError(
            config.location,
            f"is a {config.values.get('model_type')}, in which padding changes vectors although it is "
            "masked; torch runs it text by text: leave backend= out",
        )


def check_vocabulary(tokenizer: TextTokenizer, settings: CheckpointSettings) -> None:
    """Compare the ids of a tokenizer with the rows of the network.

    Raises:
        CheckpointError: the tokenizer gives ids that the network has no row for.
    """
    n_rows = settings.vocab_size
    if n_rows is not None and tokenizer.vocab_size > n_rows.value:
        raise CheckpointError(
            settings.transformer.location,
            f"the tokenizer has token ids up to {tokenizer.vocab_size - 1}, but {CONFIG_FILE} says "
            f"{n_rows.value} tokens; its files are not of one checkpoint",
        )
