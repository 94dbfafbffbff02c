"""A process that sees every length keeps little of it, also where many threads encode."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import BertConfig, BertModel, PreTrainedTokenizerBase

from holotype.encoders import load
from holotype.records import DenseModel

MOST_MB = 64

# 64 lengths, in no order. One layer is as wide as that of a real model, so that passes take as much
# memory.
ENCODING = """
import ctypes, os, pickle, sys
from threading import Thread
import torch
torch.set_num_threads(1)
encoder = pickle.load(sys.stdin.buffer)
n_threads, longest = int(sys.argv[1]), int(sys.argv[2])

def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

def run(lengths):
    for length in lengths:
        encoder.encode(["a " * min(length, 254)] * max(1, length // 254))

encoder.encode(["a query"])
before = resident_mb()
lengths = [1 + number * 389 % longest for number in range(64)]
threads = [Thread(target=run, args=(lengths[at::n_threads],)) for at in range(n_threads)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(resident_mb() - before)
"""


@pytest.fixture(scope="module")
def wide_folder(bert_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save one layer of MiniLM's width behind the tokenizer of the other tests."""
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("wide")
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(bert_folder)
    tokenizer.model_max_length = 256
    tokenizer.save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(tokenizer) + 8,
        hidden_size=384,
        num_hidden_layers=1,
        num_attention_heads=12,
        intermediate_size=1536,
        max_position_embeddings=256,
    )
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux says what is resident")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("n_threads", [1, 16])
def test_lengths_keep_at_most_64_mb(
    n_threads: int, dtype: Any, wide_folder: Path, dense_record: Callable[..., DenseModel[Any]]
) -> None:
    encoder = load(
        dense_record(384, pooling="mean"), checkpoint=wide_folder, device="cpu", dtype=dtype
    )
    # bfloat16 is imitated where the processor does not have it, and takes its time.
    longest = 1000 if dtype == "float32" else 64
    run = subprocess.run(
        [sys.executable, "-c", ENCODING, str(n_threads), str(longest)],
        input=pickle.dumps(encoder),
        capture_output=True,
        check=True,
        timeout=240,
    )
    assert float(run.stdout) <= MOST_MB
