"""What is said of a network that torch cannot write as a graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from holotype.encoders.exports.graph import write_onnx
from holotype.errors import ExportError


class Sorting(nn.Module):
    """A network whose steps depend on the numbers that it reads."""

    config = None  # which tells models of transformers from what is wrapped around them

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Any:
        if bool((input_ids.sum() > 3) & attention_mask.any()):
            return {}
        raise NotImplementedError


def write(tmp_path: Path) -> str:
    with pytest.raises(ExportError) as caught:
        write_onnx(
            "tiny",
            Sorting(),
            tmp_path / "model.onnx",
            with_type_ids=False,
            returned="last_hidden_state",
            output="last_hidden_state",
        )
    assert not list(tmp_path.iterdir())
    return str(caught.value)


def test_what_torch_cannot_trace_is_said_in_one_plain_line_with_its_cause(tmp_path: Path) -> None:
    told = write(tmp_path)
    assert told.startswith(f"'tiny' cannot be exported: torch {torch.__version__} with onnxscript ")
    _, _, reason = told.partition("as ONNX: ")
    assert reason.startswith("Failed to export the model with torch.export: ")
    assert "data-dependent" in reason
    assert "its network, a Sorting, as ONNX" in told
    assert reason.endswith("; it runs on torch only")
    assert not set(reason) & {"\x1b", "\n"}
    assert "Next steps" not in reason


def test_an_error_without_a_cause_or_words_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(torch.onnx, "export", fail)
    assert write(tmp_path).endswith("as ONNX: RuntimeError; it runs on torch only")
