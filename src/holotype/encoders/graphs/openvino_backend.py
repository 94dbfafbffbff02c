"""Networks on OpenVINO; neither torch nor transformers is imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import openvino
from numpy.typing import NDArray

from holotype.encoders.arrays.tensors import Array
from holotype.encoders.config import ModelConfig
from holotype.encoders.graphs.build import build_on_graph
from holotype.encoders.kinds.plan import AnyPlan
from holotype.encoders.running.network import Towers
from holotype.errors import CheckpointError, UnsupportedCheckpointError

if TYPE_CHECKING:
    from holotype.encoders.running.captions import Writers

_INPUTS = {"i64": "int64", "i32": "int32", "f32": "float32", "f16": "float16"}
# The type of the arithmetic. OpenVINO would choose bfloat16 by itself where the machine has it.
# Products with weights that are stored as int8 are those of bytes whatever it says.
_PRECISIONS = {"float32": "f32", "float16": "f16", "bfloat16": "bf16", "int8": "f32"}


def build(plan: AnyPlan, config: ModelConfig[Any], graph: Path) -> Towers | Writers:
    """Open a graph, and return what runs it; see `build_on_graph`."""
    return build_on_graph(plan, config, graph, OpenvinoGraph)


class OpenvinoGraph:
    """A `Graph` that OpenVINO has compiled."""

    def __init__(self, path: Path, *, device: str | None, dtype: str) -> None:
        """Compile a file for a device; the threads are OpenVINO's own default.

        Args:
            path: the ``.xml``, whose weights lie beside it in a ``.bin``.
            device: as OpenVINO names it, such as ``cpu`` or ``gpu``; None means the CPU.
            dtype: the type of the arithmetic.

        Raises:
            CheckpointError: the files are damaged.
            UnsupportedCheckpointError: an input is of another type.
            ValueError: OpenVINO does not find the device.
        """
        self.location = str(path)
        self.device = (device or "cpu").lower()
        core: Any = openvino.Core()
        available = [name.lower() for name in core.available_devices]
        if self.device not in available:
            raise ValueError(
                f"OpenVINO finds no device {self.device!r} here, only {', '.join(available)}"
            )
        # It would run the new bytes of a mapped file that is written over, or end with SIGBUS.
        core.set_property({"ENABLE_MMAP": False})
        settings = {"INFERENCE_PRECISION_HINT": _precision(core, self.device.upper(), dtype)}
        try:
            self._model: Any = core.compile_model(str(path), self.device.upper(), settings)
        except RuntimeError as error:
            raise CheckpointError(
                self.location, f"OpenVINO cannot open it: {error}; export it again"
            ) from error
        self.inputs = {port.any_name: self._kind(port) for port in self._model.inputs}
        self.outputs = {port.any_name: _width(port) for port in self._model.outputs}
        self.memory_bytes = path.with_suffix(".bin").stat().st_size

    def run(self, output: str, arrays: Mapping[str, NDArray[Any]]) -> Array:
        """Return one output, in float32."""
        return self.run_for([output], arrays)[0]

    def run_for(self, outputs: Sequence[str], arrays: Mapping[str, NDArray[Any]]) -> list[Array]:
        """Return several outputs, in float32."""
        # A request holds the buffers of one run; threads must not share it.
        request = self._model.create_infer_request()
        # What goes in is read where it lies: the keys and values of pictures are hundreds of megabytes.
        found = request.infer(dict(arrays), share_inputs=True, share_outputs=True)
        return [np.array(found[output], dtype=np.float32) for output in outputs]

    def _kind(self, port: Any) -> str:
        kind = port.element_type.get_type_name()
        if kind not in _INPUTS:
            raise UnsupportedCheckpointError(
                self.location, f"takes {port.any_name!r} as {kind}; expected integers or floats"
            )
        return _INPUTS[kind]


def _precision(core: Any, device: str, dtype: str) -> str:
    """Return the type of the arithmetic.

    For float16 on a processor without it OpenVINO would take bfloat16, which keeps fewer digits.
    """
    capable = core.get_property(device, "OPTIMIZATION_CAPABILITIES")
    return "f32" if dtype == "float16" and "FP16" not in capable else _PRECISIONS[dtype]


def _width(port: Any) -> int | None:
    last = port.partial_shape[-1]
    return None if last.is_dynamic else int(last.get_length())
