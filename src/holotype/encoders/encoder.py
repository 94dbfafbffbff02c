"""What encoders of every kind have in common."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from itertools import islice
from types import TracebackType
from typing import Any, Generic, Self, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.config import ModelConfig, ModelT_co
from holotype.encoders.fingerprint import fingerprint_of_folder
from holotype.encoders.inputs.items import each_text
from holotype.encoders.inputs.sides import read_whole
from holotype.encoders.kinds.plan import AnyPlan
from holotype.encoders.options import TextSide
from holotype.encoders.running.devices import LoadedT, Replicas
from holotype.encoders.running.network import Network, Tower, Towers
from holotype.errors import CheckpointError, ClosedEncoderError, ForkedEncoderError

Build: TypeAlias = Callable[[ModelConfig[Any]], Towers]
"""Loads the weights of a model for a config."""

_TEXTS_AT_ONCE = 512
_ANY_TEXT = "a text of a few words"


class LoadedModel(Generic[LoadedT]):
    """Weights on one device or on several, until they are closed.

    A context manager, which closes them at its end.
    """

    def __init__(
        self,
        name: str,
        loaded: LoadedT,
        *,
        device: str,
        load_on: Callable[[str], LoadedT],
        survives_fork: bool,
    ) -> None:
        """Wrap loaded weights.

        Args:
            name: the id of the model, or the ids of several, for messages.
            loaded: what runs.
            device: where it runs.
            load_on: loads the same weights on another device.
            survives_fork: whether a forked process can run it, too.
        """
        self._name = name
        self._loaded: LoadedT | None = loaded
        self._replicas = Replicas(device, load_on)
        self._process_id = None if survives_fork else os.getpid()

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take, on all devices that calls have named.

        Raises:
            ClosedEncoderError: the encoder has been closed.
        """
        return self._towers.memory_bytes + self._replicas.memory_bytes

    def close(self) -> None:
        """Release the weights and their memory; closing twice does no harm.

        A call on another thread finishes its current window, and raises a `ClosedEncoderError` if
        more windows follow.
        """
        loaded, self._loaded = self._loaded, None
        if loaded is not None:
            loaded.close()
        self._replicas.close()

    @property
    def _towers(self) -> LoadedT:
        if self._loaded is None:
            raise ClosedEncoderError(self._name)
        return self._loaded

    def _towers_on(self, devices: Sequence[str] | None) -> list[LoadedT]:
        """Return what runs on each of some devices; None is the model's own."""
        own = self._towers
        if self._process_id not in (None, os.getpid()):
            raise ForkedEncoderError(self._name)
        if devices is None:
            return [own]
        return [self._replicas.on(device) or own for device in devices]

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


class Encoder(LoadedModel[Towers], Generic[ModelT_co]):
    """A loaded model.

    A context manager, which closes the encoder at its end. Copying or unpickling an encoder loads
    the model again by its `config`.

    Attributes:
        config: the record and how it is run, with the device that was chosen.
    """

    def __init__(
        self, config: ModelConfig[ModelT_co], plan: AnyPlan, towers: Towers, build: Build
    ) -> None:
        """Wrap a model that `holotype.encoders.load` has loaded.

        Args:
            config: the record and how it is run.
            plan: what the record and the checkpoint agreed on.
            towers: what runs.
            build: loads the weights once more, on another device.
        """
        self.config = dataclasses.replace(config, device=towers.device, dtype=towers.dtype)
        self._plan = plan
        super().__init__(
            config.record.id,
            towers,
            device=towers.device,
            load_on=partial(_build_on, build, self.config),
            survives_fork=plan.is_static,
        )

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
            counts += (len(text.ids) for text in tokenizer.encode(part, max_length=None))
        return counts[0] if isinstance(texts, str) else np.asarray(counts, dtype=np.int64)

    def warm_up(self) -> None:
        """Run the model once, so that the first call takes no longer than those after it."""
        (towers,) = self._towers_on(None)
        for tower in {towers.query, towers.document}:
            tokens = tower.tokenizer.encode([_ANY_TEXT], max_length=None)
            for _ in tower.network.run(read_whole(tokens).rows, None):
                pass

    def _networks(
        self, devices: Sequence[str] | None, side: TextSide = "document"
    ) -> Sequence[Network]:
        return [_tower(towers, side).network for towers in self._towers_on(devices)]

    def __reduce__(self) -> tuple[object, ...]:
        """Load the model again by its configuration; weights are not copied.

        Raises:
            ClosedEncoderError: the encoder has been closed.
        """
        _ = self._towers
        return _load_again, (self.config,)


def _load_again(config: ModelConfig[Any]) -> Encoder[Any]:
    from holotype.encoders._load import load_config

    return load_config(config)


def _tower(towers: Towers, side: TextSide) -> Tower:
    return towers.query if side == "query" else towers.document


def _build_on(build: Build, config: ModelConfig[Any], device: str) -> Towers:
    return build(dataclasses.replace(config, device=device))
