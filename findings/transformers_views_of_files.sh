#!/usr/bin/env bash
# What surprised: a model that transformers has loaded in the type of its file keeps views of that file: whoever copies other weights over it changes what the loaded model computes.
# Version: transformers 5.23.0, safetensors 0.8.0, torch 2.13.0
# Why it matters here: a server would give other vectors without a load; so weights are copied when networks of transformers are built.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "torch==2.13.0" "transformers==5.23.0" "safetensors==0.8.0"

cat > "$work/views.py" <<'PYTHON'
import shutil
import sys
from pathlib import Path

import torch
from transformers import AutoModel, BertConfig, BertModel

folder, other = Path(sys.argv[1]), Path(sys.argv[2])
size = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
for place in (folder, other):
    BertModel(BertConfig(vocab_size=10, **size)).save_pretrained(place)
model = AutoModel.from_pretrained(folder).eval()
ids = torch.arange(10)[None]
with torch.inference_mode():
    before = model(ids).last_hidden_state
    shutil.copyfile(other / "model.safetensors", folder / "model.safetensors")
    after = model(ids).last_hidden_state
print("the loaded model is", "unchanged" if torch.equal(before, after) else "changed")
PYTHON

seen=$("$work/venv/bin/python" "$work/views.py" "$work/one" "$work/other" 2> "$work/errors")
echo "expected: the loaded model is unchanged; seen: $seen"
test "$seen" = "the loaded model is changed"
