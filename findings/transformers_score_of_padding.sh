#!/usr/bin/env bash
# What surprised: transformers' score_retrieval pads shorter pages with zeros that take part in MaxSim, so that a page's score depends on the longest page beside it.
# Version: transformers 5.23.0
# Why it matters here: scores of ColQwen2 and ColPali for the same page differ with what it is compared with; ours leave padding out.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 transformers==5.23.0

seen=$("$work/venv/bin/python" - <<'PYTHON'
import torch
from transformers.models.colpali.processing_colpali import ColPaliProcessor

score = ColPaliProcessor.score_retrieval
query = torch.tensor([[1.0, 0.0]])
short, long = torch.tensor([[-1.0, 0.0]]), torch.tensor([[-0.6, 0.8], [-0.8, 0.6]])
alone = score(None, [query], [short])[0, 0].item()
beside = score(None, [query], [short, long])[0, 0].item()
print(f"{alone:g} {beside:g}")
PYTHON
)
echo "expected: one score for the page, -1, alone and beside a longer one; seen: $seen"
test "$seen" = "-1 0"
