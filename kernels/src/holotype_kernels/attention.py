"""Attention within rows that lie one after the other, in one call."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from typing import Any, Final, NamedTuple

from holotype_kernels.library import (
    INSTRUCTION_SETS,
    InstructionSet,
    OpenMp,
    library,
    require_instructions,
    threads,
)

MOST_HEAD_DIM: Final = 256
"""How many dimensions a head has at most; they are a multiple of 16."""
_HEAD_STEP = 16
# Bounds that keep every product of sizes far below 2 to the power of 63.
_MOST_TOKENS = 1 << 31
_MOST_HEADS = 1 << 16
_MOST_STRIDE = 1 << 31


class _Attention(ctypes.Structure):
    _fields_ = (
        ("query", ctypes.c_void_p),
        ("key", ctypes.c_void_p),
        ("value", ctypes.c_void_p),
        ("output", ctypes.c_void_p),
        ("lengths", ctypes.c_void_p),
        ("attended", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
        ("query_table", ctypes.c_void_p),
        ("key_table", ctypes.c_void_p),
        ("table_rows", ctypes.c_void_p),
        ("n_table_rows", ctypes.c_int64),
        ("reach", ctypes.c_int64),
        ("query_strides", ctypes.c_int64 * 2),
        ("key_strides", ctypes.c_int64 * 2),
        ("value_strides", ctypes.c_int64 * 2),
        ("n_rows", ctypes.c_int64),
        ("n_heads", ctypes.c_int64),
        ("n_key_heads", ctypes.c_int64),
        ("head_dim", ctypes.c_int64),
        ("bias_length", ctypes.c_int64),
        ("window", ctypes.c_int64),
        ("scale", ctypes.c_float),
        ("is_causal", ctypes.c_int32),
    )


@cache
def _attend() -> Any:
    found = library().holotype_attend
    found.argtypes = [
        ctypes.c_int,
        ctypes.POINTER(_Attention),
        ctypes.POINTER(OpenMp),
        ctypes.c_int,
    ]
    return found


class Heads(NamedTuple):
    """Where vectors of heads lie, whose numbers lie side by side.

    Attributes:
        address: the first number of the first token's first head.
        n_heads: how many heads there are.
        token_stride: how many numbers lie between two tokens.
        head_stride: how many numbers lie between two heads.
    """

    address: int
    n_heads: int
    token_stride: int
    head_stride: int


class Rows:
    """Rows of tokens, one after the other.

    Attributes:
        n_tokens: how many tokens they have.
        longest: the tokens of the longest.
    """

    def __init__(self, lengths: Sequence[int], *, attended: int | None = None) -> None:
        """Take how many tokens each row has.

        Args:
            lengths: the tokens of each row; tokens attend within their row.
            attended: the address of one byte for each token: whether the tokens of its row attend
                to it; None means that all are attended.

        Raises:
            ValueError: there is no row, or one without tokens, or too many.
        """
        self.n_tokens = sum(lengths)
        if not lengths or min(lengths) < 1 or self.n_tokens > _MOST_TOKENS:
            raise ValueError(
                f"expected rows with 1 to {_MOST_TOKENS} tokens altogether, not {list(lengths)[:8]}"
            )
        self.longest = max(lengths)
        self._attended = attended
        self._n_rows = len(lengths)
        self._lengths = (ctypes.c_int64 * self._n_rows)(*lengths)


class DistanceRows:
    """Which row of a table stands for which distance of a query from its key.

    Attributes:
        reach: the tokens of the longest row of tokens that they serve.
        n_table_rows: how many rows the table has.
    """

    def __init__(self, rows: Sequence[int], n_table_rows: int) -> None:
        """Take the row of each distance.

        Args:
            rows: the row of each distance, from ``1 - reach`` to ``reach - 1``.
            n_table_rows: how many rows a table has.

        Raises:
            ValueError: their number is even, or a row is not in the table.
        """
        if len(rows) % 2 == 0 or len(rows) > 2 * _MOST_TOKENS:
            raise ValueError(f"expected an odd number of distances, not {len(rows)}")
        if min(rows) < 0 or max(rows) >= n_table_rows or n_table_rows > _MOST_TOKENS:
            raise ValueError(
                f"rows from {min(rows)} to {max(rows)} are not in a table of {n_table_rows}"
            )
        self.reach = len(rows) // 2 + 1
        self.n_table_rows = n_table_rows
        self._rows = (ctypes.c_int64 * len(rows))(*rows)


class Tables(NamedTuple):
    """What queries and keys are multiplied with, by the distance between them.

    Attributes:
        rows: which row stands for which distance.
        queries: the address of ``[n_heads, n_table_rows, head_dim]``, for queries; None for none.
        keys: the same for keys, with as many heads as the queries.
    """

    rows: DistanceRows
    queries: int | None
    keys: int | None


def takes_heads(head_dim: int, n_heads: int, n_key_heads: int) -> bool:
    """Return whether attention is made for heads of such a size, so many of them sharing a key."""
    return (
        0 < n_key_heads <= n_heads <= _MOST_HEADS
        and n_heads % n_key_heads == 0
        and 0 < head_dim <= MOST_HEAD_DIM
        and head_dim % _HEAD_STEP == 0
    )


def attend(
    query: Heads,
    key: Heads,
    value: Heads,
    output: int,
    rows: Rows,
    *,
    head_dim: int,
    scale: float,
    instruction_set: InstructionSet,
    causal: bool = False,
    window: int | None = None,
    bias: int | None = None,
    bias_length: int = 0,
    tables: Tables | None = None,
    n_threads: int = 1,
) -> None:
    """Let the tokens of every row attend to each other.

    Numbers are float32, or bfloat16 for ``"avx512_bf16"``. A row to which nothing attends becomes
    zeros, and with a bias a mean.

    Args:
        query: the queries of `rows`.
        key: the keys, with as many heads or a divisor of them, each of which serves several.
        value: the values, with as many heads as the keys.
        output: the address of ``[n_tokens, n_heads, head_dim]``, which is written.
        rows: the rows.
        head_dim: the numbers of a head.
        scale: what products of queries and keys are multiplied by.
        instruction_set: the instructions that it uses; they decide the type of the numbers.
        causal: whether tokens attend to nothing that follows.
        window: how far tokens see at most: to distances below it; None for everywhere.
        bias: the address of float32 ``[n_heads, 2 * bias_length - 1]``, which is added to scaled
            products by the distance of a key from its query, from ``1 - bias_length`` on.
        bias_length: at least the tokens of the longest row, where there is a `bias`.
        tables: what is added to scaled products by distances, through queries and keys; not with a
            `bias`, a `window` or where `causal`, and each query has keys of its own.
        n_threads: how many threads share the work, if the process has loaded OpenMP.

    Raises:
        ValueError: attention is not made for such sizes, or an address is 0.
        OSError: the processor lacks the instructions.
        MemoryError: there is too little memory.
    """
    require_instructions(instruction_set)
    _require_sizes(query, key, value, head_dim)
    if not output:
        raise ValueError("the address of the output is 0")
    if window is not None and window < 1:
        raise ValueError(f"expected a window of one token or more, not {window}")
    if bias is not None and not rows.longest <= bias_length <= _MOST_TOKENS:
        raise ValueError(f"a bias for {bias_length} tokens does not reach a row of {rows.longest}")
    if tables is not None:
        _require_tables(tables, rows, query.n_heads == key.n_heads)
        if causal or window is not None or bias is not None:
            raise ValueError("tables go with neither a causal order, nor a window, nor a bias")
    shared = threads(n_threads)
    attention = _Attention(
        *(query.address, key.address, value.address, output),
        *(ctypes.addressof(rows._lengths), rows._attended, bias),
        *((None, None, None, 0, 0) if tables is None else _fields_of(tables)),
        *((ctypes.c_int64 * 2)(*one[2:]) for one in (query, key, value)),
        *(rows._n_rows, query.n_heads, key.n_heads, head_dim, bias_length),
        # A window that holds a row does not limit it.
        0 if window is None or window >= rows.longest else window,
        *(scale, causal),
    )
    number = INSTRUCTION_SETS.index(instruction_set)
    if _attend()(number, attention, shared, n_threads):
        raise MemoryError(f"too little memory for attention in {n_threads} threads")


def _require_tables(tables: Tables, rows: Rows, has_own_keys: bool) -> None:
    if not has_own_keys:
        raise ValueError("tables are not made for keys that several heads share")
    if not (tables.queries or tables.keys):
        raise ValueError("there is a table neither for queries nor for keys")
    if tables.rows.reach < rows.longest:
        raise ValueError(
            f"tables for {tables.rows.reach} tokens do not reach a row of {rows.longest}"
        )


def _fields_of(tables: Tables) -> tuple[int | None, int | None, int, int, int]:
    rows = tables.rows
    return (
        *(tables.queries, tables.keys, ctypes.addressof(rows._rows)),
        *(rows.n_table_rows, rows.reach),
    )


def _require_sizes(query: Heads, key: Heads, value: Heads, head_dim: int) -> None:
    if key.n_heads != value.n_heads:
        raise ValueError(f"keys have {key.n_heads} heads, and values {value.n_heads}")
    if not takes_heads(head_dim, query.n_heads, key.n_heads):
        raise ValueError(
            f"attention is not made for {query.n_heads} heads of {head_dim} dimensions with "
            f"{key.n_heads} keys: heads have a multiple of {_HEAD_STEP} dimensions, up to "
            f"{MOST_HEAD_DIM}, and equally many of them share a key"
        )
    for name, one in (("queries", query), ("keys", key), ("values", value)):
        if not one.address:
            raise ValueError(f"the address of the {name} is 0")
        for stride in one[2:]:
            # bfloat16 is read in pairs.
            if not 0 <= stride <= _MOST_STRIDE or stride % 2:
                raise ValueError(f"the {name} lie {stride} numbers apart, expected an even number")
