"""Loading and encoding change nothing that belongs to the process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import json, locale, logging, os, random, signal, sys, threading, warnings
import numpy, torch, tqdm, transformers
from pathlib import Path
from holotype.encoders import load
from holotype.records import DenseModel
# Modules read their settings when they are imported; what they change then is their own doing.
from transformers import AutoModel, AutoTokenizer, BertModel

def snapshot():
    loggers = {"": logging.getLogger(), **logging.Logger.manager.loggerDict}
    return {
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "path": list(sys.path),
        "warnings": [repr(found) for found in warnings.filters],
        "logging": {
            name: [logger.level, len(logger.handlers), logger.disabled]
            for name, logger in loggers.items()
            if isinstance(logger, logging.Logger) and name in KNOWN
        },
        "threads": [thread.name for thread in threading.enumerate()],
        "torch threads": [torch.get_num_threads(), torch.get_num_interop_threads()],
        "dtype": str(torch.get_default_dtype()),
        "device": str(torch.get_default_device()),
        "gradients": torch.is_grad_enabled(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "matmul": torch.get_float32_matmul_precision(),
        "mkldnn": torch.backends.mkldnn.enabled,
        "torch random": torch.get_rng_state().tolist(),
        "random": repr(random.getstate()),
        "numpy random": repr(numpy.random.get_state()),
        "numpy errors": numpy.geterr(),
        "locale": locale.setlocale(locale.LC_ALL),
        "signals": [repr(signal.getsignal(kind)) for kind in (signal.SIGINT, signal.SIGTERM)],
        "hooks": [repr(sys.excepthook), repr(threading.excepthook)],
        "recursion": sys.getrecursionlimit(),
        "verbosity": transformers.logging.get_verbosity(),
        "progress": tqdm.tqdm.monitor_interval,
    }

# transformers shows a bar of its own while it loads, and the first bar of tqdm starts its thread.
tqdm.tqdm(total=0).close()
KNOWN = {"", *logging.Logger.manager.loggerDict}
before = snapshot()
folder = Path(sys.argv[1])
record = DenseModel(
    id="tiny", type="dense", name="Tiny", huggingface_id="tests/tiny", organization="Tests",
    description="A model of the tests.", embedding_dim=int(sys.argv[2]),
)
with load(record, checkpoint=folder, device="cpu") as encoder:
    encoder.encode_document(["a text", "another"] * 2000, progress=True)
    encoder.warm_up()
after = snapshot()
print(json.dumps({key: [before[key], after[key]] for key in before if before[key] != after[key]}))
"""


def test_nothing_of_the_process_is_changed(folder: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), "16"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(result.stdout) == {}
