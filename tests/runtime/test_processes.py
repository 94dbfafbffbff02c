"""Encoders in other processes: a fork is refused at once, and a pickle loads the model again."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.runtime.bge_m3 import COLBERT, DENSE, save_bge_m3
from tests.runtime.heads import cross_encoder_record, save_head

from holotype.encoders import load, load_modes
from holotype.errors import ClosedEncoderError, ForkedEncoderError
from holotype.records import DenseModel

FORKING = """
import os, pickle, sys, warnings
warnings.simplefilter("ignore")
encoder = pickle.load(sys.stdin.buffer)
child = os.fork()
if child == 0:
    try:
        encoder.count_tokens(["a query"])
        encoder.encode(["a query"])
    except Exception as error:
        print(type(error).__name__, error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(encoder.encode(["a query"]).shape)
"""

LOADING = """
import os, pickle, sys, warnings
warnings.simplefilter("ignore")
import torch
data = sys.stdin.buffer.read()
pickle.loads(data)
for threads in 2, 1:
    torch.set_num_threads(threads)
    child = os.fork()
    if child == 0:
        try:
            print(pickle.loads(data).encode(["a query"]).shape, flush=True)
        except Exception as error:
            print(type(error).__name__, error, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_forked_process_loads_only_where_no_thread_is_missing(
    folder: Path, record: DenseModel[Any]
) -> None:
    data = pickle.dumps(load(record, checkpoint=folder, device="cpu"))
    run = subprocess.run(
        [sys.executable, "-c", LOADING], input=data, capture_output=True, check=True, timeout=120
    )
    several, one = run.stdout.decode().splitlines()
    assert several.startswith(f"ForkedEncoderError {record.id!r} cannot run in this process")
    assert one == "(1, 16)"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_process_that_is_forked_after_loading_gets_an_error_that_says_what_to_do(
    folder: Path, record: DenseModel[Any]
) -> None:
    data = pickle.dumps(load(record, checkpoint=folder, device="cpu"))
    run = subprocess.run(
        [sys.executable, "-c", FORKING], input=data, capture_output=True, check=True, timeout=120
    )
    first, second = run.stdout.decode().splitlines()
    assert first.startswith(f"ForkedEncoderError {record.id!r} cannot run in this process")
    assert "get_context('spawn')" in first
    assert second == "(1, 16)"


WORKERS = """
import multiprocessing, pickle, sys, warnings
from concurrent.futures import ProcessPoolExecutor
warnings.simplefilter("ignore")
import torch
torch.set_num_threads(2)
one, modes = pickle.load(sys.stdin.buffer)
context = multiprocessing.get_context("fork")

def call(make, function, *texts):
    with make(2, **options) as workers:
        try:
            print(len(list(workers.map(function, texts))), flush=True)
        except Exception as error:
            print(type(error).__name__, error, flush=True)

def width_of(encoder):
    return encoder.dim

def width_within(encoder):
    with encoder:
        return encoder.dim

options = {}
call(context.Pool, one.encode, "a", "b")
call(context.Pool, width_of, one)
call(context.Pool, width_within, one)
call(context.Pool, modes.encode, "a")
options = {"mp_context": context}
call(ProcessPoolExecutor, one.encode, "a", "b")
print(one.encode("a").shape)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_forked_workers_that_get_an_encoder_raise_an_error_and_do_not_let_their_caller_wait(
    folder: Path, record: DenseModel[Any], tmp_path: Path
) -> None:
    dense = load(record, checkpoint=folder, device="cpu")
    modes = load_modes(dense=DENSE, colbert=COLBERT, checkpoint=save_bge_m3(tmp_path), device="cpu")
    run = subprocess.run(
        [sys.executable, "-c", WORKERS],
        input=pickle.dumps((dense, modes)),
        capture_output=True,
        check=True,
        timeout=120,
    )
    *refused, last = run.stdout.decode().splitlines()
    assert len(refused) == 5
    for line in refused:
        assert line.startswith("ForkedEncoderError") and "get_context('spawn')" in line
    assert last == "(16,)"


def test_encoders_of_every_kind_refuse_to_run_in_another_process(
    folder: Path, record: DenseModel[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = save_head(tmp_path / "head", "Bert", num_labels=1)
    dense = load(record, checkpoint=folder, device="cpu")
    reranker = load(cross_encoder_record(), checkpoint=head, device="cpu")
    (tmp_path / "modes").mkdir()
    modes = load_modes(
        dense=DENSE, colbert=COLBERT, checkpoint=save_bge_m3(tmp_path / "modes"), device="cpu"
    )
    own_id = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: own_id + 1)
    calls: list[Any] = [
        lambda: dense.encode("a query"),
        lambda: list(dense.encode_stream(["a query"])),
        dense.warm_up,
        lambda: reranker.predict(("a", "b")),
        lambda: modes.encode(["a query"]),
        lambda: modes.dense.encode("a query"),
    ]
    for call in calls:
        with pytest.raises(ForkedEncoderError, match="was forked after a model had been loaded"):
            call()
    assert dense.count_tokens("a query") > 0
    dense.close()


def test_a_pickle_and_a_copy_are_loaded_again_by_the_configuration(
    folder: Path, record: DenseModel[Any]
) -> None:
    record = replace(record, matryoshka_dims=(8, 16))
    encoder = load(record, dim=8, checkpoint=folder, device="cpu", dtype="bfloat16")
    data = pickle.dumps(encoder)
    assert len(data) < 10_000, "weights are not copied"
    for other in (pickle.loads(data), copy.deepcopy(encoder)):
        assert (other.config, other.fingerprint) == (encoder.config, encoder.fingerprint)
        np.testing.assert_allclose(other.encode("a query"), encoder.encode("a query"), atol=1e-6)
        other.close()
    assert encoder.encode("a query").shape == (8,)
    encoder.close()
    with pytest.raises(ClosedEncoderError):
        pickle.dumps(encoder)


def test_a_pickle_is_loaded_under_a_lock_that_let_the_model_in(
    folder: Path, record: DenseModel[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = pickle.dumps(load(record, checkpoint=folder, device="cpu"))
    monkeypatch.setenv("HOLOTYPE_LOCK", str(tmp_path / "holotype.lock"))
    assert pickle.loads(data).record == record


def test_a_pickle_of_several_modes_is_loaded_again(tmp_path: Path) -> None:
    with load_modes(
        dense=DENSE, colbert=COLBERT, checkpoint=save_bge_m3(tmp_path), device="cpu"
    ) as encoder:
        other = pickle.loads(pickle.dumps(encoder))
        ours, theirs = encoder.encode_query(["a query"]), other.encode_query(["a query"])
    assert repr(other) == repr(encoder)
    np.testing.assert_allclose(ours.dense, theirs.dense, atol=1e-6)
    np.testing.assert_allclose(ours.colbert.values, theirs.colbert.values, atol=1e-6)
