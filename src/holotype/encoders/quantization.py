"""Deprecated: what was here is in `holotype.encoders.vectors.quantization`; importing this module warns."""

from holotype._moved import warn_moved
from holotype.encoders.vectors.quantization import (
    Calibration,
    Precision,
    calibrate,
    dequantize,
    quantize,
)

__all__ = ["Calibration", "Precision", "calibrate", "dequantize", "quantize"]

warn_moved(__name__, "holotype.encoders.vectors.quantization")
