"""The parts that encoders of every kind share."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Generic,
    NoReturn,
    Protocol,
    Self,
    TypeAlias,
    TypeVar,
    cast,
    overload,
)

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.arguments import ATTRIBUTE_EQUIVALENTS, METHODS_OF_OTHERS, as_text
from holotype.encoders.config import ModelConfig, ModelT_co, Precision
from holotype.encoders.inputs.items import each_text
from holotype.encoders.inputs.lengths import Token
from holotype.encoders.inputs.rows import PictureRow
from holotype.encoders.inputs.sides import read_whole
from holotype.encoders.kinds.plan import AnyPlan
from holotype.encoders.kinds.prompts import Prompt
from holotype.encoders.options import TextSide
from holotype.encoders.running.devices import Loaded, LoadedT, Replicas
from holotype.encoders.running.forks import refuse_fork, unpickle
from holotype.encoders.running.network import Network, NetworkOf, Tower, Towers
from holotype.errors import CheckpointError, ClosedEncoderError, TokenizationError

Build: TypeAlias = Callable[[ModelConfig[Any]], Towers]
"""Loads the weights of a model for a config."""

_TEXTS_AT_ONCE = 512
_ANY_TEXT = "a text of a few words"


class LoadedModel(Generic[LoadedT]):
    """Weights on one or more devices, until they are closed.

    A context manager that closes them on exit.
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
            loaded: the loaded weights.
            device: their device.
            load_on: loads the same weights on another device.
            survives_fork: whether a forked process can run them, too.
        """
        self._name = name
        self._loaded: LoadedT | None = loaded
        self._replicas = Replicas(device, load_on)
        self._process_id = None if survives_fork else os.getpid()

    @property
    def memory_bytes(self) -> int:
        """The size of the weights in bytes, on all devices in use.

        Raises:
            ClosedEncoderError: the encoder has been closed.
        """
        return self._towers.memory_bytes + self._replicas.memory_bytes

    def close(self) -> None:
        """Release the weights and their memory; closing twice is harmless.

        A call on another thread finishes its current window, and raises `ClosedEncoderError` if
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
        """Return the weights on each of the devices; None means the model's own device."""
        own = self._towers
        if self._process_id is not None:
            refuse_fork(self._name, self._process_id)
        if devices is None:
            return [own]
        return [self._replicas.on(device) or own for device in devices]

    _equivalents: ClassVar[Mapping[str, str]] = ATTRIBUTE_EQUIVALENTS

    # Type checkers would take any attribute for one that there is.
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            """Say what there is in place of an attribute of other libraries or kinds of models."""
            message = f"{type(self).__name__!r} object has no attribute {name!r}"
            instead = self._equivalents.get(name) or METHODS_OF_OTHERS.get(name)
            if instead is not None:
                message = f"{message}; {instead}"
            raise AttributeError(message, name=name, obj=self)

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute, but for those of other libraries, which would change nothing.

        Raises:
            AttributeError: it is one of those; the message says what there is in its place.
        """
        if name in ATTRIBUTE_EQUIVALENTS:
            instead = ATTRIBUTE_EQUIVALENTS[name]
            raise AttributeError(f"{name!r} cannot be set; {instead}", name=name, obj=self)
        super().__setattr__(name, value)

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


class Placed(Loaded, Protocol):
    """A loaded model with its device and the type of its arithmetic."""

    @property
    def device(self) -> str:
        """The device, as torch names it."""
        ...

    @property
    def dtype(self) -> str:
        """The type of the weights and of the arithmetic, by name."""
        ...


PlacedT = TypeVar("PlacedT", bound=Placed)


class LoadedRecord(LoadedModel[PlacedT], Generic[ModelT_co, PlacedT]):
    """A loaded model of a record.

    A context manager that closes the encoder on exit. Copying or unpickling an encoder reloads the
    model from its `config`.

    Attributes:
        config: the record and how it is run, with the chosen device.
    """

    def __init__(
        self,
        config: ModelConfig[ModelT_co],
        plan: AnyPlan,
        towers: PlacedT,
        build: Callable[[ModelConfig[Any]], PlacedT],
    ) -> None:
        """Wrap a model that `holotype.encoders.load` has loaded.

        Args:
            config: the record and how it is run.
            plan: how to run it, as the record and the checkpoint say.
            towers: the loaded weights and their tokenizers.
            build: loads the weights again, on another device.
        """
        folder = config.checkpoint
        # A copy may be loaded where another folder is the current one.
        placed = None if folder is None else str(Path(folder).absolute())
        dtype = cast("Precision", towers.dtype)
        self.config = dataclasses.replace(
            config, device=towers.device, dtype=dtype, checkpoint=placed
        )
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
        """The device of the model, as torch names it."""
        return str(self.config.device)

    @property
    def dtype(self) -> str:
        """The type of the weights and of the arithmetic; results are always float32."""
        return self.config.dtype

    @cached_property
    def fingerprint(self) -> str:
        """A digest of everything that determines the vectors, apart from device and data type.

        Encoders may share an index only if their fingerprints are equal. The first access reads
        the weights, except those of an artifact, which `load` has compared with its manifest.

        Raises:
            CheckpointError: the files are missing or damaged.
        """
        return self._fingerprint(self.config.dim)

    def _fingerprint(self, dim: int | None) -> str:
        # A load reads nothing of exports, which fingerprints know.
        from holotype.encoders.fingerprint import fingerprint_of_folder

        trusted = self._plan.checkpoint.policy == "run"
        try:
            return fingerprint_of_folder(self._plan, dim=dim, with_code=trusted)
        except OSError as error:
            raise CheckpointError(
                self._plan.checkpoint.location, f"cannot be read any more: {error}"
            ) from error

    def has_fingerprint(self, stated: str) -> bool:
        """Whether a fingerprint that an index holds is this encoder's.

        Those that holotype 0.1.0 made count, too: they also covered files that decide no vector.

        Raises:
            CheckpointError: the files are missing or damaged.
        """
        from holotype.encoders.earlier_fingerprint import has_fingerprint

        if stated == self.fingerprint:
            return True
        trusted = self._plan.checkpoint.policy == "run"
        return has_fingerprint(self._plan, stated, dim=self.config.dim, with_code=trusted)

    def compatible_with(self, other: LoadedRecord[Any, Any]) -> bool:
        """Whether both encoders may share an index: their fingerprints are equal."""
        return self.fingerprint == other.fingerprint

    def __reduce__(self) -> tuple[object, ...]:
        """Reload the model from its configuration; weights are not copied.

        Raises:
            ClosedEncoderError: the encoder has been closed.
        """
        _ = self._towers
        return unpickle, (type(self), _load_again, self.config)


class Encoder(LoadedRecord[ModelT_co, Towers]):
    """A loaded model that reads texts.

    A context manager that closes the encoder on exit. Copying or unpickling an encoder reloads the
    model from its `config`.

    Attributes:
        config: the record and how it is run, with the chosen device.
    """

    # A string is also an iterable of strings; the first overload that matches is the right one.
    @overload
    def count_tokens(self, texts: str, *, prompt: str = "") -> int: ...  # type: ignore[overload-overlap]
    @overload
    def count_tokens(self, texts: Iterable[str], *, prompt: str = "") -> NDArray[np.int64]: ...
    def count_tokens(
        self, texts: str | Iterable[str], *, prompt: str = ""
    ) -> int | NDArray[np.int64]:
        """Count the tokens of texts before truncation, including special tokens.

        Args:
            texts: one text or several.
            prompt: a prefix for every text; the markers of ColBERT models are not counted.

        Returns:
            An int for one text, int64 ``[n_texts]`` for several.
        """
        tokenizer = self._towers.document.tokenizer
        before = as_text("prompt", prompt) or ""
        whole = (before + text for text in each_text(texts))
        counts: list[int] = []
        while part := list(islice(whole, _TEXTS_AT_ONCE)):
            start = len(counts)
            try:
                counts += [len(text.ids) for text in tokenizer.encode(part, max_length=None)]
            except TokenizationError as error:
                raise error.at(start + error.index) from error
        return counts[0] if isinstance(texts, str) else np.asarray(counts, dtype=np.int64)

    def tokenize(self, text: str, *, special_tokens: bool = True) -> list[Token]:
        """Return the tokens of a text, before truncation and without prompts.

        Args:
            text: the text.
            special_tokens: whether those that the model adds are among them.

        Raises:
            TokenizationError: the tokenizer fails.
        """
        (given,) = each_text(text)
        return self._towers.document.tokenizer.tokens(given, special_tokens=special_tokens)

    def text_of(self, token_ids: Sequence[int]) -> str:
        """Return the text of tokens of this model.

        Args:
            token_ids: the tokens, with the special tokens that the model adds, or without.

        Raises:
            InvalidArgumentError: the model's tokenizer makes no such tokens of any text; the ids
                are probably those of another model's tokenizer.
        """
        return self._towers.document.tokenizer.text_of(token_ids)

    def warm_up(self) -> None:
        """Run the model once, so that the first call is as fast as later ones."""
        (towers,) = self._towers_on(None)
        for tower in {towers.query, towers.document}:
            tokens = tower.tokenizer.encode([_ANY_TEXT], max_length=None)
            for _ in tower.network.run(read_whole(tokens).rows, None):
                pass

    def _networks(
        self, devices: Sequence[str] | None, side: TextSide = "document"
    ) -> Sequence[Network]:
        return [_tower(towers, side).network for towers in self._towers_on(devices)]

    def _picture_networks(
        self, devices: Sequence[str] | None
    ) -> Sequence[NetworkOf[PictureRow, NDArray[np.float32]]]:
        found = [towers.pictures for towers in self._towers_on(devices)]
        return [network for network in found if network is not None]


def shown_prompts(query: Prompt, document: Prompt, default: str = "") -> str:
    """Return the prompts of a model as the `repr` of an encoder shows them.

    Args:
        query: the prompt of queries.
        document: the prompt of documents.
        default: the prompt of texts that are neither, which few models have.
    """
    shown = f"query_prompt={query.text!r}, document_prompt={document.text!r}"
    return f"{shown}, default_prompt={default!r}" if default else shown


def _load_again(config: ModelConfig[Any]) -> LoadedRecord[Any, Any]:
    from holotype.encoders._load import load_config

    return load_config(config)


def _tower(towers: Towers, side: TextSide) -> Tower:
    return towers.query if side == "query" else towers.document


def _build_on(
    build: Callable[[ModelConfig[Any]], PlacedT], config: ModelConfig[Any], device: str
) -> PlacedT:
    return build(dataclasses.replace(config, device=device))
