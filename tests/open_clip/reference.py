"""What OpenCLIP makes of folders; runs in OpenCLIP's own environment, not in the tests'.

    python reference.py CASES.json

Each folder of the file gets the vocabulary of OpenCLIP's tokenizer, in the files that transformers
reads, and an archive with the vectors of texts and pictures.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image


def declare_operators() -> None:
    """Declare the operators of torchvision, where they need a CUDA that is not installed.

    torchvision describes them when it is imported, and fails if it has not loaded them; OpenCLIP
    runs none of them.
    """
    spec = importlib.util.find_spec("torchvision")
    assert spec is not None and spec.origin is not None
    load: Any = torch.ops.load_library
    try:
        load(Path(spec.origin).parent / "_C.so")
    except OSError:
        for name in ("nms", "qnms"):
            arguments = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            torch.library.define(f"torchvision::{name}", arguments)


declare_operators()

import open_clip  # noqa: E402


def main(cases_file: Path) -> None:
    """Write the archive of each folder."""
    torch.set_num_threads(1)
    cases = json.loads(cases_file.read_text(encoding="utf-8"))
    for folder in map(Path, cases["folders"]):
        save_vocabulary(folder)
        model, _, prepare = open_clip.create_model_and_transforms(f"local-dir:{folder}")
        read = open_clip.get_tokenizer(f"local-dir:{folder}")
        pictures = torch.stack([prepare(Image.open(path)) for path in cases["pictures"]])
        with torch.no_grad():
            np.savez(
                folder / "theirs.npz",
                texts=model.eval().encode_text(read(cases["texts"])).numpy(),
                pictures=model.encode_image(pictures).numpy(),
                scale=model.logit_scale.exp().numpy(),
                pixels=pictures.numpy(),
            )


def save_vocabulary(folder: Path) -> None:
    """Write the tokens and the merges of OpenCLIP's tokenizer as transformers does."""
    tokenizer = open_clip.SimpleTokenizer()
    ends = {"<start_of_text>": "<|startoftext|>", "<end_of_text>": "<|endoftext|>"}
    words = {ends.get(word, word): at for word, at in tokenizer.encoder.items()}
    merges = (" ".join(pair) for pair in sorted(tokenizer.bpe_ranks, key=tokenizer.bpe_ranks.get))
    lines = "\n".join(["#version: 0.2", *merges])
    (folder / "vocab.json").write_text(json.dumps(words), encoding="utf-8")
    (folder / "merges.txt").write_text(f"{lines}\n", encoding="utf-8")
    settings = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
