"""Encode corpora that outgrow a machine, on Ray Data.

    import ray
    from holotype import cluster

    documents = ray.data.read_parquet("s3://bucket/corpus")
    cluster.encode(documents, "all-minilm-l6-v2").write_parquet("s3://bucket/vectors")

There is one actor per GPU or, without GPUs, one per node, whose threads leave one of the node's
processors to those that read and write. An actor loads the model once. If an actor dies, another
one encodes its batch again, so no row is lost or written twice.

Actors reserve next to none of Ray's processors, so that the stages before and after them, other
encoders among them, always find room. The encoders of a pipeline share a single GPU, and its
memory. Several GPUs are reserved: each encoder starts with one and takes the others while they are
free, so that a pipeline needs as many GPUs as it has encoders.
"""

from __future__ import annotations

import sys
from typing import Any, Literal, Unpack, cast

from holotype.encoders import ModelConfig
from holotype.encoders.config import LoadOptions, configure, look_up
from holotype.encoders.options import check_side
from holotype.errors import MissingExtraError, UnsupportedModelError
from holotype.records import AnyDenseModel, DenseModel

try:
    import ray
    from ray.data import ActorPoolStrategy, Dataset
except ModuleNotFoundError as error:
    raise MissingExtraError("ray", "ray", "holotype.cluster") from error

Side = Literal["document", "query", "text", "plain"]
"""What the texts are; ``plain`` is another name of ``text``."""

# Actors that held whole processors would wait forever for the tasks that read for them, and two
# encoders in one pipeline for each other. A share keeps them off nodes that have none to give.
_CPU_SHARE = 0.001
# Actors that share several GPUs would all be put on the first; a single one they may share.
_GPU_SHARE = 0.1


def encode(
    dataset: Dataset,
    model: AnyDenseModel | str,
    *,
    column: str = "text",
    output_column: str = "embedding",
    side: Side = "document",
    instruction: str | None = None,
    dim: int | None = None,
    batch_size: int = 1024,
    n_actors: int | None = None,
    **options: Unpack[LoadOptions],
) -> Dataset:
    """Add a column with the vectors of a column of texts; nothing runs before the result is used.

    Where Ray does not know the columns before it has run what comes first, such as a ``map``, they
    are checked in the actors, whose errors Ray wraps.

    Args:
        dataset: rows with a column of texts; all other columns stay.
        model: a dense model, as for `holotype.load`. Every node must be able to read its files,
            from the Hub or under the same path.
        column: the column of texts.
        output_column: the new column, float32 ``[dim]`` in each row.
        side: whether the texts get the prompt of documents, the prompt of queries, or none.
        instruction: see `DenseEncoder.encode_query`.
        dim: see `holotype.load`.
        batch_size: how many rows an actor takes at a time, and at most loses if it dies.
        n_actors: how many actors to start, on GPUs at most; None means one per device of the
            cluster.
        options: see `holotype.load`.

    Raises:
        UnsupportedModelError: the model is not dense.
        ValueError: the side is unknown, a number is below 1, or the dataset lacks `column` or
            already has `output_column`.
    """
    check_side("text" if side == "plain" else side)
    _check_numbers(batch_size=batch_size, n_actors=n_actors)
    record = look_up(model) if isinstance(model, str) else model
    if not isinstance(record, DenseModel):
        raise UnsupportedModelError(
            record.id, f"a dataset gets one vector a row, but this is a {record.type!s} model"
        )
    config = cast(ModelConfig[AnyDenseModel], configure(record, dim=dim, **options))
    # Asking for columns that are not known yet would run what makes them.
    columns = dataset.columns(fetch_if_missing=False)
    if columns is not None:
        _check_columns(columns, column, output_column)
    n_gpus, n_nodes, cpus_of_node = _devices()
    on_gpus = n_gpus > 0 and config.device in (None, "cuda")
    size = n_actors or (n_gpus if on_gpus else n_nodes)
    gpus_of_actor = (1 if n_gpus > 1 else _GPU_SHARE) if on_gpus else 0
    n_threads = _threads_of_actor(cpus_of_node, actors_of_node=-(-size // n_nodes))
    return dataset.map_batches(
        _EncodingActor,
        fn_constructor_args=(config, column, output_column, side, instruction, n_threads),
        batch_size=batch_size,
        batch_format="numpy",
        # What waits for the GPUs of another encoder starts with one.
        compute=ActorPoolStrategy(min_size=1 if on_gpus else size, max_size=size),
        num_gpus=gpus_of_actor,
        # A node with a single processor would have no whole one left for whoever reads.
        num_cpus=_CPU_SHARE if cpus_of_node > 1 else 0,
    )


class _EncodingActor:
    """A model on one device of the cluster."""

    def __init__(
        self,
        config: ModelConfig[AnyDenseModel],
        column: str,
        output_column: str,
        side: Side,
        instruction: str | None,
        n_threads: int,
    ) -> None:
        from holotype.encoders import load

        self._encoder = load(config)
        torch: Any = sys.modules.get("torch")
        if torch is not None:
            # Ray gives as many threads as processors are reserved. The process is the actor's own.
            torch.set_num_threads(n_threads)
        self._column, self._output_column = column, output_column
        self._side, self._instruction = side, instruction

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        _check_columns(list(batch), self._column, self._output_column)
        texts = batch[self._column].tolist()
        if self._side == "document":
            vectors = self._encoder.encode_document(texts, instruction=self._instruction)
        elif self._side == "query":
            vectors = self._encoder.encode_query(texts, instruction=self._instruction)
        else:
            vectors = self._encoder.encode(texts)
        return batch | {self._output_column: vectors}


def _check_numbers(**numbers: int | None) -> None:
    for name, number in numbers.items():
        if number is not None and number < 1:
            raise ValueError(f"{name} is {number}; expected at least 1")


def _check_columns(columns: list[str], column: str, output_column: str) -> None:
    if column not in columns:
        raise ValueError(
            f"the dataset has no column {column!r}; it has {', '.join(map(repr, columns))}"
        )
    if output_column in columns:
        raise ValueError(
            f"the dataset has a column {output_column!r} already; pass another output_column="
        )


def _threads_of_actor(cpus_of_node: float, *, actors_of_node: int) -> int:
    """Return how many threads an actor gets of a node that keeps one processor for reading."""
    return max(1, int(cpus_of_node - 1) // actors_of_node)


def _devices() -> tuple[int, int, float]:
    """Return the number of GPUs, of nodes with processors, and of processors per node."""
    nodes: Any = ray.nodes  # Ray does not say what it returns.
    resources = [node["Resources"] for node in nodes() if node["Alive"]]
    n_gpus = int(sum(found.get("GPU", 0) for found in resources))
    cpus = [found["CPU"] for found in resources if found.get("CPU")]
    return n_gpus, len(cpus), min(cpus)
