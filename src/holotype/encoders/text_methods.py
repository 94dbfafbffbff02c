"""How texts are encoded: what encoders share whose methods take a `top_k`, or take none."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Generic, Protocol, Self, TypeVar, cast

from holotype.encoders.arguments import as_count, as_text
from holotype.encoders.inputs.items import check_text, count_items, each_text
from holotype.encoders.inputs.lengths import Lengths, lengths_of
from holotype.encoders.inputs.rows import Reader
from holotype.encoders.inputs.sides import Side
from holotype.encoders.options import EncodeSettings, SideName, TextSide, check_side
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
