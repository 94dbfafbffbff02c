from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.holotype.hub.checkpoints import as_json, dense, record, saved

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.kinds.planning import make_plan
from holotype.errors import CatalogueMismatchError


@pytest.mark.parametrize(
    ("modes", "file"),
    [(["mean"], "config.json"), (["cls", "mean"], "1_Pooling/config.json")],
)
def test_a_width_that_differs_names_the_file_that_makes_it(
    tmp_path: Path, modes: list[str], file: str
) -> None:
    flags = {"cls": "pooling_mode_cls_token", "mean": "pooling_mode_mean_tokens"}
    pooling = as_json({flags[mode]: True for mode in modes})
    saved(tmp_path, dense() | {"1_Pooling/config.json": pooling})
    width = 32 * len(modes)
    with pytest.raises(CatalogueMismatchError) as caught:
        make_plan(record(embedding_dim=48), Checkpoint(tmp_path))
    assert caught.value.differences == (("embedding_dim", 48, width, file),)
