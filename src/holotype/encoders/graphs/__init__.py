"""Exported models on ONNX Runtime and OpenVINO; what comes after the graph is NumPy's."""
