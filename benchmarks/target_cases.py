"""How each target is measured."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import cache, partial
from pathlib import Path
from typing import Any

import cold_start
import growth
import holotype
import kernels
import long_texts
import machine
import maxsim_peers
import quota
import shapes
import static_models
from busy import busy_processes
from corpus import CHECKPOINT, QUERY, documents, paragraphs
from heads import cross_encoder_pair, sparse_pair
from holotype.encoders.exports import export
from holotype.models import ALL_MINILM_L6_V2
from holotype.run_options import Precision
from memory import peak_ratio
from peak import flops_a_token, peak_flops
from peers import PlainOpenvino
from targets import Bounded, CannotMeasureError, Case, Figure, Sizes, Target
from timing import in_turns, times_faster, wall_and_cpu

_ST32, _ST16 = "sentence-transformers, float32", "sentence-transformers, bfloat16"
_OPENVINO = "OpenVINO by hand, bfloat16"
_KERNELS = ", kernels"
_WAYS = ("", _KERNELS)
_DOCUMENT_DTYPES: tuple[Precision, ...] = ("bfloat16", "float32", "int8")
_PEERS_OF_DOCUMENTS: Mapping[str, Sequence[str]] = {
    "bfloat16": (_ST32, _ST16, _OPENVINO),
    "float32": (_ST32,),
    "int8": (_ST32,),
}
_N_QUERIES = 5
_N_SHORT = 512
_NO_KERNELS = CannotMeasureError("the kernels are not installed")
_LEFT = CannotMeasureError("this one is left to the full run")
_QUERY_BOUNDS: tuple[tuple[Precision, float], ...] = (("float32", 0.4), ("bfloat16", 0.25))


def _ratio(theirs: Callable[[], object], ours: Callable[[], object], n_rounds: int) -> float:
    """Return how many times faster ours is."""
    times = in_turns({"theirs": theirs, "ours": ours}, n_rounds, clock=time.process_time)
    return times_faster(times["theirs"], times["ours"])


def _ours(dtype: Precision = "float32") -> Any:
    return holotype.load(ALL_MINILM_L6_V2, checkpoint=CHECKPOINT, device="cpu", dtype=dtype)


@cache
def _theirs(dtype: str = "float32") -> Any:
    import torch
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(CHECKPOINT), device="cpu").to(getattr(torch, dtype))


def _documents(sizes: Sizes) -> Sequence[Figure]:
    """Measure all types, without the kernels and with them, beside all peers."""
    texts = documents(sizes.n_documents)
    runs = {_ST32: partial(_theirs().encode_document, texts)}
    if _lacks("bfloat16") is None:
        runs[_ST16] = partial(_theirs("bfloat16").encode_document, texts)
        runs[_OPENVINO] = partial(_openvino().encode, texts)
    ours: dict[tuple[Precision, str], Any] = {}
    for how in _WAYS[: 1 + kernels.are_installed()]:
        with kernels.found() if how == _KERNELS else nullcontext():
            ours |= {(one, how): _ours(one) for one in _DOCUMENT_DTYPES if _lacks(one) is None}
    for (dtype, how), encoder in ours.items():
        runs[dtype + how] = partial(encoder.encode_document, texts)
    times = in_turns(runs, sizes.n_rounds, clock=time.process_time)

    def figures(dtype: Precision, how: str) -> Sequence[Figure]:
        peers = _PEERS_OF_DOCUMENTS[dtype]
        encoder = ours.get((dtype, how))
        if encoder is None:
            return [_lacks(dtype) or _NO_KERNELS] * (len(peers) + 1)
        own = times[dtype + how]
        ratios = [times_faster(times[peer], own) for peer in peers]
        if dtype == "int8":
            return [*ratios, _least_cosine(encoder, ours["float32", how])]
        return [*ratios, _share_of_peak(encoder, texts, min(own), dtype)]

    return [figure for one in _DOCUMENT_DTYPES for how in _WAYS for figure in figures(one, how)]


def _least_cosine(encoder: Any, exact: Any) -> float:
    given = paragraphs()
    cosines = (encoder.encode_document(given) * exact.encode_document(given)).sum(axis=1)
    return float(cosines.min())


def _share_of_peak(encoder: Any, texts: Sequence[str], seconds: float, dtype: str) -> float:
    n_tokens = sum(min(int(count), 256) for count in encoder.count_tokens(texts))
    reached = n_tokens * flops_a_token() / seconds
    return reached / peak_flops("cpu", dtype, clock=time.process_time)


@cache
def _openvino() -> PlainOpenvino:
    with tempfile.TemporaryDirectory(prefix="holotype-bench-") as folder:
        export(ALL_MINILM_L6_V2, backend="openvino", checkpoint=CHECKPOINT, to=folder)
        return PlainOpenvino(Path(folder), "bf16")


def _by_kernels(measure: Callable[[Sizes], Sequence[float]], sizes: Sizes) -> Sequence[float]:
    if not kernels.are_installed():
        raise _NO_KERNELS
    with kernels.found():
        return measure(sizes)


def _both_ways(
    measure: Callable[[Sizes], Sequence[float]],
) -> Sequence[tuple[str, Callable[[Sizes], Sequence[float]]]]:
    """Return what measures without the kernels and with them, by what follows the work's name."""
    return ("", measure), (_KERNELS, partial(_by_kernels, measure))


def _query(dtype: Precision, sizes: Sizes) -> Sequence[float]:
    _require(dtype)
    ours, theirs = _ours(dtype), _theirs()

    def ask(model: Any) -> None:
        for _ in range(_N_QUERIES):
            model.encode_query(QUERY)

    return (1 / _ratio(partial(ask, theirs), partial(ask, ours), 5 * sizes.n_rounds),)


def _lacks(dtype: str) -> CannotMeasureError | None:
    """Return what the processor lacks for a type; None where it has all."""
    if dtype == "bfloat16" and not (machine.has_amx() or machine.has_avx512_bfloat16()):
        return CannotMeasureError("no AMX and no AVX512-BF16")
    if dtype == "int8" and not machine.has_avx512_vnni():
        return CannotMeasureError("no AVX512-VNNI")
    return None


def _require(dtype: str) -> None:
    lack = _lacks(dtype)
    if lack is not None:
        raise lack


def _busy(dtype: Precision, sizes: Sizes) -> Sequence[float]:
    import torch

    _require(dtype)
    ours, theirs, texts = _ours(dtype), _theirs(), documents(sizes.n_documents)
    calls = partial(theirs.encode_document, texts), partial(ours.encode_document, texts)
    n_threads = torch.get_num_threads()
    torch.set_num_threads(machine.n_cores())
    try:
        with busy_processes(2):
            return wall_and_cpu(*calls, sizes.n_rounds)
    finally:
        torch.set_num_threads(n_threads)


def _quota(sizes: Sizes) -> Sequence[float]:
    return quota.ratios(sizes.n_documents, sizes.n_rounds)


def _architecture(name: str, dtype: str, sizes: Sizes) -> Sequence[Figure]:
    """Measure two texts of 512 tokens, without the kernels and with them."""
    _require(dtype)
    if dtype not in sizes.long_dtypes:
        raise _LEFT
    found = long_texts.compare(name, dtype, _N_SHORT, 2, sizes.n_rounds)
    ours = Bounded(found.ours, found.most)
    if found.by_kernels is None:
        return ours, _NO_KERNELS
    return ours, Bounded(found.by_kernels, found.most)


def _long_text(name: str, dtype: str, sizes: Sizes) -> Sequence[Figure]:
    _require(dtype)
    if name not in sizes.long_of or dtype not in sizes.long_dtypes:
        raise _LEFT
    # One long text takes seconds.
    found = long_texts.compare(name, dtype, sizes.long, 1, max(1, sizes.n_rounds // 3))
    return found.ours, _NO_KERNELS if found.by_kernels is None else found.by_kernels


def _growth(sizes: Sizes) -> Sequence[float]:
    found = [growth.in_a_process("float32", n, sizes.n_calls) for n in growth.N_THREADS]
    return *(one["grown"][-1] for one in found), found[0]["first"]


def _cold(sizes: Sizes) -> Sequence[Figure]:
    found = cold_start.shares(sizes.n_processes)
    return (
        Bounded(found.torch, found.bare_torch),
        Bounded(found.onnx, found.bare_onnx),
        found.static,
    )


def _sparse(dtype: str, sizes: Sizes) -> Sequence[float]:
    _require(dtype)
    with sparse_pair(sizes.n_documents // 4, "cpu", dtype) as pair:
        return (_ratio(pair.theirs, pair.ours, sizes.n_rounds),)


def _pairs(dtype: str, sizes: Sizes) -> Sequence[float]:
    _require(dtype)
    with cross_encoder_pair(sizes.n_documents // 2, "cpu", dtype) as pair:
        return (_ratio(pair.theirs, pair.ours, sizes.n_rounds),)


def _static(sizes: Sizes) -> Sequence[float]:
    with tempfile.TemporaryDirectory(prefix="holotype-bench-") as folder:
        ours, theirs = static_models.load_both(Path(folder))
        texts = static_models.texts(sizes.n_static)

        def ask(model: Any) -> None:
            for _ in range(200):
                model.encode(QUERY)

        many = _ratio(partial(theirs.encode, texts), partial(ours.encode, texts), sizes.n_rounds)
        return many, _ratio(partial(ask, theirs), partial(ask, ours), 3 * sizes.n_rounds)


def _maxsim(n_queries: int, sizes: Sizes) -> Sequence[float]:
    return (maxsim_peers.ratio(n_queries, sizes.n_rounds),)


def _cannot(why: str, _sizes: Sizes) -> Sequence[float]:
    raise CannotMeasureError(why)


_BFLOAT16_BOUNDS = (8, 2.4, 1.6) if machine.has_amx() else (5.5, 1.9, 1.5)
_INT8_BOUND = 10 if machine.has_amx() else 5
_FLOAT32_BOUND = 2.8 if machine.is_amd() else 2.0
_MOST_MB = 64

_BOUNDS_OF_DOCUMENTS = {
    "bfloat16": (*_BFLOAT16_BOUNDS, 0.45),
    "float32": (_FLOAT32_BOUND, 0.75),
    "int8": (_INT8_BOUND, 0.995),
}


def _targets_of_documents(dtype: Precision, how: str) -> Sequence[Target]:
    peers = (
        *_PEERS_OF_DOCUMENTS[dtype],
        "least cosine" if dtype == "int8" else "peak of the product",
    )
    return [
        Target(
            work=f"{'paragraphs' if peer == 'least cosine' else 'documents'}, {dtype}{how}",
            peer=peer,
            bound=bound,
        )
        for peer, bound in zip(peers, _BOUNDS_OF_DOCUMENTS[dtype], strict=True)
    ]


CASES: Sequence[Case] = (
    Case(
        [
            target
            for dtype in _DOCUMENT_DTYPES
            for how in _WAYS
            for target in _targets_of_documents(dtype, how)
        ],
        _documents,
    ),
    *(
        Case(
            [Target(work=f"one query, {dtype}{how}", peer=_ST32, bound=bound, at_least=False)],
            measure,
        )
        for dtype, bound in _QUERY_BOUNDS
        for how, measure in _both_ways(partial(_query, dtype))
    ),
    *(
        Case(
            [
                Target(work=f"{dtype} beside two busy loops, {clock} time", peer=_ST32, bound=1.4)
                for clock in ("wall", "CPU")
            ],
            partial(_busy, dtype),
        )
        for dtype in ("float32", "bfloat16")
    ),
    Case(
        [
            Target(work=f"quota of {quota.N_CORES} cores, {clock} time", peer=_ST32, bound=1.4)
            for clock in ("wall", "CPU")
        ],
        _quota,
    ),
    *(
        Case(
            [Target(work=f"{name}, {what}{how}", peer=peer, bound=bound) for how in _WAYS],
            partial(measure, name, dtype),
        )
        for dtype, peer, bound in (("float32", _ST32, 1.5), ("bfloat16", _ST16, 2.0))
        for what, measure in ((f"{_N_SHORT} tokens", _architecture), ("one long text", _long_text))
        for name, shape in shapes.SHAPES.items()
        if measure is _architecture or shape.reads_long
    ),
    Case(
        [
            Target(work="growth, 1 thread", peer="MB", bound=_MOST_MB, at_least=False),
            Target(work="growth, 16 threads", peer="MB", bound=_MOST_MB, at_least=False),
            Target(work="a new length", peer="the same again", bound=1.1, at_least=False),
        ],
        _growth,
    ),
    Case(
        [Target(work="peak of many documents", peer=_ST32, bound=0.6, at_least=False)],
        lambda sizes: (peak_ratio(sizes.n_many),),
    ),
    Case(
        [
            Target(work="static, many texts", peer="model2vec", bound=2),
            Target(work="static, one text", peer="model2vec", bound=1.3),
        ],
        _static,
    ),
    Case(
        [
            Target(work="cold process, torch", peer=_ST32, bound=0.22, at_least=False),
            Target(work="cold process, onnx", peer=_ST32, bound=0.05, at_least=False),
            Target(work="cold process, static", peer=_ST32, bound=0.05, at_least=False),
        ],
        _cold,
    ),
    *(
        Case(
            [Target(work=f"MaxSim, {n_queries} x 10,000", peer="maxsim-cpu", bound=1)],
            partial(_maxsim, n_queries),
        )
        for n_queries in (1, 64)
    ),
    Case(
        [Target(work="MaxSim, 1 x 10,000", peer="fast-plaid", bound=1)],
        partial(_cannot, "fast-plaid pins another torch"),
    ),
    *(
        Case([Target(work=f"{kind}, {dtype}", peer=_ST32, bound=bound)], partial(measure, dtype))
        for kind, measure, by_amx in (("SPLADE", _sparse, 8), ("cross-encoder", _pairs, 6))
        for dtype, bound in (("float32", 1), ("bfloat16", by_amx), ("int8", by_amx))
    ),
    Case(
        [Target(work="classifier, bfloat16 and int8", peer=_ST32, bound=6)],
        partial(_cannot, "it is the network of the cross-encoder"),
    ),
)
