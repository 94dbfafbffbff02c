"""The methods that encode texts, for every kind of model that returns vectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Generic, Protocol, Self, TypeVar, Unpack, cast, overload

from holotype.encoders.arguments import as_count, as_text
from holotype.encoders.inputs.items import check_text, count_items, each_text
from holotype.encoders.inputs.lengths import Lengths, lengths_of
from holotype.encoders.inputs.rows import Reader
from holotype.encoders.inputs.sides import Side
from holotype.encoders.options import (
    EncodeOptions,
    EncodeSettings,
    SideName,
    TextSide,
    check_side,
    settings_of,
)
from holotype.encoders.running.collecting import Collector
from holotype.encoders.running.network import Runner
from holotype.encoders.running.pipeline import Task, run_one, stream
from holotype.errors import InvalidArgumentError

OneT_co = TypeVar("OneT_co", covariant=True)
ManyT_co = TypeVar("ManyT_co", covariant=True)


class SideReader(Reader[str, Any], Protocol):
    """Reads the texts of one side, with any prompt."""

    @property
    def side(self) -> Side:
        """The side that it reads."""
        ...

    def with_instruction(self, instruction: str | None) -> Self:
        """Return a reader with the side's own prompt; see `TextReader.with_instruction`."""
        ...

    def with_prompt(self, prompt: str) -> Self:
        """Return a reader with another prompt."""
        ...


class TextMethods(ABC, Generic[OneT_co, ManyT_co]):
    """Encodes one text to a `OneT_co`, several to a `ManyT_co`."""

    _name: str
    _readers: Mapping[SideName, SideReader]

    @property
    @abstractmethod
    def dtype(self) -> str:
        """The type of the weights and of the arithmetic; results are always float32."""

    @abstractmethod
    def _networks(
        self, devices: Sequence[str] | None, side: TextSide = "document"
    ) -> Sequence[Runner[Any, Any]]:
        """Return the network of a side, on each of the devices."""

    @abstractmethod
    def _collector(
        self, side: SideName, top_k: int | None, n_texts: int
    ) -> Collector[Any, ManyT_co]:
        """Return a collector for the results of a window."""

    @abstractmethod
    def _concatenate(self, windows: Sequence[ManyT_co]) -> ManyT_co:
        """Join the results of one or more windows."""

    def _first(self, windows: Sequence[ManyT_co]) -> OneT_co:
        """Return the result of the first text."""
        window: Any = windows[0]
        return cast(OneT_co, window[0])

    def _reader(
        self, side: SideName, instruction: str | None = None, prompt: str | None = None
    ) -> SideReader:
        check_side(side)
        reader = self._readers[side]
        prompt = as_text("prompt", prompt)
        if prompt is None:
            return reader.with_instruction(as_text("instruction", instruction))
        if instruction is not None:
            raise InvalidArgumentError(
                "instruction= goes into the model's own prompt, which prompt= replaces; pass one "
                "of them"
            )
        return reader.with_prompt(prompt)

    def measure(
        self,
        texts: Sequence[str],
        side: SideName = "document",
        *,
        instruction: str | None = None,
        prompt: str | None = None,
    ) -> Lengths:
        """Return how many tokens of texts the model reads and cuts, without running it.

        Markers count, and tokens that fill short queries up.

        Args:
            texts: the texts.
            side: ``"query"``, ``"document"``, or ``"text"`` for neither.
            instruction: see `TextEncoder.encode_query`.
            prompt: see `TextEncoder.encode_query`.

        Raises:
            ValueError: the side is unknown.
            InstructionError: the prompt requires an instruction, or takes none.
            TokenizationError: the tokenizer fails at a text.
        """
        return lengths_of(self._reader(side, instruction, prompt), list(each_text(texts)))

    def _encode(
        self,
        texts: str | Iterable[str],
        reader: SideReader,
        settings: EncodeSettings,
        top_k: int | None = None,
    ) -> OneT_co | ManyT_co:
        if isinstance(texts, str) and not settings.progress:
            networks, task = self._work(reader, settings, top_k)
            return self._first([run_one(networks, task, check_text(texts, 0), settings)])
        windows = list(self._stream(texts, reader, settings, top_k))
        if isinstance(texts, str):
            return self._first(windows)
        if not windows:
            windows = [self._collector(reader.side.name, top_k, 0).result()]
        return self._concatenate(windows)

    def _stream(
        self,
        texts: str | Iterable[str],
        reader: SideReader,
        settings: EncodeSettings,
        top_k: int | None = None,
    ) -> Generator[ManyT_co, None, None]:
        networks, task = self._work(reader, settings, top_k)
        return stream(networks, task, each_text(texts), settings, n_items=count_items(texts))

    def _work(
        self, reader: SideReader, settings: EncodeSettings, top_k: int | None
    ) -> tuple[Sequence[Runner[Any, Any]], Task[str, Any, Any, ManyT_co]]:
        """Return the networks of a call, and how they run its texts."""
        as_count("top_k", top_k)
        task = Task(
            model_id=self._name,
            dtype=self.dtype,
            reader=reader,
            collector=partial(self._collector, reader.side.name, top_k),
        )
        return self._networks(settings.devices, reader.side.tower), task


class TextEncoder(TextMethods[OneT_co, ManyT_co]):
    """Encodes texts."""

    @overload
    def encode_query(
        self,
        texts: str,
        *,
        instruction: str | None = None,
        prompt: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> OneT_co: ...
    @overload
    def encode_query(
        self,
        texts: Iterable[str],
        *,
        instruction: str | None = None,
        prompt: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> ManyT_co: ...
    def encode_query(
        self,
        texts: str | Iterable[str],
        *,
        instruction: str | None = None,
        prompt: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> OneT_co | ManyT_co:
        """Encode queries, each with the model's query prompt.

        Args:
            texts: one query or several.
            instruction: a description of the task, for models whose prompt takes one.
            prompt: the prompt of this call, in place of the model's own; ``""`` means none. It is
                not part of the fingerprint: documents and queries that meet must have the prompts
                that the model was trained with.
            options: see `EncodeOptions`; the limit on length is `max_length`, or the
                `query_length` of a ColBERT model.

        Returns:
            One result for one query, or one object with all results for several; the encoder's
            class documents their types and shapes.

        Raises:
            InstructionError: the prompt requires an instruction, or takes none.
            TextOverflowError: a text is too long and `on_overflow` is ``"error"``.
            NotFiniteError: the model returned NaN or infinity.
            ClosedEncoderError: the encoder has been closed.
            ForkedEncoderError: the process was forked after the model was loaded.
        """
        reader = self._reader("query", instruction, prompt)
        return self._encode(texts, reader, settings_of(**options))

    @overload
    def encode_document(
        self,
        texts: str,
        *,
        instruction: str | None = None,
        prompt: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> OneT_co: ...
    @overload
    def encode_document(
        self,
        texts: Iterable[str],
        *,
        instruction: str | None = None,
        prompt: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> ManyT_co: ...
    def encode_document(
        self,
        texts: str | Iterable[str],
        *,
        instruction: str | None = None,
        prompt: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> OneT_co | ManyT_co:
        """Encode documents, each with the model's document prompt.

        Arguments, results and errors are those of `encode_query`; the limit on length is
        `max_length`, or the `document_length` of a ColBERT model.
        """
        reader = self._reader("document", instruction, prompt)
        return self._encode(texts, reader, settings_of(**options))

    @overload
    def encode(
        self,
        texts: str,
        *,
        prompt: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> OneT_co: ...
    @overload
    def encode(
        self,
        texts: Iterable[str],
        *,
        prompt: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> ManyT_co: ...
    def encode(
        self,
        texts: str | Iterable[str],
        *,
        prompt: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> OneT_co | ManyT_co:
        """Encode texts that are neither queries nor documents, without a prompt.

        ColBERT models add no marker and no expansion; for retrieval, use the other two methods.

        Args:
            texts: one text or several.
            prompt: a prefix for every text; None means no prefix, or the default prompt of the
                few checkpoints that name one.
            options: see `EncodeOptions`.

        Returns:
            See `encode_query`.
        """
        return self._encode(texts, self._reader("text", prompt=prompt), settings_of(**options))

    def encode_stream(
        self,
        texts: Iterable[str],
        side: SideName = "document",
        *,
        instruction: str | None = None,
        prompt: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> Generator[ManyT_co, None, None]:
        """Encode texts as they come, in bounded memory.

        Args:
            texts: any number of texts, read at most 1,024 at a time.
            side: ``"query"``, ``"document"``, or ``"text"`` for neither.
            instruction: see `encode_query`.
            prompt: see `encode_query`.
            options: see `EncodeOptions`.

        Returns:
            A generator of results, each for several texts, in input order; `close` stops it.

        Raises:
            ValueError: the side is unknown.
        """
        reader = self._reader(side, instruction, prompt)
        return self._stream(texts, reader, settings_of(**options))


class SparseTextEncoder(TextMethods[OneT_co, ManyT_co]):
    """Encodes texts; `top_k` can limit sparse results to the largest word weights."""

    @overload
    def encode_query(
        self,
        texts: str,
        *,
        instruction: str | None = None,
        prompt: str | None = None,
        top_k: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> OneT_co: ...
    @overload
    def encode_query(
        self,
        texts: Iterable[str],
        *,
        instruction: str | None = None,
        prompt: str | None = None,
        top_k: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> ManyT_co: ...
    def encode_query(
        self,
        texts: str | Iterable[str],
        *,
        instruction: str | None = None,
        prompt: str | None = None,
        top_k: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> OneT_co | ManyT_co:
        """Encode queries, each with the model's query prompt.

        Args:
            texts: one query or several.
            instruction: a description of the task, for models whose prompt takes one.
            prompt: the prompt of this call, in place of the model's own; ``""`` means none. It is
                not part of the fingerprint: documents and queries that meet must have the prompts
                that the model was trained with.
            top_k: how many of the largest word weights to keep; None keeps as many as the
                checkpoint says, usually all.
            options: see `EncodeOptions`; the limit on length is `max_length`, or the
                `query_length` of a ColBERT model.

        Returns:
            One result for one query, or one object with all results for several; the encoder's
            class documents their types and shapes.

        Raises:
            InstructionError: the prompt requires an instruction, or takes none.
            TextOverflowError: a text is too long and `on_overflow` is ``"error"``.
            NotFiniteError: the model returned NaN or infinity.
            ClosedEncoderError: the encoder has been closed.
            ForkedEncoderError: the process was forked after the model was loaded.
        """
        reader = self._reader("query", instruction, prompt)
        return self._encode(texts, reader, settings_of(**options), top_k)

    @overload
    def encode_document(
        self,
        texts: str,
        *,
        instruction: str | None = None,
        prompt: str | None = None,
        top_k: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> OneT_co: ...
    @overload
    def encode_document(
        self,
        texts: Iterable[str],
        *,
        instruction: str | None = None,
        prompt: str | None = None,
        top_k: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> ManyT_co: ...
    def encode_document(
        self,
        texts: str | Iterable[str],
        *,
        instruction: str | None = None,
        prompt: str | None = None,
        top_k: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> OneT_co | ManyT_co:
        """Encode documents, each with the model's document prompt.

        Arguments, results and errors are those of `encode_query`; the limit on length is
        `max_length`, or the `document_length` of a ColBERT model.
        """
        reader = self._reader("document", instruction, prompt)
        return self._encode(texts, reader, settings_of(**options), top_k)

    @overload
    def encode(
        self,
        texts: str,
        *,
        prompt: str | None = None,
        top_k: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> OneT_co: ...
    @overload
    def encode(
        self,
        texts: Iterable[str],
        *,
        prompt: str | None = None,
        top_k: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> ManyT_co: ...
    def encode(
        self,
        texts: str | Iterable[str],
        *,
        prompt: str | None = None,
        top_k: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> OneT_co | ManyT_co:
        """Encode texts that are neither queries nor documents, without a prompt.

        ColBERT models add no marker and no expansion; for retrieval, use the other two methods.

        Args:
            texts: one text or several.
            prompt: a prefix for every text; None means no prefix, or the default prompt of the
                few checkpoints that name one.
            top_k: see `encode_query`.
            options: see `EncodeOptions`.

        Returns:
            See `encode_query`.
        """
        return self._encode(
            texts, self._reader("text", prompt=prompt), settings_of(**options), top_k
        )

    def encode_stream(
        self,
        texts: Iterable[str],
        side: SideName = "document",
        *,
        instruction: str | None = None,
        prompt: str | None = None,
        top_k: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> Generator[ManyT_co, None, None]:
        """Encode texts as they come, in bounded memory.

        Args:
            texts: any number of texts, read at most 1,024 at a time.
            side: ``"query"``, ``"document"``, or ``"text"`` for neither.
            instruction: see `encode_query`.
            prompt: see `encode_query`.
            top_k: see `encode_query`.
            options: see `EncodeOptions`.

        Returns:
            A generator of results, each for several texts, in input order; `close` stops it.

        Raises:
            ValueError: the side is unknown.
        """
        reader = self._reader(side, instruction, prompt)
        return self._stream(texts, reader, settings_of(**options), top_k)
