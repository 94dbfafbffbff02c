"""The headers of safetensors files: the names, types and shapes of tensors, without the tensors."""

from __future__ import annotations

import errno
import json
import math
import os
import re
import stat
import struct
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from holotype.encoders.checkpoints.hub_cache import fetch_again
from holotype.errors import CheckpointError, reason_of
from holotype.records import Dtype

_LENGTH_BYTES = 8
_LONGEST_HEADER_BYTES = 100_000_000
_WEIGHTS = re.compile(r"(?P<folder>\d+_\w+/)?model(?P<shard>-\d+-of-\d+)?\.safetensors")
_INDEX = re.compile(r"(?P<folder>\d+_\w+/)?model\.safetensors\.index\.json")
_PICKLED = re.compile(r"(?P<folder>\d+_\w+/)?pytorch_model.*\.bin")
# Several numbers share one of these: their counts are not those of the model.
_PACKED = frozenset({"I8", "U8", "I32", "U32", "F4", "F8_E8M0"})

_BITS: Mapping[str, int] = {
    "F4": 4,
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    **dict.fromkeys(("F8_E4M3", "F8_E4M3FNUZ", "F8_E5M2", "F8_E5M2FNUZ", "F8_E8M0"), 8),
    **dict.fromkeys(("BOOL", "I8", "U8"), 8),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
}
"""The types of safetensors 0.8, and how many bits a number takes."""

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


def weight_folders(names: Collection[str]) -> tuple[str, ...]:
    """Return the folders that hold weights of a model, by the names of all of its files."""
    found = {match["folder"] or "" for name in names if (match := _WEIGHTS.fullmatch(name))}
    found |= {match["folder"] or "" for name in names if (match := _INDEX.fullmatch(name))}
    return tuple(sorted(folder.rstrip("/") for folder in found))


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
    return _parse(text, location)[0]


def _parse(text: bytes, location: str) -> tuple[Header, int]:
    """Return the tensors that a header names, and how many bytes follow it."""
    try:
        values = json.loads(text)
        described = {name: value for name, value in values.items() if name != "__metadata__"}
        header = {
            name: Tensor(str(tensor["dtype"]), tuple(map(_whole, tensor["shape"])))
            for name, tensor in described.items()
        }
        spans = [tuple(map(_whole, tensor["data_offsets"])) for tensor in described.values()]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise _damaged(location, "its header is not a JSON object of tensors") from None
    if any(n < 0 for tensor in header.values() for n in tensor.shape):
        raise _damaged(location, "its header has a negative size")
    return header, _n_data_bytes(header, spans, location)


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def _n_data_bytes(header: Header, spans: Sequence[tuple[int, ...]], location: str) -> int:
    """Return how many bytes all tensors take, which lie one after the other."""
    at = 0
    for span, (name, tensor) in sorted(zip(spans, header.items(), strict=True)):
        n_bits = _BITS.get(tensor.dtype)
        if n_bits is None:
            raise _damaged(location, f"{name} is of the type {tensor.dtype}, which is not known")
        if len(span) != 2 or span[0] != at or (span[1] - at) * 8 != tensor.n_values * n_bits:
            raise _damaged(
                location,
                f"{name} of {tensor.dtype} {list(tensor.shape)} does not take the bytes "
                f"{list(span)} of its tensors",
            )
        at = span[1]
    return at


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
        refuse_special(path)
        with path.open("rb") as file:
            length = header_length(file.read(_LENGTH_BYTES), str(path))
            text = file.read(length)
            n_bytes = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise CheckpointError(
            str(path.parent), f"the file {path.name} is missing; expected a whole checkpoint"
        ) from None
    except OSError as error:
        raise CheckpointError(str(path), f"cannot be read: {reason_of(error)}") from error
    if len(text) < length:
        raise _damaged(str(path), "its header is cut off")
    header, n_data_bytes = _parse(text, str(path))
    n_more = n_bytes - _LENGTH_BYTES - length - n_data_bytes
    if n_more:
        raise _damaged(
            str(path),
            f"{n_more} bytes follow its tensors" if n_more > 0 else "its tensors are cut off",
        )
    return header


def read_number(path: Path, name: str) -> float:
    """Return a tensor that holds one number.

    Raises:
        CheckpointError: there is no such tensor, it holds more, or its type is no float.
    """
    header = read_header(path)
    with path.open("rb") as file:
        length = header_length(file.read(_LENGTH_BYTES), str(path))
        described = json.loads(file.read(length)).get(name, {})
        first, end = described.get("data_offsets", (0, 0))
        file.seek(first, os.SEEK_CUR)
        content = file.read(min(end - first, _LENGTH_BYTES))
    tensor = header.get(name)
    if tensor is None or tensor.n_values != 1 or tensor.dtype not in _FLOATS:
        raise CheckpointError(str(path), f"holds {name} as {tensor}; expected one number")
    if tensor.dtype == "BF16":
        # Its bits are the upper half of those of a float32.
        content = bytes(2) + content
    number: float = struct.unpack(_FLOATS[tensor.dtype], content)[0]
    return number


_FLOATS = {"F64": "<d", "F32": "<f", "BF16": "<f", "F16": "<e"}


def refuse_special(path: Path) -> None:
    """Refuse a pipe or a device, on which reading could wait forever.

    Raises:
        OSError: it is one, or there is no such file.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")


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
