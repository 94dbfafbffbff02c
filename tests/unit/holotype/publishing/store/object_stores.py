"""Servers of object stores on loopback, which speak the protocols of S3 and of Google."""

from __future__ import annotations

import importlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

SECRET = "wJalrXUtnFEMIbPxRfiCYSECRETKEY"
BUCKET = "models"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def s3_server(patch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve a bucket by moto, and let the clients of this process ask there."""
    server: Any = importlib.import_module("moto.server").ThreadedMotoServer(
        ip_address="127.0.0.1", port=0, verbose=False
    )
    server.start()
    try:
        _, port = server.get_host_and_port()
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        session: Any = importlib.import_module("boto3").Session()
        client = session.client("s3", endpoint_url=f"http://127.0.0.1:{port}")
        client.create_bucket(Bucket=BUCKET)
        client.close()
        yield f"s3://{BUCKET}/team/model-v1"
    finally:
        server.stop()


@contextmanager
def gcs_server(patch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve a bucket by gcp-storage-emulator, and let the clients of this process ask there."""
    # gcsfs reads this when it is imported: the emulator speaks HTTP, and no gRPC.
    patch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    emulator: Any = importlib.import_module("gcp_storage_emulator.server")
    port = free_port()
    server = emulator.create_server("127.0.0.1", port, in_memory=True, default_bucket=BUCKET)
    server.start()
    config: Any = importlib.import_module("fsspec.config").conf
    try:
        patch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
        patch.setenv("GOOGLE_CLOUD_PROJECT", "tests")
        patch.setitem(config, "gs", {"token": "anon"})
        yield f"gs://{BUCKET}/team/model-v1"
    finally:
        server.stop()
