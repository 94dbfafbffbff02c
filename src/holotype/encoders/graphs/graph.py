"""An exported transformer: the contract, whatever library runs it, and what its names mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias

from numpy.typing import NDArray

from holotype.encoders.arrays.tensors import Array
from holotype.errors import UnsupportedCheckpointError

IDS, ATTENDED, TYPE_IDS = "input_ids", "attention_mask", "token_type_ids"
_INPUTS = {IDS, ATTENDED, TYPE_IDS}
TOKEN_VECTORS = "last_hidden_state"  # noqa: S105
_TOKEN_LEVEL = (TOKEN_VECTORS, "token_embeddings")
_TEXT_LEVEL = "sentence_embedding"
LOGITS = "logits"
"""The scores of a head; of a masked language model, those of every word for every token."""
TEXT_FEATURES, PICTURE_FEATURES = "text_features", "image_features"
"""The vectors of a model for pictures and texts, from a graph for each."""
PIXELS = "pixel_values"
"""What the graph for pictures reads: ``[n_pictures, 3, height, width]``."""
PATCH_PLACES = "patch_places"
"""What the graph for pictures reads beside the numbers of patches, where these may be any number of
one picture: the row and the column of each, ``[n_parts, n_patches of a part, 2]``; `PIXELS` are
``[n_parts, n_patches of a part, n_numbers]`` then."""
PARTS, PLACES = "picture_parts", "picture_places"
"""What the graph for texts of a model for pages reads beside tokens: the vectors of the parts of one
picture, ``[n_parts, hidden_dim]``, and for every token which of them stands in its place, counted
from 1; 0 for a token of text."""
GRID_PLACES = "grid_places"
"""What it reads as well where tokens stand in a grid: the place of every token in time, by rows and by
columns, ``[n_rows, n_tokens, 3]``."""
MEMORY, PAST, PRESENT = "picture_memory", "past_keys_values", "keys_values"
"""The keys and values by which captions are written, ``[n_rows, 2 * n_layers, n_heads, n_tokens,
head_dim]``: those of a picture, which its graph returns, those of the tokens before, and those of the
tokens that the graph for texts has read."""
LAST_LAYER_INPUTS = "last_layer_inputs"
"""What the last layer of a masked language model takes, which is run apart."""

Level: TypeAlias = Literal["tokens", "text"]


class Graph(Protocol):
    """An exported transformer that is ready to run, safe to share between threads."""

    @property
    def location(self) -> str:
        """Its file, for errors."""
        ...

    @property
    def device(self) -> str:
        """Where it runs."""
        ...

    @property
    def inputs(self) -> Mapping[str, str]:
        """The names of its inputs and their types, as NumPy calls them."""
        ...

    @property
    def outputs(self) -> Mapping[str, int | None]:
        """The names of its outputs, and the width of their last axis; None where it is open."""
        ...

    @property
    def memory_bytes(self) -> int:
        """How many bytes its weights take."""
        ...

    def run(self, output: str, arrays: Mapping[str, NDArray[Any]]) -> Array:
        """Return one output, in float32."""
        ...

    def run_for(self, outputs: Sequence[str], arrays: Mapping[str, NDArray[Any]]) -> list[Array]:
        """Return several outputs, in float32."""
        ...


def check_inputs(graph: Graph, *, masked: bool = True, beside: Sequence[str] = ()) -> None:
    """Compare the inputs of a graph with what a text has.

    Args:
        graph: the graph.
        masked: whether it must be told what is padding.
        beside: what it must read beside a text.

    Raises:
        UnsupportedCheckpointError: it wants something else, or takes no token ids.
    """
    unknown = sorted(set(graph.inputs) - _INPUTS - set(beside))
    needed = (IDS, ATTENDED, *beside) if masked else (IDS, *beside)
    absent = [name for name in needed if name not in graph.inputs]
    unknown += [name for name, kind in graph.inputs.items() if name in _INPUTS and "float" in kind]
    if unknown or absent:
        what = f"the inputs {', '.join(unknown)}" if unknown else f"no input {', '.join(absent)}"
        raise UnsupportedCheckpointError(
            graph.location,
            f"has {what}; expected {IDS}, {ATTENDED} and, where the model has it, {TYPE_IDS}. Make "
            "an export of your own: holotype export",
        )


def require_inputs(graph: Graph, *names: str) -> None:
    """Compare the inputs of a graph with what it is given.

    Raises:
        UnsupportedCheckpointError: it has others.
    """
    if set(graph.inputs) != set(names):
        raise UnsupportedCheckpointError(
            graph.location,
            f"has the inputs {', '.join(graph.inputs)}; expected {', '.join(names)}. Make an export "
            "of your own: holotype export",
        )


def require_output(graph: Graph, *names: str) -> str:
    """Return the first of these outputs that a graph has.

    Raises:
        UnsupportedCheckpointError: it has none of them.
    """
    for name in names:
        if name in graph.outputs:
            return name
    raise _wrong_outputs(graph, f"expected {' or '.join(names)}")


def choose_output(graph: Graph) -> tuple[str, Level]:
    """Return the output that holds the vectors, and whether of tokens or of whole texts.

    Raises:
        UnsupportedCheckpointError: no name, or more than one, says that it does.
    """
    token_level = [name for name in _TOKEN_LEVEL if name in graph.outputs]
    if len(token_level) == 1:
        return token_level[0], "tokens"
    if not token_level and _TEXT_LEVEL in graph.outputs:
        return _TEXT_LEVEL, "text"
    raise _wrong_outputs(graph, f"expected one of {', '.join(_TOKEN_LEVEL)}, or {_TEXT_LEVEL}")


def _wrong_outputs(graph: Graph, expected: str) -> UnsupportedCheckpointError:
    return UnsupportedCheckpointError(
        graph.location,
        f"has the outputs {', '.join(graph.outputs)}; {expected}; what others mean would be a "
        "guess. Make an export of your own: holotype export",
    )
