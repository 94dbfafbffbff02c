"""The compiled pass: what transformers returns, on each set of instructions that the processor has."""

from __future__ import annotations

import ctypes
import importlib
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from tests.kernels.conftest import INSTALLED, batch_of, rows_of
from tests.runtime.architectures import build
from tests.runtime.test_minilm import MINILM
from transformers import PreTrainedModel

from holotype.encoders import load
from holotype.encoders.inputs.rows import Row
from holotype.encoders.kernels import kernels as find_kernels
from holotype.encoders.torch_backend import few_tokens
from holotype.encoders.torch_backend.bert_forward import BertForward
from holotype.encoders.torch_backend.compiled_attention import INSTRUCTION_SETS
from holotype.encoders.torch_backend.few_tokens import FewTokensForward, with_kernel
from holotype.encoders.torch_backend.forwards import packed_forward
from holotype.encoders.torch_backend.linear_map import OneDnnLinearMap
from holotype.encoders.torch_backend.row_counts import row_counts

SIZES: dict[str, Any] = {
    "hidden_size": 128,
    "intermediate_size": 320,
    "num_attention_heads": 4,
    "max_position_embeddings": 80,
    "initializer_range": 0.08,
}
DISTILBERT = {"dim": 128, "hidden_dim": 320, "n_layers": 3}
MODELS: dict[str, dict[str, Any]] = {
    "BertModel": {},
    "CamembertModel": {},
    "DistilBertModel": DISTILBERT,
    "MPNetModel": {"hidden_act": "gelu"},
    "RobertaModel": {},
    "XLMRobertaModel": {},
}
# One row, several of all lengths up to the most tokens altogether, several of one length.
LENGTHS = [[1], [2], [7], [12], [13], [33], [64], [20, 17, 9, 9, 5, 2, 1, 1], [8, 8, 8, 8]]


def model_of(name: str, dtype: torch.dtype = torch.float32, **sizes: Any) -> PreTrainedModel:
    model: Any = build(name, **{**SIZES, **MODELS[name], **sizes})
    found: PreTrainedModel = model.to(dtype)
    return found


def both(model: PreTrainedModel) -> tuple[BertForward, FewTokensForward]:
    """A forward pass without and with the kernels, with weights as one thread lays them out."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        forward = packed_forward(model, has_types=True)
    finally:
        torch.set_num_threads(n_threads)
    assert isinstance(forward, BertForward)
    found = with_kernel(forward)
    assert isinstance(found, FewTokensForward)
    return forward, found


@torch.inference_mode()
def run(forward: BertForward | FewTokensForward, rows: Sequence[Row]) -> torch.Tensor:
    return forward(batch_of(rows))


@torch.inference_mode()
def reference(model: PreTrainedModel, rows: Sequence[Row]) -> torch.Tensor:
    found = []
    for row in rows:
        attended = torch.tensor([row.attended]).long()
        found.append(model(input_ids=torch.tensor([row.ids]), attention_mask=attended)[0][0])
    return torch.cat(found)


@pytest.fixture(params=["avx2", "avx512"])
def in_float32(
    kernels: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if request.param not in kernels.instruction_sets():
        pytest.skip(f"this processor has no {request.param}")
    monkeypatch.setitem(INSTRUCTION_SETS, torch.float32, (request.param,))


@pytest.fixture(params=[1, 3])
def n_threads(request: pytest.FixtureRequest) -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("all_attended", [True, False])
@pytest.mark.usefixtures("in_float32", "n_threads")
def test_states_equal_those_of_transformers(name: str, all_attended: bool) -> None:
    model = model_of(name)
    for lengths in LENGTHS:
        rows = rows_of(lengths, all_attended=all_attended)
        expected = reference(model, rows)
        _, found = both(model_of(name))
        torch.testing.assert_close(run(found, rows), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("sizes", [{"num_attention_heads": 8}, {"num_attention_heads": 1}])
@pytest.mark.usefixtures("in_float32")
def test_heads_of_16_and_of_128_dimensions(sizes: dict[str, Any]) -> None:
    rows = rows_of([64], all_attended=False)
    expected = reference(model_of("BertModel", **sizes), rows)
    _, found = both(model_of("BertModel", **sizes))
    torch.testing.assert_close(run(found, rows), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["BertModel", "MPNetModel"])
def test_bfloat16_is_at_least_as_near_to_float32_as_without_the_kernels(
    kernels: Any, name: str
) -> None:
    if "avx512_bf16" not in kernels.instruction_sets():
        pytest.skip("this processor has no AVX512-BF16")
    exact = model_of(name)
    without, found = both(model_of(name, torch.bfloat16))
    for lengths in LENGTHS:
        rows = rows_of(lengths, all_attended=False)
        expected = reference(exact, rows)
        states = run(found, rows)
        assert states.dtype == torch.bfloat16
        ours = (states.float() - expected).abs().mean()
        theirs = (run(without, rows).float() - expected).abs().mean()
        assert 0 < ours <= theirs


@pytest.mark.usefixtures("in_float32")
def test_a_row_is_the_same_in_any_batch_and_with_any_number_of_threads() -> None:
    _, found = both(model_of("BertModel"))
    rows = rows_of([20, 17, 9, 9, 5, 2, 1, 1])
    together = run(found, rows)
    alone = torch.cat([run(found, [row]) for row in rows])
    assert torch.equal(together, alone)
    before = torch.get_num_threads()
    for count in (2, 5):
        torch.set_num_threads(count)
        assert torch.equal(run(found, rows), together)
    torch.set_num_threads(before)


def test_many_python_threads_run_one_model_at_once(kernels: Any, n_threads: int) -> None:
    _, found = both(model_of("BertModel"))
    given = [rows_of([1 + at % 30, 1 + at % 3]) for at in range(60)]
    expected = [run(found, sorted_rows(rows)) for rows in given]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            results = pool.map(lambda rows: run(found, sorted_rows(rows)), given)
            assert all(map(torch.equal, results, expected))


def sorted_rows(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: -row.n_tokens)


def test_tokens_behind_the_rows_are_read_by_nobody(kernels: Any) -> None:
    _, found = both(model_of("BertModel"))
    rows = rows_of([7])
    with torch.inference_mode():
        padded = found(batch_of(rows, pieces=(8,)))
    assert len(padded) == 8
    assert torch.equal(padded[:7], run(found, rows))


def test_more_tokens_run_without_the_kernels(kernels: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    without, found = both(model_of("BertModel"))
    monkeypatch.setattr(found, "_model", None)
    rows = rows_of([40, kernels.MOST_TOKENS - 39])
    assert torch.equal(run(found, rows), run(without, rows))


def test_fewer_tokens_run_by_the_kernels_where_tiles_multiply(
    kernels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "avx512_bf16" not in kernels.instruction_sets():
        pytest.skip("this processor has no AVX512-BF16")
    monkeypatch.setattr(few_tokens, "multiplies_by_tiles", lambda: True)
    for dtype, most in ((torch.bfloat16, 16), (torch.float32, 64)):
        without, found = both(model_of("BertModel", dtype))
        assert not torch.equal(run(found, rows_of([most])), run(without, rows_of([most])))
        assert torch.equal(run(found, rows_of([most + 1])), run(without, rows_of([most + 1])))


def test_fewer_tokens_run_by_the_kernels_where_layers_are_wide(kernels: Any) -> None:
    without, found = both(model_of("BertModel", intermediate_size=4096, num_hidden_layers=1))
    assert not torch.equal(run(found, rows_of([32])), run(without, rows_of([32])))
    assert torch.equal(run(found, rows_of([33])), run(without, rows_of([33])))


def test_what_is_not_a_number_stays_so(kernels: Any) -> None:
    model: Any = model_of("BertModel")
    with torch.no_grad():
        model.get_input_embeddings().weight[5] = float("nan")
    _, found = both(model)
    states = run(found, [Row([4, 5, 6], [0] * 3, [True] * 3, [True] * 3)])
    assert states.isnan().all()


@pytest.mark.parametrize("large", [1e38, -1e38, float("inf"), float("nan")])
@pytest.mark.parametrize(
    "name",
    [
        *(
            "attention.self.query.weight",
            "attention.self.value.bias",
            "attention.output.dense.weight",
        ),
        *("attention.output.LayerNorm.weight", "intermediate.dense.weight", "output.dense.bias"),
    ],
)
def test_weights_that_may_lead_beyond_float32_run_without_the_kernels(
    kernels: Any, name: str, large: float
) -> None:
    model: Any = model_of("BertModel")
    with torch.no_grad():
        model.encoder.layer[-1].get_parameter(name).view(-1)[3] = large
    forward = packed_forward(model, has_types=True)
    assert forward is not None
    assert with_kernel(forward) is forward


@pytest.mark.parametrize("architecture", ["BertModel", "MPNetModel"])
def test_a_row_to_which_nothing_attends_is_as_in_torch(kernels: Any, architecture: str) -> None:
    without, found = both(model_of(architecture))
    rows = [Row([4, 5, 6], [0] * 3, [False] * 3, [True] * 3), *rows_of([2])]
    torch.testing.assert_close(run(found, rows), run(without, rows), atol=1e-5, rtol=1e-5)


def test_relu_is_a_kernel_too(kernels: Any) -> None:
    forward = packed_forward(model_of("BertModel", hidden_act="relu"), has_types=True)
    assert isinstance(forward, BertForward)
    layers = tuple(replace(layer, activation=torch.nn.functional.relu) for layer in forward.layers)
    forward.layers = layers
    found = with_kernel(forward)
    assert isinstance(found, FewTokensForward)
    rows = rows_of([9])
    torch.testing.assert_close(run(found, rows), run(forward, rows), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    "sizes",
    [
        {"hidden_size": 96},
        {"intermediate_size": 100},
        {"num_attention_heads": 16},
        {"hidden_size": 256, "num_attention_heads": 1},
        {"hidden_act": "gelu_new"},
    ],
    ids=str,
)
def test_other_sizes_and_activations_run_without_the_kernels(
    kernels: Any, sizes: dict[str, Any]
) -> None:
    forward = packed_forward(model_of("BertModel", **sizes), has_types=True)
    assert forward is not None
    assert with_kernel(forward) is forward


def test_another_layout_of_oneDNN_runs_without_the_kernels(  # noqa: N802
    kernels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    weight = torch.randn(128, 128, generator=torch.Generator().manual_seed(0))
    packed = OneDnnLinearMap(weight, None, row_counts(weight.dtype)).packed
    assert few_tokens.lies_in_panels(packed, 64)
    assert not few_tokens.lies_in_panels(packed, 32)
    monkeypatch.setattr(few_tokens, "lies_in_panels", lambda *_: False)
    forward = packed_forward(model_of("BertModel"), has_types=True)
    assert forward is not None
    assert with_kernel(forward) is forward


def test_a_processor_without_the_instructions_runs_without_the_kernels(
    kernels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (kernels, importlib.import_module("holotype_kernels.library")):
        monkeypatch.setattr(module, "instruction_sets", lambda: ())
    forward = packed_forward(model_of("BertModel"), has_types=True)
    assert forward is not None
    assert with_kernel(forward) is forward
    with pytest.raises(OSError, match="no AVX2, and avx2 is needed"):
        made(kernels)


def test_another_interface_is_told_and_not_called(
    kernels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "INTERFACE", 1)
    with pytest.warns(UserWarning, match=r"has interface 1.*holotype\[kernels\]"):
        assert find_kernels() is None


def test_a_library_that_cannot_be_loaded_is_told_and_not_called(
    kernels: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # As a checkout on the path has it, or a wheel that was cut off.
    damaged = tmp_path / "kernels.so"
    damaged.write_bytes(b"\x7fELF")
    monkeypatch.setattr(kernels, "instruction_sets", lambda: ctypes.CDLL(str(damaged)))
    with pytest.warns(UserWarning, match=r"cannot be loaded .*kernels\.so.* run without it"):
        assert find_kernels() is None


def test_the_log_tells_that_the_kernels_are_used(
    kernels: Any, caplog: pytest.LogCaptureFixture
) -> None:
    forward = packed_forward(model_of("BertModel"), has_types=True)
    assert forward is not None
    with caplog.at_level("DEBUG", "holotype"):
        with_kernel(forward)
    assert "up to 64 tokens at a time run by holotype-kernels" in caplog.text


def test_without_the_package_nothing_changes() -> None:
    find_kernels.cache_clear()
    forward = packed_forward(model_of("BertModel"), has_types=True)
    assert forward is not None
    assert with_kernel(forward) is forward


def made(kernels: Any, **values: Any) -> Any:
    """A model of the kernels' own interface whose addresses are never read."""
    given: dict[str, Any] = {
        "hidden_dim": 64,
        "inner_dim": 128,
        "n_heads": 4,
        "norm_eps": 1e-12,
        "activation": "gelu",
        "instruction_set": "avx2",
        "layers": [kernels.Layer(**dict.fromkeys(kernels.Layer.__slots__, 64))],
        **values,
    }
    return kernels.Model(given.pop("layers"), **given)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hidden_dim": 0}, "hidden_dim is 0, and must be a multiple of 64"),
        ({"hidden_dim": -64}, "hidden_dim is -64"),
        ({"hidden_dim": 100, "n_heads": 1}, "hidden_dim is 100"),
        ({"inner_dim": 1 << 40}, "inner_dim is 1099511627776"),
        ({"inner_dim": 96}, "inner_dim is 96"),
        ({"n_heads": 0}, "0 heads"),
        ({"n_heads": 3}, "3 heads do not share a width of 64"),
        ({"n_heads": 8}, "a head has 8 dimensions"),
        ({"hidden_dim": 256, "n_heads": 1}, "a head has 256 dimensions"),
        ({"layers": []}, "expected 1 to 65536 layers, not 0"),
        ({"activation": "silu"}, "'silu'"),
    ],
)
def test_sizes_that_no_pass_is_made_for_are_refused(
    kernels: Any, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        made(kernels, **values)


def test_an_address_of_0_is_refused(kernels: Any) -> None:
    layer = kernels.Layer(**{**dict.fromkeys(kernels.Layer.__slots__, 64), "down_bias": 0})
    with pytest.raises(ValueError, match="address of an array of a layer is 0"):
        made(kernels, layers=[layer])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"lengths": []}, "1 to 64 tokens altogether"),
        ({"lengths": [0]}, "1 to 64 tokens altogether"),
        ({"lengths": [70, -10]}, "1 to 64 tokens altogether"),
        ({"lengths": [40, 25]}, "1 to 64 tokens altogether"),
        ({"vectors": 0}, "address of the vectors is 0"),
        ({"bias": 64, "bias_length": 4}, "a bias for 4 tokens does not reach a row of 5"),
        ({"n_threads": 0}, "expected one thread or more, not 0"),
    ],
)
def test_batches_that_do_not_fit_are_refused(
    kernels: Any, values: dict[str, Any], message: str
) -> None:
    given: dict[str, Any] = {"vectors": 64, "lengths": [5], **values}
    with pytest.raises(ValueError, match=message):
        made(kernels).run(given.pop("vectors"), given.pop("lengths"), **given)


def test_real_weights_give_the_vectors_of_sentence_transformers(
    kernels: Any, minilm_folder: Path, minilm_reference: SentenceTransformer
) -> None:
    encoder = load(MINILM, checkpoint=minilm_folder, device="cpu")
    texts = ["late interaction", "", "What is late interaction?", "a much longer text " * 12]
    ours = np.stack([encoder.encode_query(text) for text in texts])
    np.testing.assert_allclose(ours, minilm_reference.encode(texts), atol=1e-6)
    np.testing.assert_allclose(encoder.encode_query(texts), ours, atol=1e-6)


_FORK = """
import os, sys
import numpy as np, torch
torch.set_num_threads(1)
from tests.runtime.test_minilm import MINILM
from holotype.encoders import load
encoder = load(MINILM, checkpoint=sys.argv[1], device="cpu")
expected = encoder.encode_query("a query")
assert "holotype_kernels" in sys.modules
child = os.fork()
if child == 0:
    own = load(MINILM, checkpoint=sys.argv[1], device="cpu")
    os._exit(0 if np.array_equal(own.encode_query("a query"), expected) else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


def test_a_forked_process_loads_a_model_of_its_own(kernels: Any, minilm_folder: Path) -> None:
    run_program(_FORK, minilm_folder)


_LAYOUTS = """
import sys
import numpy as np, torch
from tests.runtime.test_minilm import MINILM
from holotype.encoders import load
found = []
for n_threads in map(int, sys.argv[2:]):
    torch.set_num_threads(n_threads)
    encoder = load(MINILM, checkpoint=sys.argv[1], device="cpu")
    found.append(encoder.encode_query("a query"))
    assert "holotype_kernels" in sys.modules
np.testing.assert_allclose(found[1], found[0], atol=1e-6)
"""


@pytest.mark.parametrize("counts", [("1", "4"), ("4", "1")])
def test_models_are_loaded_with_different_numbers_of_threads(
    kernels: Any, minilm_folder: Path, counts: tuple[str, str]
) -> None:
    # By AVX2, oneDNN 3.12 lays a weight out otherwise with 4 threads than with 1.
    run_program(_LAYOUTS, minilm_folder, *counts, ONEDNN_MAX_CPU_ISA="AVX2")


def run_program(program: str, *arguments: object, **environment: str) -> None:
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(root), str(INSTALLED), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
