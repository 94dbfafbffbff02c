"""A Parameter Store on loopback."""

from __future__ import annotations

import importlib
import os
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.holotype.publishing.store.object_stores import s3_server


@pytest.fixture
def ssm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of a Parameter Store by moto, where the clients of this process ask, too."""
    with s3_server(monkeypatch):
        # Servers of one process share what they hold.
        request = urllib.request.Request(f"{os.environ['AWS_ENDPOINT_URL']}/moto-api/reset", b"")
        urllib.request.urlopen(request).close()
        client = importlib.import_module("boto3").session.Session().client("ssm")
        yield client
        client.close()
