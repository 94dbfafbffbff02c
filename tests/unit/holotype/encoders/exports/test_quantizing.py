"""What of a graph's matrix products stays in float32 when they become products of bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto, TensorProto
from onnx.helper import (
    make_graph,
    make_model,
    make_node,
    make_opsetid,
    make_tensor_value_info,
)
from onnx.numpy_helper import from_array

from holotype.encoders.exports.quantizing import products_of_activations, quantize


def graph(*nodes: NodeProto) -> GraphProto:
    return make_graph(list(nodes), "tiny", [], [])


def product(inputs: str, output: str) -> NodeProto:
    return make_node("MatMul", inputs.split(), [output], name=f"make {output}")


def test_the_second_product_of_an_mlp_is_found_by_the_activation_before_it() -> None:
    erf = (
        product("normed up", "wide"),
        make_node("Div", ["wide", "root"], ["scaled"]),
        make_node("Erf", ["scaled"], ["curve"]),
        make_node("Add", ["curve", "one"], ["gate"]),
        make_node("Mul", ["wide", "gate"], ["activated"]),
        product("activated down", "narrow"),
    )
    assert products_of_activations(graph(*erf)) == ["make narrow"]
    for name in ("Gelu", "Relu", "Tanh"):
        plain = (product("x up", "wide"), make_node(name, ["wide"], ["a"]), product("a down", "y"))
        assert products_of_activations(graph(*plain)) == ["make y"]


def test_gates_belong_to_the_activation() -> None:
    gated = (
        product("normed both", "halves"),
        make_node("Split", ["halves"], ["gate", "up"]),
        make_node("Sigmoid", ["gate"], ["curve"]),
        make_node("Mul", ["gate", "curve"], ["activated"]),
        make_node("Mul", ["activated", "up"], ["product"]),
        product("product down", "narrow"),
    )
    assert products_of_activations(graph(*gated)) == ["make narrow"]


def test_products_of_attention_and_of_norms_are_not_meant() -> None:
    attention = (
        make_node("Gelu", ["states"], ["before"]),
        make_node("LayerNormalization", ["before", "scale"], ["normed"]),
        product("normed q", "query"),
        product("query key", "scores"),
        make_node("Softmax", ["scores"], ["shares"]),
        product("shares value", "heads"),
        make_node("Reshape", ["heads", "shape"], ["joined"]),
        product("joined out", "attended"),
    )
    assert products_of_activations(graph(*attention)) == []


def save_products(path: Path, weights: dict[str, NDArray[np.float32]]) -> None:
    """Save a graph whose products all read `x`, each with a bias."""
    nodes, outputs, constants = [], [], []
    for name, weight in weights.items():
        nodes.append(product(f"x {name}", f"{name}_product"))
        nodes.append(make_node("Add", [f"{name}_product", f"{name}_bias"], [f"{name}_y"]))
        constants.append(from_array(weight, name))
        constants.append(from_array(weight[0], f"{name}_bias"))
        outputs.append(make_tensor_value_info(f"{name}_y", TensorProto.FLOAT, [None, None, None]))
    inputs = [make_tensor_value_info("x", TensorProto.FLOAT, [None, None, 24])]
    made = make_graph(nodes, "tiny", inputs, outputs, constants)
    onnx.save(make_model(made, opset_imports=[make_opsetid("", 18)], ir_version=10), path)


def test_nodes_without_names_and_products_of_one_weight_keep_their_columns(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(2, 30, 24)).astype(np.float32)
    vectors[..., 5] *= 400
    weight = random.normal(size=(24, 24)).astype(np.float32)
    # Whose output has a few large columns, too.
    weight[:, 7] *= 400
    nodes = [
        make_node("MatMul", ["x", "weight"], ["y"]),
        make_node("MatMul", ["x", "weight"], ["other"]),
        make_node("MatMul", ["y", "weight"], ["z"]),
    ]
    graph = make_graph(
        nodes,
        "tiny",
        [make_tensor_value_info("x", TensorProto.FLOAT, [None, None, 24])],
        [make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("other", "z")],
        [from_array(weight, "weight")],
    )
    source, path = tmp_path / "source.onnx", tmp_path / "made.onnx"
    onnx.save(make_model(graph, opset_imports=[make_opsetid("", 18)], ir_version=10), source)
    quantize(source, path, [{"x": vectors}])
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    other, z = session.run(None, {"x": vectors})
    for found, right in ((other, vectors @ weight), (z, vectors @ weight @ weight)):
        assert np.abs(found - right).max() < 0.01 * np.abs(right).max()


def test_a_graph_without_products_of_weights_is_written_as_it_is(tmp_path: Path) -> None:
    source, path = tmp_path / "source.onnx", tmp_path / "made.onnx"
    ends = [make_tensor_value_info(name, TensorProto.FLOAT, [None, 4]) for name in ("x", "y")]
    graph = make_graph([make_node("Relu", ["x"], ["y"], name="only")], "tiny", ends[:1], ends[1:])
    onnx.save(make_model(graph, opset_imports=[make_opsetid("", 18)], ir_version=10), source)
    vectors = np.array([[1, -1, 0.5, -0.5]], dtype=np.float32)
    quantize(source, path, [{"x": vectors}])
    (found,) = onnxruntime.InferenceSession(path).run(None, {"x": vectors})
    np.testing.assert_array_equal(found, np.maximum(vectors, 0))


def test_columns_that_dwarf_the_others_are_seen_in_examples_and_multiplied_in_float32(
    tmp_path: Path,
) -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(2, 30, 24)).astype(np.float32)
    vectors[..., [5, 17]] *= 400
    weights = {
        name: random.normal(size=(24, width)).astype(np.float32)
        for name, width in (("wide", 40), ("narrow", 6))
    }
    for weight in weights.values():
        weight[[5, 17]] /= 400
    found = {}
    for name, examples in (("seen", [{"x": vectors[:1]}, {"x": vectors[1:]}]), ("unseen", None)):
        source, path = tmp_path / f"{name}-source.onnx", tmp_path / f"{name}.onnx"
        save_products(source, weights)
        quantize(source, path, examples)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        found[name] = session.run(["wide_y", "narrow_y"], {"x": vectors})
    for at, weight in enumerate(weights.values()):
        right = vectors @ weight + weight[0]
        assert np.abs(found["seen"][at] - right).max() < 0.02 * np.abs(right).max()
        assert np.abs(found["unseen"][at] - right).max() > 0.2 * np.abs(right).max()
    assert {file.name for file in tmp_path.glob("*watched*")} == set()
