"""A location names a source, and a deployment is loaded from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.unit.holotype.deployment.made import one

from holotype.deployment.files import FileSource
from holotype.deployment.last_good import LastGood
from holotype.deployment.problems import DeploymentError
from holotype.deployment.snapshots import DeploymentSourceError
from holotype.deployment.sources import load_deployment, open_source
from holotype.deployment.ssm import SsmSource

TEXT = one("source: 's3://bucket/prefix'")


def test_a_location_is_a_path_or_a_parameter() -> None:
    assert open_source("conf/d.yaml") == FileSource(Path("conf/d.yaml"))
    assert open_source("file:/srv/d.yaml") == FileSource(Path("/srv/d.yaml"))
    assert open_source(Path("ssm:") / "name") == FileSource(Path("ssm:/name"))
    assert open_source("ssm:/name") == SsmSource(name="/name")


def test_code_is_allowed_in_files_unless_forbidden_and_in_stores_if_allowed() -> None:
    def allowed(location: str, allow_code: bool | None) -> bool:
        source: Any = open_source(location, allow_code=allow_code)
        return bool(source.allow_code)

    assert [allowed("d.yaml", each) for each in (None, True, False)] == [True, True, False]
    assert [allowed("ssm:/d", each) for each in (None, True, False)] == [False, True, False]


def test_a_file_is_loaded_with_its_digest_and_time(tmp_path: Path) -> None:
    file = tmp_path / "d.yaml"
    file.write_text(TEXT)
    loaded = load_deployment(file)
    assert loaded.deployment.names == ("m",)
    assert loaded.location == str(file)
    assert loaded.version == loaded.digest
    assert loaded.fetched_at > 0
    assert (loaded.failure, loaded.older) == (None, ())


def test_files_have_no_last_good_copy(tmp_path: Path) -> None:
    file, kept = tmp_path / "d.yaml", LastGood(tmp_path / "kept")
    file.write_text(TEXT)
    load_deployment(file, last_good=kept)
    assert not (tmp_path / "kept").exists()
    file.write_text("models: 5")
    with pytest.raises(DeploymentError):
        load_deployment(file, last_good=kept)
    file.unlink()
    with pytest.raises(DeploymentSourceError):
        load_deployment(file, last_good=kept)
