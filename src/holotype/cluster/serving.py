"""The server's application on Ray Serve: replicas, where they fit, and what they serve."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from holotype.deployment.document import (
    ANY_DEVICE,
    CustomSource,
    Deployment,
    MemoryLimit,
    ReferenceSource,
)
from holotype.deployment.reading import read_text
from holotype.deployment.writing import to_data
from holotype.errors import MissingExtraError
from holotype.pool.builder import read_deployment
from holotype.pool.errors import PoolError, mib
from holotype.pool.opening import Opener
from holotype.pool.sizes import Sizes
from holotype.references.folders import find_folder
from holotype.server import ServerSettings, ServerState, create_app

try:
    import ray
    from ray import serve as ray_serve
except ModuleNotFoundError as error:
    raise MissingExtraError("ray-serve", "ray[serve]", "holotype.cluster.serve") from error

_PROCESS_BYTES = 512 * 1024 * 1024
"""What a process takes beside its models: Python, torch, and requests."""

# Requests of one replica at once. They wait in the pool's queue, where they become batches.
_MOST_REQUESTS = 1024
_POLL_S = 0.1
# A model that cannot be loaded cannot be loaded the next time either; a machine may be lost.
_ATTEMPTS = 2


class Replica:
    """One process of the application; Ray Serve makes it, and calls its methods."""

    def __init__(self, settings: ServerSettings, deployment: str) -> None:
        """Open the server, and load what is preloaded: Ray sends requests only after that.

        Raises:
            HolotypeError: the deployment cannot be served; Ray goes on with what it has.
        """
        self._state = ServerState.open(settings)
        try:
            pool = self._state.pool
            pool.apply(read_text(deployment, catalogue=settings.catalogue))
            pool.wait_until_ready()
        except BaseException:
            self._state.close()
            raise

    def __serve_build_asgi_app__(self) -> Any:
        """Return the application; Ray runs its lifespan, which closes the server at the end."""
        return create_app(self._state)


def serve(
    settings: ServerSettings,
    *,
    replicas: int,
    name: str,
    num_cpus: float,
    num_gpus: float,
    memory_bytes: int | None,
) -> Any:
    """Run the application; see `holotype.cluster.serve`."""
    if replicas < 1:
        raise ValueError(f"replicas is {replicas}; expected at least 1")
    deployment = _read(settings)
    memory_bytes = _memory_of(deployment) if memory_bytes is None else memory_bytes
    deployment = _bounded(deployment, memory_bytes)
    start: Any = ray_serve.start  # Ray does not say what it takes.
    start(http_options={"host": settings.host, "port": settings.port})
    _require_a_node(memory_bytes, num_cpus, num_gpus)
    _check_folders(deployment)
    # Replicas get their deployment from here, and watch nothing.
    own = replace(settings, deployment=None, watch=False)
    text = json.dumps(to_data(deployment))
    make: Any = ray_serve.deployment
    made = make(
        name=name,
        num_replicas=replicas,
        ray_actor_options={"num_cpus": num_cpus, "num_gpus": num_gpus, "memory": memory_bytes},
        max_ongoing_requests=_MOST_REQUESTS,
        graceful_shutdown_wait_loop_s=_POLL_S,
        graceful_shutdown_timeout_s=settings.stop_s,
        max_constructor_retry_count=_ATTEMPTS,
    )(ray_serve.ingress()(Replica))
    try:
        handle: Any = ray_serve.run(made.bind(own, text), name=name, route_prefix="/")
    except RuntimeError as error:
        raise PoolError("", f"the deployment cannot be served: {_why(name) or error}") from error
    return handle


def _check_folders(deployment: Deployment) -> None:
    """Find out what is missing before Ray stops a replica for what takes its place.

    Raises:
        ArtifactError: a folder is not there.
    """
    for spec in deployment.models:
        for variant in spec.variants:
            source = variant.source
            if isinstance(source, ReferenceSource) and source.ref.scheme == "local":
                find_folder(source.ref)


def _why(name: str) -> str:
    """Return what Ray Serve says of an application that does not start; the last line is ours."""
    status: Any = ray_serve.status()
    found = status.applications.get(name)
    messages = [] if found is None else [one.message for one in found.deployments.values()]
    lines = [line for message in messages for line in message.strip().splitlines()]
    return lines[-1].strip() if lines else ""


def _read(settings: ServerSettings) -> Deployment:
    """Read the deployment, so that its folders are found wherever Ray runs the replicas."""
    place = settings.deployment
    if place is None:
        return Deployment()
    is_path = not place.startswith("ssm:")
    location = str(Path(place).expanduser().resolve()) if is_path else place
    return read_deployment(location, settings.catalogue)


def _memory_of(deployment: Deployment) -> int:
    """Return how much memory a replica takes with all models of a deployment on the CPU."""
    limit = deployment.pool.limit("cpu")
    if limit.n_bytes is not None:
        return limit.n_bytes + _PROCESS_BYTES
    # What is active, and what classes of one's own take, only the replicas know.
    opener = Opener(sizes=Sizes.of_user(), registry=lambda _: None)
    n_bytes = _PROCESS_BYTES
    for spec in deployment.models:
        for variant in spec.variants:
            if isinstance(variant.source, CustomSource):
                n_bytes += (spec.memory_bytes or 0) * spec.copies
                continue
            for copy in range(1, spec.copies + 1):
                unit = opener.unit(spec, variant, copy)
                n_bytes += unit.need().n_bytes if unit.device == "cpu" else 0
    return n_bytes


def _bounded(deployment: Deployment, memory_bytes: int) -> Deployment:
    """Let the pool of a replica use what the replica has reserved, not its share of a machine."""
    pool = deployment.pool
    devices = {variant.inference.device for spec in deployment.models for variant in spec.variants}
    devices |= {limit.device for limit in pool.memory}
    others = tuple(
        replace(pool.limit(device), device=device)
        for device in sorted(filter(None, devices - {"cpu", ANY_DEVICE}))
    )
    own = MemoryLimit(device="cpu", n_bytes=max(1, memory_bytes - _PROCESS_BYTES))
    return replace(deployment, pool=replace(pool, memory=(*others, own)))


def _require_a_node(memory_bytes: int, num_cpus: float, num_gpus: float) -> None:
    """Refuse what Ray would wait for, for ever.

    Raises:
        PoolError: no machine has what a replica reserves.
    """
    nodes: Any = ray.nodes
    found = [node["Resources"] for node in nodes() if node["Alive"]]
    wanted = {"memory": memory_bytes, "CPU": num_cpus, "GPU": num_gpus}
    if any(all(one.get(what, 0) >= n for what, n in wanted.items()) for one in found):
        return
    most = max((one.get("memory", 0) for one in found), default=0)
    raise PoolError(
        "",
        f"no machine of the cluster can run a replica: it reserves {mib(memory_bytes)}, {num_cpus:g} "
        f"processors and {num_gpus:g} GPUs, and the largest machine has {mib(most)}; set "
        "pool.memory of the deployment in bytes, or pass memory_bytes=, so that models take turns",
    )
