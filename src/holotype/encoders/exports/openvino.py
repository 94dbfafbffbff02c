"""From an ONNX file to the files of OpenVINO, with weights in float32, float16 or int8."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openvino
from openvino import opset13

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
