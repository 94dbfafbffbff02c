"""Which type a graph of somebody else computes in, by its own operators and weights.

ONNX files are read as what they are, protobuf messages, because neither ONNX Runtime nor OpenVINO
tells the operators of a graph, and the package `onnx` is not needed to run one. The field numbers
are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. Weights are skipped, not read.
"""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

# What computes with bytes, or makes floats of them. 4 bits are told by names of their own.
_OF_BYTES = re.compile(
    r"QLinear|[Qq]uantizeLinear|Integer|^QAttention$|^QGemm$|^QOrdered|^QEmbed|^DynamicQuantize"
)
_OF_FEWER_BITS = re.compile(r"^MatMulNBits$|^MatMulBnb4$|^MatMulFpQ4$|^GatherBlockQuantized$")
# TensorProto.DataType
_ONNX_TYPES = {1: "float32", 2: "uint8", 3: "int8", 10: "float16", 11: "float64", 16: "bfloat16"}
_OPENVINO_TYPES = {
    "f32": "float32",
    "f16": "float16",
    "bf16": "bfloat16",
    "f64": "float64",
    "i8": "int8",
    "u8": "uint8",
    "i4": "int4",
    "u4": "uint4",
    "nf4": "nf4",
}
_SHARE_OF_QUANTISED = 0.05
_FLOATS = ("float32", "float16", "bfloat16", "float64")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredType:
    """The type that a graph computes in.

    Attributes:
        dtype: as `load` names it, or a type that it has no name for, such as ``4 bits``.
        reason: what of the graph says so.
    """

    dtype: str
    reason: str


def read_stored_type(graph: Path) -> StoredType:
    """Return the type that a graph computes in.

    Args:
        graph: an ONNX file, or the ``.xml`` of OpenVINO.

    Raises:
        ValueError: it is no whole file of its format.
        OSError: it cannot be read.
    """
    found = _read_openvino(graph) if graph.suffix == ".xml" else _read_onnx(graph)
    for pattern, dtype in ((_OF_FEWER_BITS, "4 bits"), (_OF_BYTES, "int8")):
        operators = sorted(name for name in found.operators if pattern.search(name))
        if operators:
            return StoredType(dtype=dtype, reason=f"it has the operators {', '.join(operators)}")
    # Embeddings, which mostly stay floats, may be the greater part of a model.
    least = _SHARE_OF_QUANTISED * found.sizes.total()
    for kind, size in found.sizes.most_common():
        if kind not in _FLOATS and size > least:
            dtype = "int8" if kind in ("int8", "uint8") else "4 bits"
            return StoredType(dtype=dtype, reason=f"it has weights in {kind}")
    floats = [kind for kind, _ in found.sizes.most_common() if kind in _FLOATS]
    if not floats:
        return StoredType(dtype="float32", reason="it has no weights")
    return StoredType(dtype=floats[0], reason=f"most of its weights are {floats[0]}")


@dataclass(frozen=True, slots=True)
class _Contents:
    """The operators of a graph, and how many numbers of each type its weights hold."""

    operators: set[str]
    sizes: Counter[str]


def _read_openvino(graph: Path) -> _Contents:
    # Graphs are text of one element a line; their weights lie in another file.
    text = graph.read_text(encoding="utf-8")
    if not text.rstrip().endswith("</net>"):
        raise ValueError("it does not end with </net>")
    operators = {"DynamicQuantizeLinear"} if 'type="FakeQuantize"' in text else set[str]()
    sizes: Counter[str] = Counter()
    constants = r'<layer [^>]*type="Const"[^>]*>\s*<data element_type="(\w+)" shape="([\d, ]*)"'
    for kind, shape in re.findall(constants, text):
        # Small ones are arguments of operators.
        if kind in _OPENVINO_TYPES and "," in shape:
            sizes[_OPENVINO_TYPES[kind]] += math.prod(int(size) for size in shape.split(","))
    return _Contents(operators, sizes)


def _read_onnx(path: Path) -> _Contents:
    contents = _Contents(set(), Counter())
    with path.open("rb") as file:
        end = os.fstat(file.fileno()).st_size
        n_graphs = 0
        for field, size in _fields(file, end):
            if field == 7:
                n_graphs += 1
                _read_graph(file, file.tell() + size, contents)
            elif field == 25:
                _read_function(file, file.tell() + size, contents)
    if n_graphs != 1:
        raise ValueError(f"it holds {n_graphs} graphs")
    return contents


def _read_graph(file: BinaryIO, end: int, contents: _Contents) -> None:
    for field, size in _fields(file, end):
        if field == 1:
            _read_node(file, file.tell() + size, contents)
        elif field == 5:
            _read_tensor(file, file.tell() + size, contents)


def _read_function(file: BinaryIO, end: int, contents: _Contents) -> None:
    for field, size in _fields(file, end):
        if field == 7:
            _read_node(file, file.tell() + size, contents)


def _read_node(file: BinaryIO, end: int, contents: _Contents) -> None:
    for field, size in _fields(file, end):
        if field == 4:
            contents.operators.add(file.read(size).decode("utf-8", "replace"))
        elif field == 5:
            _read_attribute(file, file.tell() + size, contents)


def _read_attribute(file: BinaryIO, end: int, contents: _Contents) -> None:
    for field, size in _fields(file, end):
        if field == 5:
            _read_tensor(file, file.tell() + size, contents)
        elif field in (6, 11):
            _read_graph(file, file.tell() + size, contents)


def _read_tensor(file: BinaryIO, end: int, contents: _Contents) -> None:
    kind, shape = 0, list[int]()
    for field, size in _fields(file, end):
        if field == 1:
            shape += _varints(file, file.tell() + size)
        elif field == 2:
            kind = _varint(file, end)
    if kind in _ONNX_TYPES and len(shape) > 1:
        contents.sizes[_ONNX_TYPES[kind]] += math.prod(shape)


def _varints(file: BinaryIO, end: int) -> Iterator[int]:
    while file.tell() < end:
        yield _varint(file, end)


def _fields(file: BinaryIO, end: int) -> Iterator[tuple[int, int]]:
    """Yield the number and the size of each field of a message, the file at its value.

    Whoever takes a field reads its value or leaves it; the next one is found either way. The size
    of a number that is written as a varint is how many bytes it takes.
    """
    while (at := file.tell()) < end:
        field, wire = divmod(_varint(file, end), 8)
        if wire == 0:
            start = file.tell()
            _varint(file, end)
            size = file.tell() - start
            file.seek(start)
        elif wire == 2:
            size = _varint(file, end)
        elif wire in (1, 5):
            size = {1: 8, 5: 4}[wire]
        else:
            raise ValueError(f"there is no field at byte {at}")
        after = file.tell() + size
        if after > end:
            raise ValueError(f"what begins at byte {at} ends at {after}, after its end at {end}")
        yield field, size
        file.seek(after)


def _varint(file: BinaryIO, end: int) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte or file.tell() > end:
            raise ValueError(f"it is cut off at byte {file.tell()}")
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise ValueError(f"there is no number before byte {file.tell()}")
