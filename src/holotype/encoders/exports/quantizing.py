"""Matrix products of an ONNX graph in bytes, but for the columns that bytes cannot tell apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

from holotype.encoders._load import import_part
from holotype.encoders.exports.graph import LARGEST_FILE
from holotype.encoders.torch_backend.byte_map import outlying

Inputs: TypeAlias = Mapping[str, NDArray[Any]]
"""The inputs of a graph by name."""

_AS_ROWS, _ROWS = "holotype_as_rows", "holotype_rows"


def quantize(source: Path, path: Path, examples: Iterable[Inputs] | None = None) -> None:
    """Write an ONNX file whose matrix products are those of bytes, with scales for each column.

    All numbers of an input share one scale while the graph runs. A few columns of what a product
    reads may be hundreds of times the others, which would become zero; these columns, at most 8,
    are multiplied in float32. Running examples shows which they are. Without any, what reads the
    output of an activation stays in float32 as a whole.

    Embeddings stay as they are: a scale for a whole table costs much and saves no time. So do
    heads, which read one vector of a text.

    Args:
        source: the file in float32; it is changed.
        path: the file to write; weights that do not fit into it go to a file beside it.
        examples: inputs of the graph; None where there are none.
    """
    quantization: Any = import_part("onnxruntime.quantization", "onnx", "export()")
    model = onnx.load(source, load_external_data=False)
    # It turns weights around, and trips over the shapes that are written down for them.
    del model.graph.value_info[:]
    if examples is None:
        excluded = products_of_activations(model.graph)
    else:
        kept = {
            name: columns
            for name, greatest in _greatest(source, model, examples).items()
            if len(columns := outlying(torch.from_numpy(greatest)).sort().values.numpy())
        }
        excluded = _split_products(model.graph, kept, source.parent)
    # Its preparation, which it asks for otherwise, is for graphs of older exporters.
    prepared = model.metadata_props.add()
    prepared.key, prepared.value = "onnx.quant.pre_process", "onnxruntime.quant"
    onnx.save(model, source)
    n_bytes = sum(file.stat().st_size for file in source.parent.glob(f"{source.name}*"))
    quantization.quantize_dynamic(
        source,
        path,
        op_types_to_quantize=["MatMul"],
        nodes_to_exclude=excluded,
        per_channel=True,
        # Products of signed weights saturate where the processor has no VNNI: the same graph would
        # give other vectors there.
        weight_type=quantization.QuantType.QUInt8,
        use_external_data_format=n_bytes > LARGEST_FILE,
    )


def _products(graph: GraphProto) -> dict[str, list[NodeProto]]:
    """Return the products with weights, ``[in_dim, out_dim]``, by the name of what they read."""
    weights = {tensor.name for tensor in graph.initializer if len(tensor.dims) == 2}
    found: dict[str, list[NodeProto]] = {}
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in weights:
            found.setdefault(node.input[0], []).append(node)
    return found


def _greatest(
    source: Path, model: onnx.ModelProto, examples: Iterable[Inputs]
) -> dict[str, NDArray[np.float32]]:
    """Run a graph, and return the greatest magnitude of each column that its products read.

    Args:
        source: its file, whose folder has its weights.
        model: what the file holds.
        examples: its inputs.
    """
    runtime: Any = import_part("onnxruntime", "onnx", "export()")
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    graph = watched.graph
    products = _products(graph)
    if not products:
        return {}
    weights = {tensor.name: tensor for tensor in graph.initializer}
    graph.initializer.append(numpy_helper.from_array(np.array([0]), _ROWS))
    names = {}
    for at, (read, (product, *_)) in enumerate(products.items()):
        shape, rows, found = f"{_AS_ROWS}_{at}", f"{_ROWS}_{at}", f"holotype_greatest_{at}"
        graph.initializer.append(
            numpy_helper.from_array(np.array([-1, weights[product.input[1]].dims[0]]), shape)
        )
        graph.node.extend(
            (
                helper.make_node("Reshape", [read, shape], [rows]),
                helper.make_node("Abs", [rows], [f"{rows}_magnitude"]),
                helper.make_node("ReduceMax", [f"{rows}_magnitude", _ROWS], [found], keepdims=0),
            )
        )
        graph.output.append(helper.make_tensor_value_info(found, TensorProto.FLOAT, None))
        names[read] = found
    beside = source.with_name(f"watched-{source.name}")
    onnx.save(watched, beside)
    session = runtime.InferenceSession(beside, providers=["CPUExecutionProvider"])
    known = {given.name for given in session.get_inputs()}
    greatest: dict[str, NDArray[np.float32]] = {}
    for example in examples:
        given = {name: array for name, array in example.items() if name in known}
        for read, found in zip(names, session.run(list(names.values()), given), strict=True):
            greatest[read] = np.maximum(greatest.get(read, 0), found)
    beside.unlink()
    return greatest


def _split_products(
    graph: GraphProto, kept: Mapping[str, NDArray[np.int64]], folder: Path
) -> list[str]:
    """Let the products of some columns be added in float32, and return the names of these products.

    Args:
        graph: the graph; it is changed.
        kept: the columns by the name of what products read.
        folder: where the graph's weights are.
    """
    products = _products(graph)
    weights = {tensor.name: tensor for tensor in graph.initializer}
    changed: dict[str, Sequence[NodeProto]] = {}
    excluded = []
    for read, columns in kept.items():
        others = np.ones(weights[products[read][0].input[1]].dims[0], dtype=np.float32)
        others[columns] = 0
        constants = {f"{read}_others": others, f"{read}_columns": columns}
        nodes = [
            helper.make_node("Mul", [read, f"{read}_others"], [f"{read}_masked"]),
            helper.make_node("Gather", [read, f"{read}_columns"], [f"{read}_kept"], axis=-1),
        ]
        first = products[read][0].output[0]
        for product in products[read]:
            (output,) = product.output
            name = f"{output}_of_kept"
            rows = numpy_helper.to_array(weights[product.input[1]], str(folder))[columns]
            constants[f"{name}_weight"] = np.ascontiguousarray(rows)
            inputs = [f"{read}_kept", f"{name}_weight"]
            product.input[0], product.output[0] = f"{read}_masked", f"{output}_bytes"
            nodes += [
                product,
                helper.make_node("MatMul", inputs, [name], name=name),
                helper.make_node("Add", [f"{output}_bytes", name], [output]),
            ]
            changed[product.output[0]] = ()
            excluded.append(name)
        changed[f"{first}_bytes"] = nodes
        graph.initializer.extend(
            numpy_helper.from_array(array, name) for name, array in constants.items()
        )
    ordered = [part for node in graph.node for part in changed.get(node.output[0], (node,))]
    del graph.node[:]
    graph.node.extend(ordered)
    return excluded


_ACTIVATIONS = frozenset(
    {
        "Celu",
        "Elu",
        "Erf",
        "Gelu",
        "HardSigmoid",
        "HardSwish",
        "LeakyRelu",
        "Mish",
        "PRelu",
        "Relu",
        "Selu",
        "Sigmoid",
        "Softplus",
        "Swish",
        "Tanh",
        "ThresholdedRelu",
    }
)
# What only scales, adds, gates, cuts or turns the numbers of an activation.
_BETWEEN = frozenset(
    {
        "Add",
        "Cast",
        "Clip",
        "Concat",
        "Div",
        "Identity",
        "Mul",
        "Neg",
        "Pow",
        "Reshape",
        "Slice",
        "Split",
        "Squeeze",
        "Sub",
        "Transpose",
        "Unsqueeze",
    }
)


def products_of_activations(graph: GraphProto) -> list[str]:
    """Return the names of the matrix products that read the output of an activation.

    In a transformer these are the second products of each MLP, whatever its activation and gates;
    those of attention read the output of a norm or of the softmax.
    """
    makers = {output: node for node in graph.node for output in node.output}
    return [
        node.name
        for node in graph.node
        if node.op_type == "MatMul" and _reads_activation(node.input[0], makers)
    ]


def _reads_activation(name: str, makers: Mapping[str, NodeProto]) -> bool:
    waiting, seen = [name], set[str]()
    while waiting:
        node = makers.get(waiting.pop())
        if node is None or node.output[0] in seen:
            continue
        if node.op_type in _ACTIVATIONS:
            return True
        seen.add(node.output[0])
        if node.op_type in _BETWEEN:
            waiting += node.input
    return False
