"""Tensors of every type that safetensors files can hold are read as numbers, or refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holotype.encoders.arrays.tensors import read_table_file, read_tensor_file
from holotype.errors import UnsupportedCheckpointError

FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}
INTEGERS = {"I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "<i1"}
INTEGERS |= {"U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "<u1"}
OTHERS = {
    **{"BOOL": 8, "C64": 64},
    **{"F8_E4M3": 8, "F8_E5M2": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "F8_E8M0": 8},
    **{"F6_E2M3": 6, "F6_E3M2": 6, "F4": 4},
}
"""What safetensors 0.8 knows besides, with the bits of a number."""
SHAPE = (3, 4)


def write(folder: Path, dtype: str, raw: bytes, name: str = "embeddings") -> Path:
    described = {"dtype": dtype, "shape": SHAPE, "data_offsets": [0, len(raw)]}
    header = json.dumps({name: described}).encode()
    path = folder / "model.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + raw)
    return path


@pytest.mark.parametrize(("dtype", "stored"), (FLOATS | INTEGERS).items())
def test_a_table_of_any_type_that_numpy_has_is_read(
    dtype: str, stored: str, tmp_path: Path
) -> None:
    numbers = np.arange(12, dtype=stored).reshape(SHAPE)
    read = read_table_file(write(tmp_path, dtype, numbers.tobytes()))["embeddings"]
    assert read.dtype == np.dtype(stored)
    assert (read == numbers).all()


@pytest.mark.parametrize("read", [read_table_file, read_tensor_file])
def test_bfloat16_is_widened(read: Callable[[Path], dict[str, Any]], tmp_path: Path) -> None:
    numbers = np.linspace(-2, 2, 12, dtype=np.float32).reshape(SHAPE)
    halves = (numbers.view(np.uint32) >> 16).astype("<u2")
    found = read(write(tmp_path, "BF16", halves.tobytes()))["embeddings"]
    assert found.dtype == np.float32
    assert np.abs(found - numbers).max() < 2**-7


@pytest.mark.parametrize(("dtype", "stored"), FLOATS.items())
def test_layers_are_read_in_float32(dtype: str, stored: str, tmp_path: Path) -> None:
    numbers = np.linspace(-1, 1, 12, dtype=stored).reshape(SHAPE)
    read = read_tensor_file(write(tmp_path, dtype, numbers.tobytes()))["embeddings"]
    assert read.dtype == np.float32
    assert (read == numbers.astype(np.float32)).all()


@pytest.mark.parametrize("dtype", OTHERS)
@pytest.mark.parametrize("read", [read_table_file, read_tensor_file])
def test_types_that_numpy_lacks_are_refused_by_name(
    read: Callable[[Path], dict[str, Any]], dtype: str, tmp_path: Path
) -> None:
    path = write(tmp_path, dtype, bytes(12 * OTHERS[dtype] // 8))
    with pytest.raises(UnsupportedCheckpointError, match=f"holds embeddings as {dtype}; expected"):
        read(path)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_layers_of_integers_are_refused(dtype: str, tmp_path: Path) -> None:
    raw = np.ones(SHAPE, INTEGERS[dtype]).tobytes()
    with pytest.raises(UnsupportedCheckpointError, match=f"holds embeddings as {dtype}; expected"):
        read_tensor_file(write(tmp_path, dtype, raw))


def test_only_tensors_with_the_prefix_need_a_type_that_is_known(tmp_path: Path) -> None:
    path = write(tmp_path, "F8_E4M3", bytes(12), name="other.weight")
    assert read_tensor_file(path, prefix="linear.") == {}
