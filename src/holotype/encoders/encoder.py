"""What encoders of every kind have in common."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Iterable, Sequence
from functools import cached_property, partial
from itertools import islice
from types import TracebackType
from typing import Any, Generic, Self, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.config import ModelConfig, ModelT_co
from holotype.encoders.fingerprint import fingerprint_of_folder
from holotype.encoders.inputs.items import count_texts, each_text
from holotype.encoders.inputs.rows import Row
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.encoders.kinds.plan import AnyPlan
from holotype.encoders.options import EncodeSettings, TextSide
from holotype.encoders.running.devices import Replicas
from holotype.encoders.running.network import Network, Tower, Towers
from holotype.encoders.running.pipeline import ResultT, Task, stream
from holotype.errors import CheckpointError, ClosedEncoderError, TokenizationError

Build: TypeAlias = Callable[[ModelConfig[Any]], Towers]
"""Loads the weights of a model for a config."""

_TEXTS_AT_ONCE = 512
_ANY_TEXT = "a text of a few words"


class Encoder(Generic[ModelT_co]):
    """A model that is ready to run, until it is closed.

    Works as a context manager that closes it.

    Attributes:
        config: the record and how it is run, with the device that was chosen.
    """

    def __init__(
        self, config: ModelConfig[ModelT_co], plan: AnyPlan, towers: Towers, build: Build
    ) -> None:
        """Take what has been loaded; `holotype.encoders.load` does that.

        Args:
            config: the record and how it is run.
            plan: what the record and the checkpoint agreed on.
            towers: what runs.
            build: loads the weights once more, on another device.
        """
        self.config = dataclasses.replace(config, device=towers.device, dtype=towers.dtype)
        self._plan = plan
        self._opened: Towers | None = towers
        self._replicas = Replicas(towers.device, partial(_build_on, build, self.config))

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
        trusted = self._plan.checkpoint.policy == "run"
        try:
            return fingerprint_of_folder(self._plan, dim=self.config.dim, with_code=trusted)
        except OSError as error:
            raise CheckpointError(
                self._plan.checkpoint.location, f"cannot be read any more: {error}"
            ) from error

    def compatible_with(self, other: Encoder[Any]) -> bool:
        """Whether the vectors of both may stand in one index: their fingerprints are equal."""
        return self.fingerprint == other.fingerprint

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take, on all devices that calls have named.

        Raises:
            ClosedEncoderError: the encoder has been closed.
        """
        return self._towers.memory_bytes + self._replicas.memory_bytes

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
        tokenizer = self._towers.document.tokenizer
        whole = (prompt + text for text in each_text(texts))
        counts: list[int] = []
        while part := list(islice(whole, _TEXTS_AT_ONCE)):
            start = len(counts)
            try:
                counts += [len(text.ids) for text in tokenizer.encode(part, max_length=None)]
            except TokenizationError as error:
                raise error.at(start + error.index) from error
        return counts[0] if isinstance(texts, str) else np.asarray(counts, dtype=np.int64)

    def warm_up(self) -> None:
        """Run the model once, so that the first call takes no longer than those after it."""
        towers = self._towers
        for tower in {towers.query, towers.document}:
            for text in tower.tokenizer.encode([_ANY_TEXT], max_length=None):
                yes = [True] * len(text.ids)
                for _ in tower.network.run([Row(text.ids, text.type_ids, yes, yes)], None):
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
        own = self._towers
        if settings.devices is None:
            return [_tower(own, side).network]
        replicas = (self._replicas.on(device) for device in settings.devices)
        return [_tower(replica or own, side).network for replica in replicas]

    def _tokenizer(self, side: TextSide = "document") -> TextTokenizer:
        return _tower(self._towers, side).tokenizer

    @property
    def _towers(self) -> Towers:
        if self._opened is None:
            raise ClosedEncoderError(self.record.id)
        return self._opened

    def close(self) -> None:
        """Let go of the weights and give the memory back; closing twice does no harm.

        A call that runs on another thread finishes the window that it is at, and raises a
        `ClosedEncoderError` if that was not the last.
        """
        towers, self._opened = self._opened, None
        if towers is not None:
            towers.close()
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


def _tower(towers: Towers, side: TextSide) -> Tower:
    return towers.query if side == "query" else towers.document


def _build_on(build: Build, config: ModelConfig[Any], device: str) -> Towers:
    return build(dataclasses.replace(config, device=device))
