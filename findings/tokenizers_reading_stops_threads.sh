#!/usr/bin/env bash
# What surprised: tokenizers lets other Python threads run while it encodes a batch, and none while it reads a tokenizer: from_file, from_str and from_buffer keep the interpreter from the first byte to the last.
# Version: tokenizers 0.23.3
# Why it matters here: a model that is loaded beside those that serve stops every request, also those for /health, for as long as its tokenizer is read: 15 ms for 30,000 words, about a second for 400,000.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet tokenizers==0.23.3
cat > "$work/read.py" << 'PYTHON'
import threading
import time

from tokenizers import Tokenizer, models, pre_tokenizers

made = Tokenizer(models.WordLevel({f"word{n}": n for n in range(400_000)}, unk_token="word0"))
made.pre_tokenizer = pre_tokenizers.Whitespace()
made.save("tokenizer.json")
content = open("tokenizer.json", encoding="utf-8").read()
texts = ["word1 word2 word3 word4 " * 200] * 1500
ran_at = []
kept = []
over = threading.Event()


def count():
    while not over.is_set():
        ran_at.append(time.perf_counter())
        time.sleep(0.001)


def longest_stop(call):
    """Return how long the call took, and the longest time in which the other thread did not run."""
    began = time.perf_counter()
    kept.append(call())
    ended = time.perf_counter()
    time.sleep(0.05)
    moments = [began, *(moment for moment in ran_at if began < moment < ended), ended]
    return ended - began, max(after - before for before, after in zip(moments, moments[1:]))


threading.Thread(target=count).start()
time.sleep(0.1)
calls = {
    "encode_batch": lambda: made.encode_batch(texts),
    "from_file": lambda: Tokenizer.from_file("tokenizer.json"),
    "from_str": lambda: Tokenizer.from_str(content),
    "from_buffer": lambda: Tokenizer.from_buffer(content.encode()),
}
found = {name: longest_stop(call) for name, call in calls.items()}
over.set()
for name, (seconds, stop) in found.items():
    print(f"{name}: took {seconds:.2f} s, and stopped another thread for {stop:.2f} s at once")
    if name == "encode_batch":
        assert stop < seconds / 2, "encoding keeps the interpreter now"
    else:
        assert stop > 0.8 * seconds, f"{name} lets other threads run now"
PYTHON

echo "expected: other threads run while a tokenizer is read, as they do while it encodes"
cd "$work"
echo "seen with 0.23.3:"
"$work/venv/bin/python" read.py
