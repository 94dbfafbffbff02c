"""PyLate at work, in PyLate's own environment; `pylate_process` starts it.

    python pylate_worker.py BASE FOLDER TEXTS.json DEVICE

It saves a ColBERT model of PyLate's making under FOLDER, then encodes all texts whenever a line
comes in, and answers with a line.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from pylate import models

DIM = 128
MAX_LENGTH = 256


def main(base: str, folder: str, texts_file: str, device: str) -> None:
    """Serve until the input ends."""
    torch.manual_seed(0)
    model = models.ColBERT(
        base, embedding_size=DIM, document_length=MAX_LENGTH, query_length=32, device=device
    )
    model.save(folder, create_model_card=False)
    texts = json.loads(Path(texts_file).read_text(encoding="utf-8"))
    _answer()
    for _ in sys.stdin:
        model.encode(texts, is_query=False, show_progress_bar=False)
        _answer()


def _answer() -> None:
    print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
