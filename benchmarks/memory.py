"""The largest memory of processes that encode many documents."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

# sentence-transformers begins with the longest texts, so that its first batches show a peak that
# further ones can only raise.
_N_LONGEST = 96


def peak_ratio(n_documents: int) -> float:
    """Return holotype's peak by the least peak of sentence-transformers, with imports and weights.

    holotype encodes all documents, sentence-transformers the longest of them.
    """
    return _peak_mb("holotype", n_documents) / _peak_mb("sentence-transformers", n_documents)


def _peak_mb(library: str, n_documents: int) -> float:
    command = [sys.executable, __file__, library, str(n_documents)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    found: float = json.loads(done.stdout)
    return found


def _encode(library: str, n_documents: int) -> None:
    from corpus import CHECKPOINT, documents

    texts = documents(n_documents)
    if library == "holotype":
        import holotype
        from holotype.models import ALL_MINILM_L6_V2

        holotype.load(ALL_MINILM_L6_V2, checkpoint=CHECKPOINT, device="cpu").encode_document(texts)
    else:
        from sentence_transformers import SentenceTransformer

        longest = sorted(texts, key=len, reverse=True)[:_N_LONGEST]
        SentenceTransformer(str(CHECKPOINT), device="cpu").encode_document(longest)


if __name__ == "__main__":
    _encode(sys.argv[1], int(sys.argv[2]))
    # What `getrusage` says begins with the peak of the process that started this one.
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    print(json.dumps(int(peak) / 1024))
