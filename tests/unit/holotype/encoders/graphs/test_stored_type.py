"""In which type a graph computes, read from the bytes of its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.helper import make_graph, make_model, make_node
from onnx.numpy_helper import from_array

from holotype.encoders.graphs.stored_type import StoredType, read_stored_type


def saved(folder: Path, *nodes: onnx.NodeProto, kind: str = "float32") -> Path:
    weight = from_array(np.ones((300, 20), dtype=kind), "weight")
    shape = from_array(np.array([1, -1]), "shape")
    model = make_model(make_graph(list(nodes), "tiny", [], [], [weight, shape]))
    onnx.save(model, folder / "model.onnx")
    return folder / "model.onnx"


@pytest.mark.parametrize(
    ("operator", "dtype"),
    [
        ("MatMul", "float32"),
        ("DynamicQuantizeLinear", "int8"),
        ("DequantizeLinear", "int8"),
        ("MatMulInteger", "int8"),
        ("QLinearMatMul", "int8"),
        ("QAttention", "int8"),
        ("DynamicQuantizeMatMul", "int8"),
        ("MatMulNBits", "4 bits"),
    ],
)
def test_operators_tell_the_type(operator: str, dtype: str, tmp_path: Path) -> None:
    found = read_stored_type(saved(tmp_path, make_node(operator, ["x"], ["y"])))
    assert found.dtype == dtype
    assert (operator in found.reason) == (dtype != "float32")


def test_operators_of_branches_and_functions_count(tmp_path: Path) -> None:
    branch = make_graph([make_node("QLinearAdd", ["x"], ["y"])], "branch", [], [])
    either = make_node("If", ["condition"], ["y"], then_branch=branch, else_branch=branch)
    assert read_stored_type(saved(tmp_path, either)).reason == "it has the operators QLinearAdd"
    model = make_model(make_graph([], "tiny", [], []))
    inner = make_node("DequantizeLinear", ["x"], ["y"])
    opsets = [onnx.helper.make_opsetid("", 18)]
    model.functions.append(onnx.helper.make_function("own", "f", ["x"], ["y"], [inner], opsets))
    onnx.save(model, tmp_path / "model.onnx")
    assert read_stored_type(tmp_path / "model.onnx").dtype == "int8"


def test_weights_tell_the_type_of_floats(tmp_path: Path) -> None:
    for kind in ("float16", "float32"):
        found = read_stored_type(saved(tmp_path, make_node("MatMul", ["x"], ["y"]), kind=kind))
        assert found == StoredType(dtype=kind, reason=f"most of its weights are {kind}")


def test_weights_beside_the_graph_are_not_needed(tmp_path: Path) -> None:
    path = saved(tmp_path, make_node("MatMul", ["x"], ["y"]), kind="float16")
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="w", size_threshold=0)
    (tmp_path / "w").unlink()
    assert read_stored_type(path).dtype == "float16"


def test_a_file_that_is_not_whole_tells_nothing(tmp_path: Path) -> None:
    path = saved(tmp_path, make_node("MatMul", ["x"], ["y"]))
    whole = path.read_bytes()
    for damaged in (b"", b"<html>not found</html>", whole[:-40], whole[:1000]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"cut off|after its end|no field|0 graphs"):
            read_stored_type(path)


OPENVINO = """<?xml version="1.0"?>
<net name="tiny" version="11"><layers>
<layer id="0" name="a" type="Const" version="opset1">
<data element_type="f32" shape="300, 20" offset="0" size="24000" />
</layer>
<layer id="1" name="b" type="Const" version="opset1">
<data element_type="{kind}" shape="100, 20" offset="24000" size="2000" />
</layer>
{further}</layers></net>
"""


@pytest.mark.parametrize(
    ("kind", "further", "dtype"),
    [
        ("f32", "", "float32"),
        ("i8", "", "int8"),
        ("u8", "", "int8"),
        ("u4", "", "4 bits"),
        ("f32", '<layer id="2" name="c" type="FakeQuantize" version="opset1" />\n', "int8"),
    ],
)
def test_constants_of_openvino_tell_the_type(
    kind: str, further: str, dtype: str, tmp_path: Path
) -> None:
    path = tmp_path / "openvino_model.xml"
    text = OPENVINO.format(kind=kind, further=further)
    path.write_text(text, encoding="utf-8")
    assert read_stored_type(path).dtype == dtype
    path.write_text(text[:-20], encoding="utf-8")
    with pytest.raises(ValueError, match="does not end with </net>"):
        read_stored_type(path)
