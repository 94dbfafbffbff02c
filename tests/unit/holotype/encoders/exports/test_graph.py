"""Which matrix products of a graph stay in float32 when the others become products of bytes."""

from __future__ import annotations

from onnx import GraphProto, NodeProto
from onnx.helper import make_graph, make_node

from holotype.encoders.exports.graph import products_of_activations


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
