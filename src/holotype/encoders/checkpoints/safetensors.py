"""The headers of safetensors files: the names, types and shapes of tensors, without the tensors."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from holotype.encoders.checkpoints.hub_cache import fetch_again
from holotype.errors import CheckpointError
from holotype.records import Dtype

_LENGTH_BYTES = 8
_LONGEST_HEADER_BYTES = 100_000_000
_WEIGHTS = re.compile(r"(?P<folder>\d+_\w+/)?model(?P<shard>-\d+-of-\d+)?\.safetensors")
_PICKLED = re.compile(r"(?P<folder>\d+_\w+/)?pytorch_model.*\.bin")
# Several numbers share one of these: their counts are not those of the model.
_PACKED = frozenset({"I8", "U8", "I32", "U32", "F4", "F8_E8M0"})

_DTYPES: Mapping[str, Dtype] = {
    "F64": "float64",
    "F32": "float32",
    "BF16": "bfloat16",
    "F16": "float16",
    "F8_E4M3": "float8_e4m3",
    "F8_E5M2": "float8_e5m2",
    "I32": "int32",
    "I8": "int8",
    "U8": "uint8",
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """The type and the shape of a tensor."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def n_values(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


Header: TypeAlias = Mapping[str, Tensor]


def weight_files(names: Collection[str]) -> tuple[str, ...]:
    """Return the safetensors files that make up a model, out of all files of a repository.

    Conversions and copies in other places are left out; so are shards beside a whole file.
    """
    found = [match for name in sorted(names) if (match := _WEIGHTS.fullmatch(name))]
    whole = {match["folder"] for match in found if not match["shard"]}
    return tuple(match[0] for match in found if not match["shard"] or match["folder"] not in whole)


def some_are_pickled(names: Collection[str]) -> bool:
    """Whether a folder has weights in PyTorch's format only, whose sizes cannot be read."""
    readable = {match["folder"] for name in names if (match := _WEIGHTS.fullmatch(name))}
    pickled = {match["folder"] for name in names if (match := _PICKLED.fullmatch(name))}
    return not pickled <= readable


def _damaged(location: str, why: str) -> CheckpointError:
    return CheckpointError(
        location, f"is no whole safetensors file ({why}); {fetch_again(Path(location))}"
    )


def header_length(first: bytes, location: str) -> int:
    """Return how many bytes of header follow the first eight of a file.

    Raises:
        CheckpointError: the file is too short, or no safetensors file.
    """
    length = int.from_bytes(first[:_LENGTH_BYTES], "little")
    if len(first) < _LENGTH_BYTES or not 2 <= length <= _LONGEST_HEADER_BYTES:
        raise _damaged(location, "it has no header")
    return length


def parse_header(text: bytes, location: str) -> Header:
    """Return the tensors that a header names.

    Raises:
        CheckpointError: it is damaged.
    """
    try:
        values = json.loads(text)
        return {
            name: Tensor(str(tensor["dtype"]), tuple(map(int, tensor["shape"])))
            for name, tensor in values.items()
            if name != "__metadata__"
        }
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise _damaged(location, "its header is no JSON of tensors") from None


def stored_dtype(headers: Collection[Header]) -> Dtype | None:
    """Return the type of most of the numbers that tensors hold; None where it has no name here."""
    counts: Counter[str] = Counter()
    for header in headers:
        for tensor in header.values():
            counts[tensor.dtype] += tensor.n_values
    return _DTYPES.get(counts.most_common(1)[0][0]) if counts else None


def read_header(path: Path) -> Header:
    """Read the header of a file on this machine.

    Raises:
        CheckpointError: it is no whole safetensors file.
    """
    try:
        with path.open("rb") as file:
            length = header_length(file.read(_LENGTH_BYTES), str(path))
            text = file.read(length)
    except OSError as error:
        raise CheckpointError(str(path), f"cannot be read: {error}") from error
    if len(text) < length:
        raise _damaged(str(path), "its header is cut off")
    return parse_header(text, str(path))


def count_parameters(headers: Collection[Header]) -> int | None:
    """Return how many parameters tensors hold; None where they are packed several to a number.

    Integers that are no parameters, such as the table of position ids, do not count.
    """
    tensors = [tensor for header in headers for tensor in header.values()]
    if not tensors or not _PACKED.isdisjoint([tensor.dtype for tensor in tensors]):
        return None
    counted = [
        math.prod(tensor.shape)
        for tensor in tensors
        if tensor.dtype[0] in ("F", "B") and tensor.dtype != "BOOL"
    ]
    return sum(counted)
