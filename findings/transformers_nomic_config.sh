#!/usr/bin/env bash
# What surprised: NomicBertConfig of Transformers takes a configuration of Nomic's checkpoints, keeps its unknown sizes aside, and builds a network of default sizes.
# Version: transformers 5.23.0
# Why it matters here: that Transformers ships a class named like a checkpoint's network does not prove that the checkpoint needs no code of its own.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet transformers==5.23.0

seen=$("$work/venv/bin/python" - <<'PYTHON' 2>/dev/null
from transformers import NomicBertConfig

config = NomicBertConfig.from_dict({"model_type": "nomic_bert", "n_embd": 32, "n_layer": 2, "n_inner": 64})
print(config.hidden_size, config.num_hidden_layers, config.intermediate_size)
PYTHON
)
echo "expected: 32 2 64, or an error; seen: $seen"
test "$seen" = "768 12 3072"
