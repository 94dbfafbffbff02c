"""Making graphs for ONNX Runtime, and OpenVINO's from them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxscript
import openvino
import torch
from onnx import TensorProto
from onnxscript import opset18
from openvino import opset13
from torch import Tensor, nn

from holotype.encoders.graphs.graph import (
    ATTENDED,
    GRID_PLACES,
    IDS,
    LOGITS,
    MEMORY,
    PARTS,
    PAST,
    PATCH_PLACES,
    PICTURE_FEATURES,
    PIXELS,
    PLACES,
    PRESENT,
    TYPE_IDS,
)
from holotype.errors import ExportError

# The newest set of operators that every ONNX Runtime of the last years knows.
_OPSET = 18
# ONNX Runtime maps weights beside the graph, where those within are parsed and copied: a load takes
# half of the time, and 50 MB less of 90. Files of protobuf end at 2 GiB besides.
LARGEST_FILE = 16_000_000
_EXAMPLE_SHAPE = (3, 11)
# What called each operator: the paths of this machine, and counts that differ with each export.
_STACK = "pkg.torch.onnx.stack_trace"


class _OneOutput(nn.Module):
    """A transformer that takes its inputs by position, and returns one of its outputs alone."""

    def __init__(self, model: nn.Module, returned: str) -> None:
        super().__init__()
        self.model = model
        self.returned = returned

    def forward(
        self, ids: Tensor, attended: Tensor | None = None, type_ids: Tensor | None = None
    ) -> Tensor:
        given = {IDS: ids, ATTENDED: attended, TYPE_IDS: type_ids}
        inputs = {name: tensor for name, tensor in given.items() if tensor is not None}
        found: Tensor = getattr(self.model(**inputs), self.returned)
        return found


class _Pages(nn.Module):
    """A transformer that reads the parts of a picture among tokens; see `_OneOutput`."""

    def __init__(self, model: nn.Module, returned: str) -> None:
        super().__init__()
        self.model = model
        self.returned = returned

    def forward(
        self,
        ids: Tensor,
        attended: Tensor,
        parts: Tensor,
        places: Tensor,
        in_grid: Tensor | None = None,
    ) -> Tensor:
        found: Tensor = getattr(self.model(ids, attended, parts, places, in_grid), self.returned)
        return found


class _Pictures(nn.Module):
    """The network for pictures of a model that also has one for texts."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> Tensor:
        found: Tensor = self.model.get_image_features(pixel_values=pixels).pooler_output
        return found


def write_onnx(
    model_id: str,
    model: nn.Module,
    path: Path,
    *,
    with_mask: bool = True,
    with_type_ids: bool,
    returned: str,
    output: str,
    n_positions: int | None = None,
    parts_width: int | None = None,
    in_grid: bool = False,
) -> None:
    """Write a transformer as an ONNX file for any number of texts of any length.

    Args:
        model_id: the model, for the error.
        model: the transformer, on the CPU, in the type that the file shall have.
        path: the file; weights that do not fit into it go to a file beside it.
        with_mask: whether it is told what is padding.
        with_type_ids: whether it is fed the segments of tokens.
        returned: which of the model's outputs is taken.
        output: its name in the graph.
        n_positions: the longest text that it can read, in tokens; None if nothing limits it.
        parts_width: the width of the parts of pictures that it reads among tokens; None where it
            reads tokens alone.
        in_grid: whether it is told where tokens stand in a grid.

    Raises:
        ExportError: torch cannot export this architecture.
    """
    n_rows, n_tokens = _EXAMPLE_SHAPE
    if n_positions is not None:
        n_tokens = min(n_tokens, n_positions)
    ids = torch.ones((n_rows, n_tokens), dtype=torch.long)
    attended = ids.clone()
    attended[1, 1 + n_tokens // 2 :] = 0
    names, inputs = [IDS], [ids]
    if with_mask:
        names.append(ATTENDED)
        inputs.append(attended)
    if with_type_ids:
        names.append(TYPE_IDS)
        inputs.append(torch.zeros_like(ids))
    axes = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    shapes = dict.fromkeys(names, axes)
    network: nn.Module = _OneOutput(model, returned)
    if parts_width is not None:
        names += [PARTS, PLACES]
        inputs += [torch.zeros((5, parts_width), dtype=_type_of(model)), torch.zeros_like(ids)]
        shapes |= {PARTS: {0: torch.export.Dim.DYNAMIC}, PLACES: axes}
        network = _Pages(model, returned)
        if in_grid:
            names.append(GRID_PLACES)
            inputs.append(torch.zeros((n_rows, n_tokens, 3), dtype=torch.long))
            shapes[GRID_PLACES] = axes
    given = dict(zip(names, inputs, strict=True))
    _write(model_id, network, path, inputs=given, shapes=shapes, outputs=[output])


def write_pictures(model_id: str, model: nn.Module, path: Path, *, height: int, width: int) -> None:
    """Write a network for pictures as an ONNX file, for any number of pictures of one size.

    Args:
        model_id: the model, for the error.
        model: the model, on the CPU, in the type that the file shall have.
        path: the file; see `write_onnx`.
        height: the height of the pictures in pixels.
        width: their width.

    Raises:
        ExportError: torch cannot export this architecture.
    """
    pixels = torch.zeros((_EXAMPLE_SHAPE[0], 3, height, width), dtype=_type_of(model))
    _write(
        model_id,
        _Pictures(model),
        path,
        inputs={PIXELS: pixels},
        shapes={PIXELS: {0: torch.export.Dim.DYNAMIC}},
        outputs=[PICTURE_FEATURES],
    )


def write_patches(
    model_id: str, model: nn.Module, path: Path, *, n_merged: int, n_numbers: int
) -> None:
    """Write a network for pictures as an ONNX file, for any number of patches of one picture.

    Args:
        model_id: the model, for the error.
        model: what is called with the patches and their places, on the CPU, in the type of the
            file.
        path: the file; see `write_onnx`.
        n_merged: how many patches become one part.
        n_numbers: how many numbers a patch has.

    Raises:
        ExportError: torch cannot export this architecture.
    """
    shape = (_EXAMPLE_SHAPE[1], n_merged)
    inputs = {
        PIXELS: torch.zeros((*shape, n_numbers), dtype=_type_of(model)),
        PATCH_PLACES: torch.zeros((*shape, 2), dtype=torch.long),
    }
    shapes = {name: {0: torch.export.Dim.DYNAMIC} for name in inputs}
    _write(model_id, model, path, inputs=inputs, shapes=shapes, outputs=[PICTURE_FEATURES])


def write_caption_pictures(
    model_id: str, model: nn.Module, path: Path, *, height: int, width: int, reads_prompt: bool
) -> None:
    """Write the network for pictures of a captioner, for any number of pictures of one size.

    Args:
        model_id: the model, for the error.
        model: what returns the keys and values of pictures, on the CPU, in the type of the file.
        path: the file; see `write_onnx`.
        height: the height of the pictures in pixels.
        width: their width.
        reads_prompt: whether it reads the tokens of a prompt as well, any number of them.

    Raises:
        ExportError: torch cannot export this architecture.
    """
    n_rows, n_tokens = _EXAMPLE_SHAPE
    inputs = {PIXELS: torch.zeros((n_rows, 3, height, width), dtype=_type_of(model))}
    shapes = {PIXELS: {0: torch.export.Dim.DYNAMIC}}
    if reads_prompt:
        inputs[IDS] = torch.ones((n_rows, n_tokens), dtype=torch.long)
        shapes[IDS] = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    _write(model_id, model, path, inputs=inputs, shapes=shapes, outputs=[MEMORY])


def write_caption_texts(
    model_id: str, model: nn.Module, path: Path, *, memory: tuple[int, int, int, int]
) -> None:
    """Write the network for texts of a captioner, for any number of tokens after any number.

    Args:
        model_id: the model, for the error.
        model: what returns logits, and the keys and values of the tokens that it has read; on the
            CPU, in the type of the file.
        path: the file; see `write_onnx`.
        memory: the shape of the keys and values of a picture.

    Raises:
        ExportError: torch cannot export this architecture.
    """
    n_rows, n_tokens = _EXAMPLE_SHAPE
    n_keys, n_heads, n_parts, width = memory
    dtype, axis = _type_of(model), torch.export.Dim.DYNAMIC
    inputs = {
        IDS: torch.ones((n_rows, n_tokens), dtype=torch.long),
        MEMORY: torch.zeros((n_rows, n_keys, n_heads, n_parts, width), dtype=dtype),
        PAST: torch.zeros((n_rows, n_keys, n_heads, 7, width), dtype=dtype),
    }
    shapes = {IDS: {0: axis, 1: axis}, MEMORY: {0: axis, 3: axis}, PAST: {0: axis, 3: axis}}
    _write(model_id, model, path, inputs=inputs, shapes=shapes, outputs=[LOGITS, PRESENT])


def _type_of(model: nn.Module) -> torch.dtype:
    return next(iter(model.parameters())).dtype


def _operators_of_transformers() -> dict[Any, Any]:
    """Return how operators that torch cannot write are written.

    There are some once transformers has run a mixture of experts.
    """
    products = getattr(torch.ops.transformers, "grouped_mm_fallback", None)
    return {} if products is None else {products.default: _products_of_experts}


def _products_of_experts(rows: Any, weights: Any, ends: Any) -> Any:
    """Multiply the rows of each expert with its weights, in operators of ONNX.

    Args:
        rows: ``[n_rows, in_dim]``, sorted by their experts.
        weights: ``[n_experts, in_dim, out_dim]``.
        ends: ``[n_experts]``, where the rows of each expert end.
    """
    # Its operators take lists for tensors, which their types do not say.
    onnx: Any = opset18
    found, begin = [], onnx.Constant(value_ints=[0])
    for expert in range(weights.shape[0]):
        end = onnx.Cast(onnx.Slice(ends, [expert], [expert + 1]), to=TensorProto.INT64)
        own = onnx.Squeeze(onnx.Slice(weights, [expert], [expert + 1]), [0])
        found.append(onnx.MatMul(onnx.Slice(rows, begin, end, [0]), own))
        begin = end
    return onnx.Concat(*found, axis=0)


def _write(
    model_id: str,
    network: nn.Module,
    path: Path,
    *,
    inputs: Mapping[str, Tensor],
    shapes: Mapping[str, Mapping[int, Any]],
    outputs: list[str],
) -> None:
    n_bytes = sum(parameter.nbytes for parameter in network.parameters())
    with warnings.catch_warnings():
        # The exporter uses what torch itself has deprecated.
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            program: Any = torch.onnx.export(
                network.eval(),
                tuple(inputs.values()),
                input_names=list(inputs),
                output_names=outputs,
                dynamic_shapes=tuple(dict(shapes[name]) for name in inputs),
                dynamo=True,
                opset_version=_OPSET,
                custom_translation_table=_operators_of_transformers(),
                verbose=False,
            )
            for node in program.model.graph.all_nodes():
                node.metadata_props.pop(_STACK, None)
            program.save(path, external_data=n_bytes > LARGEST_FILE)
        except (RuntimeError, torch.onnx.OnnxExporterError) as error:
            raise ExportError(
                model_id,
                f"torch {torch.__version__} with onnxscript {onnxscript.__version__} cannot write its "
                f"network, a {_architecture(network)}, as ONNX: {_reason(error)}; it runs on torch only",
            ) from error


def _architecture(network: nn.Module) -> str:
    """Return the class of the transformer within what is exported."""
    own = (type(part).__name__ for part in network.modules() if hasattr(part, "config"))
    return next(own, type(network).__name__)


def _reason(error: BaseException) -> str:
    """Return what failed, and why: torch tells of its step, in colours, and chains the cause."""
    told = _first_line(error)
    cause = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    return told if cause is error else f"{told}: {type(cause).__name__}: {_first_line(cause)}"


def _first_line(error: BaseException) -> str:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return first.partition("\x1b")[0].rstrip(" .")


_LARGEST_INT8 = 127


def convert_to_openvino(source: Path, path: Path, *, dtype: str) -> None:
    """Write an ONNX file as OpenVINO's ``.xml`` and ``.bin``.

    Args:
        source: the ONNX file, in float32.
        path: the ``.xml``.
        dtype: ``float16`` and ``int8`` are the types in which weights are stored, too; others are
            those of the arithmetic alone.
    """
    core: Any = openvino.Core()
    model = core.read_model(source)
    if dtype == "int8":
        _compress(model)
    openvino.save_model(model, path, compress_to_fp16=dtype == "float16")


def _compress(model: Any) -> None:
    """Replace the weights of matrix products by bytes, with a scale for each column.

    OpenVINO quantises what is multiplied with them while it runs, by groups of 32 numbers.
    """
    for node in model.get_ordered_ops():
        if node.get_type_name() != "MatMul":
            continue
        port = node.input(1)
        constant = port.get_source_output().get_node()
        if constant.get_type_name() == "Constant" and len(constant.shape) == 2:
            axis = 1 if node.get_attributes()["transpose_b"] else 0
            port.replace_source_output(_scaled_bytes(constant.data, axis).output(0))


def _scaled_bytes(weight: Any, axis: int) -> Any:
    largest = np.abs(weight).max(axis=axis, keepdims=True)
    # A column of zeros needs a scale, too.
    scale = np.where(largest > 0, largest / _LARGEST_INT8, 1).astype(np.float32)
    stored = opset13.constant(np.rint(weight / scale).astype(np.int8))
    return opset13.multiply(opset13.convert(stored, "f32"), opset13.constant(scale))
