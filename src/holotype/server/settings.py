"""What an operator decides about a server."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from holotype.catalogue import Catalogue
from holotype.errors import InvalidArgumentError
from holotype.pool.arguments import check_count, check_finite

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """How a server is run.

    Attributes:
        deployment: the deployment file, folder or ``ssm:`` parameter; None serves no models.
        catalogue: where ids and repositories are looked up first, in the deployment and in what is
            registered: the `CATALOGUE` of a generated module. What it lacks is holotype's own.
        host: the address to listen on; without any key only a loopback address is accepted.
        port: the port; 0 takes a free one.
        database: the registry's address; None runs without a registry.
        require_database: whether to refuse to start while the database does not answer. Otherwise
            the server starts from `state_file`.
        state_file: where the active versions are kept for a start without the database; None keeps
            them in the user's cache.
        api_keys: keys that allow everything, beside those of the registry.
        allow: custom classes (``module:Class``) that a deployment may name.
        watch: whether changes of the deployment are applied as they come.
        cors_origins: the origins that browsers may call from; empty means none.
        max_body_bytes: the longest body of a request.
        max_texts: how many texts, or pairs, one request may have.
        max_pixels: how many pixels the pictures of one request may have together.
        max_queued_tokens: how many tokens, estimated, may wait for one model.
        max_queued_requests: how many requests may wait for one model.
        timeout_s: how long a request may take where neither it nor the deployment says so.
        drain_s: how long the server goes on after SIGTERM or SIGINT before it closes its port,
            while `/ready` answers 503, so that load balancers notice.
        stop_s: how long requests that run may take after that.
    """

    deployment: str | None = None
    catalogue: Catalogue[Any] | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    database: str | None = None
    require_database: bool = False
    state_file: Path | None = None
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    allow: tuple[str, ...] = ()
    watch: bool = False
    cors_origins: tuple[str, ...] = ()
    max_body_bytes: int = 16 * _MIB
    max_texts: int = 4096
    max_pixels: int = 100_000_000
    max_queued_tokens: int = 1_000_000
    max_queued_requests: int = 10_000
    timeout_s: float = 60.0
    drain_s: float = 5.0
    stop_s: float = 30.0

    def __post_init__(self) -> None:
        """Refuse what no server can do.

        Raises:
            InvalidArgumentError: a value is out of range; the error names it.
        """
        counts = ("max_body_bytes", "max_texts", "max_pixels")
        for name in (*counts, "max_queued_tokens", "max_queued_requests"):
            check_count(name, getattr(self, name))
        for name in ("drain_s", "stop_s"):
            check_finite(name, getattr(self, name))
        check_finite("timeout_s", self.timeout_s, above_0=True)
        check_count("port", self.port, least=0)
        if self.port > 65535:
            raise InvalidArgumentError(f"port is {self.port}; expected 0 to 65535")
        if "*" in self.cors_origins:
            raise InvalidArgumentError(
                "cors_origins holds '*', which lets every web page call this server from its "
                "visitors' machines; name the origins, such as https://app.example.com"
            )

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Return whether an address, or ``localhost``, leads to this machine only."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
