"""Entries compared with what the Hub's cache on this machine holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import huggingface_hub.constants
import pytest
from tests.unit.holotype.hub import server
from tests.unit.holotype.hub.checkpoints import N_PARAMETERS, Files, dense, record
from tests.unit.holotype.hub.server import REPOSITORY, REVISION, HubState

from holotype.errors import HubUnreachableError
from holotype.hub.client import HubClient
from holotype.hub.progress_file import ProgressFile
from holotype.hub.verifying import FROM_CACHE, Report, verify_on_hub

Cache = Callable[..., None]


@pytest.fixture
def cached(hub: HubState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    """Puts files into the cache as huggingface_hub lays them, and takes the Hub away."""

    def fill(files: Files, *, without: tuple[str, ...] = (), listed: bool = True) -> None:
        repository = tmp_path / "hub" / f"models--{REPOSITORY.replace('/', '--')}"
        for name in files.keys() - set(without):
            path = repository / "snapshots" / REVISION / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(files[name])
        listing = {name: {"size": len(body), "blob_id": "0" * 40} for name, body in files.items()}
        if listed:
            (repository / "trees").mkdir()
            text = json.dumps({"format_version": 1, "files": listing})
            (repository / "trees" / f"{REVISION}.json").write_text(text)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)

    return fill


def outcomes(report: Report) -> dict[str, str]:
    return {found.field: found.outcome for found in report.findings}


def test_offline_the_cache_is_read_and_said_to_be(cached: Cache, client: HubClient) -> None:
    cached(dense())
    report = verify_on_hub(record(pooling="cls", parameters=N_PARAMETERS, license="mit"), client)
    assert report.notes == (FROM_CACHE,)
    assert report.location == f"{REPOSITORY}@{REVISION}"
    told = outcomes(report)
    assert (told["pooling"], told["parameters"], told["license"]) == ("differ", "agree", "agree")


def test_a_hub_that_does_not_answer_is_replaced_by_the_cache(
    cached: Cache, hub: HubState, client: HubClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached(dense())
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    hub.fault("", server.RESET)
    assert verify_on_hub(record(), client).notes == (FROM_CACHE,)


def test_what_the_cache_lacks_of_weights_and_card_is_not_said(
    cached: Cache, client: HubClient
) -> None:
    cached(dense(), without=("model.safetensors", "README.md"))
    known = record(parameters=9, license="other", safetensors_file="model.safetensors")
    told = outcomes(verify_on_hub(known, client))
    assert told["parameters"] == told["license"] == "not said"
    assert told["safetensors_file"] == "agree", "the list of files names it"


@pytest.mark.parametrize("name", ["modules.json", "1_Pooling/config.json", "config.json"])
def test_a_cache_that_lacks_what_says_how_the_model_is_run_is_not_believed(
    cached: Cache, client: HubClient, name: str
) -> None:
    cached(dense(), without=(name,))
    with pytest.raises(
        HubUnreachableError,
        match=r"since HF_HUB_OFFLINE is set, and the Hub's cache does not hold all .* of them; unset it, or",
    ):
        verify_on_hub(record(), client)


def test_without_the_list_of_all_files_nobody_knows_whether_the_cache_is_whole(
    cached: Cache, client: HubClient
) -> None:
    cached(dense(), listed=False)
    with pytest.raises(HubUnreachableError, match="HF_HUB_OFFLINE is set"):
        verify_on_hub(record(), client)


def test_a_damaged_file_of_the_cache_is_an_error_of_its_entry(
    cached: Cache, client: HubClient
) -> None:
    cached(dense() | {"modules.json": b"<html>"})
    report = verify_on_hub(record(), client)
    assert report.error is not None
    assert "modules.json: is not JSON" in report.error


def test_what_the_cache_says_is_asked_of_the_hub_again(
    cached: Cache, client: HubClient, tmp_path: Path
) -> None:
    cached(dense())
    progress = ProgressFile(tmp_path / "verified.jsonl")
    progress.keep(record(), verify_on_hub(record(), client))
    assert ProgressFile(tmp_path / "verified.jsonl").known(record()) is None
