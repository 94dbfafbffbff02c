"""What encoders of every kind have in common."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterable, Sequence
from functools import cached_property, partial
from itertools import islice
from types import TracebackType
from typing import Any, Generic, Self, overload

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.checkpoints.source import find_checkpoint
from holotype.encoders.config import ModelConfig, ModelT_co
from holotype.encoders.fingerprint import fingerprint_of_folder
from holotype.encoders.inputs.items import count_texts, each_text
from holotype.encoders.inputs.rows import Row
from holotype.encoders.options import EncodeSettings, TextSide
from holotype.encoders.running.devices import Replicas
from holotype.encoders.running.network import Network
from holotype.encoders.running.pipeline import ResultT, Task, stream
from holotype.errors import CheckpointError, ClosedEncoderError

_TEXTS_AT_ONCE = 512
_ANY_TEXT = "a text of a few words"


class Encoder(Generic[ModelT_co]):
    """A model that is ready to run, until it is closed.

    Works as a context manager that closes it.

    Attributes:
        config: the record and how it is run, with the device that was chosen.
    """

    def __init__(
        self, config: ModelConfig[ModelT_co], network: Network, queries: Network | None = None
    ) -> None:
        """Take what has been loaded; `holotype.encoders.load` does that.

        Args:
            config: the record and how it is run.
            network: what runs.
            queries: what runs queries; None where the same network does.
        """
        self.config = dataclasses.replace(config, device=network.device)
        self._opened: Network | None = network
        self._queries = queries
        self._replicas = Replicas(network.device, partial(_load_on, self.config))

    @property
    def record(self) -> ModelT_co:
        """The model."""
        return self.config.record

    @property
    def device(self) -> str:
        """Where the model runs, as torch names it."""
        return str(self.config.device)

    @property
    def dtype(self) -> str:
        """The type of the weights and of the arithmetic; results are float32 always."""
        return self.config.dtype

    @cached_property
    def fingerprint(self) -> str:
        """A digest of what decides the vectors; encoders share an index only where it is equal.

        The weights are read once for it, when it is first asked for; those of an artifact are
        not, since its manifest has their digests. Device and data type do not change it.

        Raises:
            CheckpointError: the files are gone, or damaged.
        """
        trusted = self.config.trust_remote_code and self.record.requires_remote_code is not False
        folder = find_checkpoint(
            self.record, self.config.checkpoint, with_code=self.config.trust_remote_code
        )
        # Each kind has an encoding of its own.
        encoding: Any = vars(self)["encoding"]
        try:
            return fingerprint_of_folder(encoding, folder, dim=self.config.dim, with_code=trusted)
        except OSError as error:
            raise CheckpointError(str(folder), f"cannot be read any more: {error}") from error

    def compatible_with(self, other: Encoder[Any]) -> bool:
        """Whether the vectors of both may stand in one index: their fingerprints are equal."""
        return self.fingerprint == other.fingerprint

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take, on all devices that calls have named.

        Raises:
            ClosedEncoderError: the encoder has been closed.
        """
        queries = 0 if self._queries is None else self._queries.memory_bytes
        return self._network.memory_bytes + queries + self._replicas.memory_bytes

    # A string is an iterable of strings, too; the first overload that fits is meant.
    @overload
    def count_tokens(self, texts: str, *, prompt: str = "") -> int: ...  # type: ignore[overload-overlap]
    @overload
    def count_tokens(self, texts: Iterable[str], *, prompt: str = "") -> NDArray[np.int64]: ...
    def count_tokens(
        self, texts: str | Iterable[str], *, prompt: str = ""
    ) -> int | NDArray[np.int64]:
        """Count the tokens of texts before anything is cut, with special tokens.

        Args:
            texts: one text or several.
            prompt: what is put before every text; the markers of ColBERT models are not counted.

        Returns:
            The number for one text, int64 ``[n_texts]`` for several.
        """
        tokenizer = self._network.tokenizer
        whole = (prompt + text for text in each_text(texts))
        counts: list[int] = []
        while part := list(islice(whole, _TEXTS_AT_ONCE)):
            counts += (len(text.ids) for text in tokenizer.encode(part, max_length=None))
        return counts[0] if isinstance(texts, str) else np.asarray(counts, dtype=np.int64)

    def warm_up(self) -> None:
        """Run the model once, so that the first call takes no longer than those after it."""
        for network in {self._network_of("query"), self._network_of("document")}:
            for text in network.tokenizer.encode([_ANY_TEXT], max_length=None):
                yes = [True] * len(text.ids)
                for _ in network.run([Row(text.ids, text.type_ids, yes, yes)], None):
                    pass

    def _stream(
        self,
        texts: str | Iterable[str],
        task: Task[str, ResultT],
        settings: EncodeSettings,
        side: TextSide = "document",
    ) -> Generator[ResultT, None, None]:
        networks, n_items = self._networks(settings, side), count_texts(texts)
        return stream(networks, task, each_text(texts), settings, n_items=n_items)

    def _networks(self, settings: EncodeSettings, side: TextSide = "document") -> Sequence[Network]:
        own = self._network_of(side)
        if settings.devices is None:
            return [own]
        replicas = (self._replicas.on(device) for device in settings.devices)
        return [own if replica is None else replica._network_of(side) for replica in replicas]

    def _network_of(self, side: TextSide) -> Network:
        network = self._network
        return network if side == "document" or self._queries is None else self._queries

    @property
    def _network(self) -> Network:
        if self._opened is None:
            raise ClosedEncoderError(self.record.id)
        return self._opened

    def close(self) -> None:
        """Let go of the weights and give the memory back; closing twice does no harm.

        A call that runs on another thread finishes the window that it is at, and raises a
        `ClosedEncoderError` if that was not the last.
        """
        network, self._opened = self._opened, None
        if network is not None:
            network.close()
        if self._queries is not None:
            self._queries.close()
        self._replicas.close()

    def __enter__(self) -> Self:
        """Return the encoder."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the encoder."""
        self.close()


def _load_on(config: ModelConfig[Any], device: str) -> Encoder[Any]:
    # What loads an encoder knows all kinds of them, and so this one.
    from holotype.encoders._load import load

    encoder: Encoder[Any] = load(dataclasses.replace(config, device=device))
    return encoder
