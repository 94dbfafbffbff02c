"""Models on many machines, by Ray: corpora are encoded on Ray Data, and Ray Serve runs the server.

    import ray
    from holotype import cluster

    documents = ray.data.read_parquet("s3://bucket/corpus")
    cluster.encode(documents, "all-minilm-l6-v2").write_parquet("s3://bucket/vectors")

Install what `encode` needs with ``pip install 'holotype[ray]'``, and what `serve` needs with
``pip install 'holotype[ray-serve]'``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holotype.cluster.encoding import Side, encode

if TYPE_CHECKING:
    from holotype.server import ServerSettings

__all__ = ["Side", "encode", "serve"]


def serve(
    settings: ServerSettings,
    *,
    replicas: int = 1,
    name: str = "holotype",
    num_cpus: float = 1,
    num_gpus: float = 0,
    memory_bytes: int | None = None,
) -> Any:
    """Run the server's application on Ray Serve, or change what runs; see `holotype.server`.

    Every replica has a pool of its own, which serves the whole deployment, and reserves memory for
    it, so that Ray places replicas where the models fit. Called again, it replaces replicas one
    after the other: one ends when its requests have, and the next one does after the new one has
    loaded its models. If a replica dies, Ray starts another one; requests that it was answering
    fail, and are safe to repeat. A source ``registry:KIND`` needs no such call: every replica
    follows it in place.

    Args:
        settings: what to serve, and how; the deployment is read here, and sent to the replicas,
            whose machines must reach its sources. Its address is that of Ray's proxies, and is
            fixed by the first call.
        replicas: how many processes serve.
        name: the name of the application in Ray Serve.
        num_cpus: how many processors a replica reserves.
        num_gpus: how many GPUs a replica reserves.
        memory_bytes: how much memory a replica may use and reserves; None takes the deployment's
            limit for ``cpu`` if that is in bytes, else what all of its models take, and 512 MiB
            more. Models of a registry and classes of your own count with the `memory` that they
            declare.

    Returns:
        Ray Serve's handle of the application.

    Raises:
        HolotypeError: the deployment has problems, or there is no key and other machines can reach
            the server.
        ArtifactError: a folder of the deployment is missing; nothing has changed.
        PoolError: no machine has the memory for a replica, or the models cannot be loaded; replicas
            that have not been replaced go on.
        MissingExtraError: Ray Serve is not installed.
        ValueError: a number is out of range.
    """
    # Ray Data alone needs none of what the server needs.
    from holotype.cluster import serving

    return serving.serve(
        settings,
        replicas=replicas,
        name=name,
        num_cpus=num_cpus,
        num_gpus=num_gpus,
        memory_bytes=memory_bytes,
    )
