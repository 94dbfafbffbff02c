from __future__ import annotations

import sys
from pathlib import Path

import pytest

from holotype.errors import MissingExtraError
from holotype.references.cache import cached_artifact


def test_the_variable_names_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLOTYPE_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    assert cached_artifact("sha256:9f") == tmp_path / "artifacts" / "sha256-9f"


def test_else_it_is_where_the_system_keeps_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    import platformdirs

    monkeypatch.delenv("HOLOTYPE_CACHE", raising=False)
    expected = Path(platformdirs.user_cache_dir("holotype", appauthor=False))
    assert cached_artifact("sha256:9f") == expected / "artifacts" / "sha256-9f"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such variable")
def test_the_variable_of_the_desktop_is_heeded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOLOTYPE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cached_artifact("sha256:9f") == tmp_path / "holotype/artifacts/sha256-9f"


def test_a_missing_platformdirs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOLOTYPE_CACHE", raising=False)
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'holotype\[artifacts\]'"):
        cached_artifact("sha256:9f")
