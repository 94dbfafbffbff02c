"""How each target is measured."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import cold_start
import growth
import holotype
import kernels
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
from peak import flops_a_token, flops_of_maps, peak_flops
from peers import PlainOpenvino
from targets import Bounded, CannotMeasureError, Case, Figure, Sizes, Target
from timing import in_turns, times_faster, wall_and_cpu

_ST32, _ST16 = "sentence-transformers, float32", "sentence-transformers, bfloat16"
_N_QUERIES = 5
_N_SHORT = 512
_NO_KERNELS = CannotMeasureError("the kernels are not installed")
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


def _documents_float32(sizes: Sizes) -> Sequence[float]:
    ours, theirs, texts = _ours(), _theirs(), documents(sizes.n_documents)
    times = in_turns(
        {
            "theirs": partial(theirs.encode_document, texts),
            "ours": partial(ours.encode_document, texts),
        },
        sizes.n_rounds,
        clock=time.process_time,
    )
    ratio = times_faster(times["theirs"], times["ours"])
    return ratio, _share_of_peak(ours, texts, min(times["ours"]), "float32")


def _share_of_peak(encoder: Any, texts: Sequence[str], seconds: float, dtype: str) -> float:
    n_tokens = sum(min(int(count), 256) for count in encoder.count_tokens(texts))
    reached = n_tokens * flops_a_token() / seconds
    return reached / peak_flops("cpu", dtype, clock=time.process_time)


def _documents_bfloat16(sizes: Sizes) -> Sequence[float]:
    _require_bfloat16()
    texts = documents(sizes.n_documents)
    encoder = _ours("bfloat16")
    times = in_turns(
        {
            "ours": partial(encoder.encode_document, texts),
            "float32": partial(_theirs().encode_document, texts),
            "bfloat16": partial(_theirs("bfloat16").encode_document, texts),
            "openvino": partial(_openvino().encode, texts),
        },
        sizes.n_rounds,
        clock=time.process_time,
    )
    ours = times.pop("ours")
    ratios = [times_faster(theirs, ours) for theirs in times.values()]
    return *ratios, _share_of_peak(encoder, texts, min(ours), "bfloat16")


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
    return ("", measure), (", kernels", partial(_by_kernels, measure))


def _query(dtype: Precision, sizes: Sizes) -> Sequence[float]:
    if dtype == "bfloat16":
        _require_bfloat16()
    ours, theirs = _ours(dtype), _theirs()

    def ask(model: Any) -> None:
        for _ in range(_N_QUERIES):
            model.encode_query(QUERY)

    return (1 / _ratio(partial(ask, theirs), partial(ask, ours), 5 * sizes.n_rounds),)


def _require_bfloat16() -> None:
    if not (machine.has_amx() or machine.has_avx512_bfloat16()):
        raise CannotMeasureError("no AMX and no AVX512-BF16")


def _busy(dtype: Precision, sizes: Sizes) -> Sequence[float]:
    import torch

    if dtype == "bfloat16":
        _require_bfloat16()
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


def _architecture(name: str, sizes: Sizes) -> Sequence[Figure]:
    """Measure two texts of 512 tokens, without the kernels and with them."""
    texts = [shapes.text(_N_SHORT, number) for number in range(2)]
    with tempfile.TemporaryDirectory(prefix="holotype-bench-") as place:
        folder = Path(place)
        width = shapes.save_short(name, folder, _N_SHORT)
        theirs = shapes.load_theirs(folder, "cpu", "float32")
        models = {"theirs": theirs, "ours": shapes.load_ours(folder, width, "cpu", "float32")}
        if kernels.are_installed():
            with kernels.found():
                models["kernels"] = shapes.load_ours(folder, width, "cpu", "float32")
        times = in_turns(
            {way: partial(model.encode, texts) for way, model in models.items()},
            sizes.n_rounds,
            clock=time.process_time,
        )
    most = _most(theirs, times["theirs"], n_tokens=_N_SHORT * len(texts))
    return [
        Bounded(times_faster(times["theirs"], times[way]), most) if way in times else _NO_KERNELS
        for way in ("ours", "kernels")
    ]


def _long_text(name: str, sizes: Sizes) -> Sequence[Figure]:
    if name not in sizes.long_of:
        raise CannotMeasureError("a long text of this one is left to the full run")
    # One long text takes seconds; a short one before it sets everything up.
    texts = [shapes.text(sizes.long, 0)]
    with tempfile.TemporaryDirectory(prefix="holotype-bench-") as place:
        folder = Path(place)
        width = shapes.save_short(name, folder, sizes.long)
        models = {
            "theirs": shapes.load_theirs(folder, "cpu", "float32"),
            "ours": shapes.load_ours(folder, width, "cpu", "float32"),
        }
        for model in models.values():
            model.encode(shapes.text(64, 1))
        times = in_turns(
            {way: partial(model.encode, texts) for way, model in models.items()},
            max(1, sizes.n_rounds // 3),
            warm_up=False,
            clock=time.process_time,
        )
    return (times_faster(times["theirs"], times["ours"]),)


def _most(theirs: Any, times: Sequence[float], *, n_tokens: int) -> float:
    """Return how many times faster than a model one is whose linear maps run at the peak, alone."""
    bare_s = flops_of_maps(theirs, n_tokens) / peak_flops("cpu", "float32", clock=time.process_time)
    return statistics.median(times) / bare_s


def _growth(sizes: Sizes) -> Sequence[float]:
    found = [growth.in_a_process("float32", n, sizes.n_calls) for n in growth.N_THREADS]
    return *(one["grown"] for one in found), found[0]["first"]


def _cold(sizes: Sizes) -> Sequence[float]:
    return cold_start.shares(sizes.n_processes)


def _sparse(dtype: str, sizes: Sizes) -> Sequence[float]:
    _require_products(dtype)
    with sparse_pair(sizes.n_documents // 4, "cpu", dtype) as pair:
        return (_ratio(pair.theirs, pair.ours, sizes.n_rounds),)


def _pairs(dtype: str, sizes: Sizes) -> Sequence[float]:
    _require_products(dtype)
    with cross_encoder_pair(sizes.n_documents // 2, "cpu", dtype) as pair:
        return (_ratio(pair.theirs, pair.ours, sizes.n_rounds),)


def _require_products(dtype: str) -> None:
    if dtype == "bfloat16":
        _require_bfloat16()
    elif dtype == "int8":
        _require_bytes()


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


def _documents_int8(sizes: Sizes) -> Sequence[float]:
    _require_bytes()
    ours, theirs, texts = _ours("int8"), _theirs(), documents(sizes.n_documents)
    ratio = _ratio(
        partial(theirs.encode_document, texts),
        partial(ours.encode_document, texts),
        sizes.n_rounds,
    )
    given = paragraphs()
    cosines = (ours.encode_document(given) * _ours().encode_document(given)).sum(axis=1)
    return ratio, float(cosines.min())


def _require_bytes() -> None:
    if not machine.has_avx512_vnni():
        raise CannotMeasureError("no AVX512-VNNI")


def _cannot(why: str, _sizes: Sizes) -> Sequence[float]:
    raise CannotMeasureError(why)


_BFLOAT16_BOUNDS = (8, 2.4, 1.6) if machine.has_amx() else (5.5, 1.9, 1.5)
_INT8_BOUND = 10 if machine.has_amx() else 5
_FLOAT32_BOUND = 2.8 if machine.is_amd() else 2.0
_MOST_MB = 64

CASES: Sequence[Case] = (
    *(
        Case(
            [
                Target(work=f"documents, bfloat16{how}", peer=_ST32, bound=_BFLOAT16_BOUNDS[0]),
                Target(work=f"documents, bfloat16{how}", peer=_ST16, bound=_BFLOAT16_BOUNDS[1]),
                Target(
                    work=f"documents, bfloat16{how}",
                    peer="OpenVINO by hand, bfloat16",
                    bound=_BFLOAT16_BOUNDS[2],
                ),
                Target(work=f"documents, bfloat16{how}", peer="peak of the product", bound=0.45),
            ],
            measure,
        )
        for how, measure in _both_ways(_documents_bfloat16)
    ),
    *(
        Case(
            [
                Target(work=f"documents, float32{how}", peer=_ST32, bound=_FLOAT32_BOUND),
                Target(work=f"documents, float32{how}", peer="peak of the product", bound=0.75),
            ],
            measure,
        )
        for how, measure in _both_ways(_documents_float32)
    ),
    *(
        Case(
            [
                Target(work=f"documents, int8 on torch{how}", peer=_ST32, bound=_INT8_BOUND),
                Target(work=f"paragraphs, int8 on torch{how}", peer="least cosine", bound=0.995),
            ],
            measure,
        )
        for how, measure in _both_ways(_documents_int8)
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
            [
                Target(work=f"{name}, {_N_SHORT} tokens{how}", peer=_ST32, bound=1.5)
                for how in ("", ", kernels")
            ],
            partial(_architecture, name),
        )
        for name in shapes.SHAPES
    ),
    *(
        Case(
            [Target(work=f"{name}, one long text", peer=_ST32, bound=1.5)],
            partial(_long_text, name),
        )
        for name, shape in shapes.SHAPES.items()
        if shape.reads_long
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
