"""Networks on ONNX Runtime; neither torch nor transformers is imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from holotype.encoders.arrays.tensors import Array
from holotype.encoders.checkpoints.hub_cache import fetch_again, find_snapshot_above
from holotype.encoders.config import ModelConfig
from holotype.encoders.graphs.build import build_on_graph
from holotype.encoders.kinds.plan import AnyPlan
from holotype.encoders.running.network import Towers
from holotype.errors import CheckpointError, UnsupportedCheckpointError

if TYPE_CHECKING:
    from holotype.encoders.running.captions import Writers

_INPUTS = {
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
}
_FLOATS = ("tensor(float)", "tensor(float16)", "tensor(bfloat16)")


def build(plan: AnyPlan, config: ModelConfig[Any], graph: Path) -> Towers | Writers:
    """Open a graph, and return what runs it; see `build_on_graph`."""
    return build_on_graph(plan, config, graph, OnnxGraph)


class OnnxGraph:
    """A `Graph` in a session of ONNX Runtime."""

    def __init__(self, path: Path, *, device: str | None, dtype: str) -> None:
        """Open a file; the session's threads are ONNX Runtime's own default.

        Args:
            path: the file; weights beside it are found by the names that it gives.
            device: ``cpu``, or ``cuda`` with or without a number; None means the CPU.
            dtype: not needed: the file itself has a type.

        Raises:
            CheckpointError: the file is no whole ONNX file.
            UnsupportedCheckpointError: its inputs or outputs are of other types.
            ValueError: this ONNX Runtime does not run on the device.
        """
        self.location = str(path)
        self.device = device or "cpu"
        providers = _providers(self.device)
        try:
            self._session = onnxruntime.InferenceSession(path, providers=providers)
        # The errors of ONNX Runtime have no other base.
        except Exception as error:
            raise CheckpointError(
                self.location, f"ONNX Runtime cannot open it: {error}; {_remedy(path, error)}"
            ) from error
        wanted = providers[0] if isinstance(providers[0], str) else providers[0][0]
        if self._session.get_providers()[0] != wanted:
            raise ValueError(
                f"ONNX Runtime cannot use {self.device!r} on this machine, although it was built "
                "for it; its libraries may be missing. Pass device='cpu'"
            )
        self.inputs = {found.name: self._kind(found) for found in self._session.get_inputs()}
        self.outputs = {found.name: _width(found) for found in self._session.get_outputs()}
        self._kinds = {found.name: found.type for found in self._session.get_outputs()}
        beside = path.parent.glob(f"{path.name}*")
        self.memory_bytes = sum(file.stat().st_size for file in beside)

    def run(self, output: str, arrays: Mapping[str, NDArray[Any]]) -> Array:
        """Return one output, in float32."""
        return self.run_for([output], arrays)[0]

    def run_for(self, outputs: Sequence[str], arrays: Mapping[str, NDArray[Any]]) -> list[Array]:
        """Return several outputs, in float32."""
        for output in outputs:
            if self._kinds[output] not in _FLOATS:
                raise UnsupportedCheckpointError(
                    self.location, f"gives {output!r} as {self._kinds[output]}; expected floats"
                )
        found: Sequence[Any] = self._session.run(list(outputs), dict(arrays))
        return [array.astype(np.float32, copy=False) for array in found]

    def _kind(self, found: Any) -> str:
        if found.type not in _INPUTS:
            raise UnsupportedCheckpointError(
                self.location, f"takes {found.name!r} as {found.type}; expected integers or floats"
            )
        return _INPUTS[found.type]


def _remedy(path: Path, error: Exception) -> str:
    if "escapes model directory" in str(error) and find_snapshot_above(path) is not None:
        return (
            f"the Hub's cache shares its weights between repositories, which ONNX Runtime "
            f"{onnxruntime.__version__} refuses and 1.32 follows: pip install 'onnxruntime>=1.32'"
        )
    return f"{fetch_again(path)}, or export it again"


def _providers(device: str) -> list[Any]:
    kind, _, number = device.partition(":")
    name = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}.get(kind)
    if name is None or not (number or "0").isdigit():
        raise ValueError(f"ONNX Runtime has no device {device!r}; pass 'cpu', 'cuda' or 'cuda:1'")
    available = onnxruntime.get_available_providers()
    if name not in available:
        raise ValueError(
            f"this ONNX Runtime does not run on {device!r}, only with {', '.join(available)}; "
            "for CUDA install onnxruntime-gpu in its place"
        )
    if kind == "cpu":
        return [name]
    # What CUDA has no kernel for runs on the CPU.
    return [(name, {"device_id": int(number or 0)}), "CPUExecutionProvider"]


def _width(found: Any) -> int | None:
    last = found.shape[-1] if found.shape else None
    return last if isinstance(last, int) else None
