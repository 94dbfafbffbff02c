"""Captioners: a text for each picture."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Unpack, overload

import numpy as np

from holotype.encoders.config import ModelConfig
from holotype.encoders.encoder import LoadedRecord
from holotype.encoders.inputs.images import Picture as Picture
from holotype.encoders.inputs.images import count_pictures, each_picture, is_one_picture
from holotype.encoders.inputs.pixels import PictureReader, pictures_at_once
from holotype.encoders.kinds.plan import CaptionerPlan
from holotype.encoders.options import EncodeOptions, EncodeSettings, settings_of
from holotype.encoders.running.captions import CaptionCollector, Writers, Written
from holotype.encoders.running.pipeline import Task, stream
from holotype.records import CaptionerModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """A caption of a picture.

    Attributes:
        text: the caption, beginning with the prompt.
        score: the geometric mean of the probabilities of its tokens, from 0 to 1.
        n_tokens: how many tokens it has, with the prompt and special tokens.
        version: the commit of the model that wrote it; None for a model without one.
    """

    text: str
    score: float
    n_tokens: int
    version: str | None


class Captioner(LoadedRecord[CaptionerModel, Writers]):
    """Writes captions for pictures, as the model's authors do; nothing is drawn at random.

    Safe to share between threads.

    Attributes:
        encoding: how pictures are read and captions are generated, from the record and the
            checkpoint.
    """

    def __init__(
        self,
        config: ModelConfig[CaptionerModel],
        plan: CaptionerPlan,
        towers: Writers,
        build: Callable[[ModelConfig[Any]], Writers],
    ) -> None:
        """Wrap a model that `holotype.encoders.load` has loaded."""
        super().__init__(config, plan, towers, build)
        self.encoding = plan.encoding
        self._pictures = PictureReader(plan.encoding.pixels)

    # A string is also an iterable of strings; the first overload that matches is the right one.
    @overload
    def caption(  # type: ignore[overload-overlap]
        self, pictures: Picture, **options: Unpack[EncodeOptions]
    ) -> Caption: ...
    @overload
    def caption(
        self, pictures: Iterable[Picture], **options: Unpack[EncodeOptions]
    ) -> list[Caption]: ...
    def caption(
        self, pictures: Picture | Iterable[Picture], **options: Unpack[EncodeOptions]
    ) -> Caption | list[Caption]:
        """Write captions.

        The prompt, the number of beams and the lengths are the record's; other ones are written as
        ``load(dataclasses.replace(record, num_beams=5))``.

        Args:
            pictures: one picture or several; see `ImageTextEncoder.encode_image`.
            options: see `EncodeOptions`; `batch_size` is how many captions are written at once.

        Returns:
            A caption for one picture, a list of them for several, in their order.

        Raises:
            ImageError: a picture cannot be read; the error has its index.
            TypeError: something is no picture.
            NotFiniteError: the model returned NaN or infinity.
            ClosedEncoderError: the encoder has been closed.
            ForkedEncoderError: the process was forked after the model was loaded.
        """
        windows = self._stream(pictures, settings_of(**options))
        found = [caption for window in windows for caption in window]
        return found[0] if is_one_picture(pictures) else found

    def caption_stream(
        self, pictures: Iterable[Picture], **options: Unpack[EncodeOptions]
    ) -> Generator[list[Caption], None, None]:
        """Write captions of pictures as they come, in bounded memory.

        Args:
            pictures: any number of pictures; a few dozen are read at a time.
            options: see `caption`.

        Returns:
            A generator of captions, several at a time, in input order; `close` stops it.

        Raises:
            ImageError: see `caption`.
        """
        return self._stream(pictures, settings_of(**options))

    def warm_up(self) -> None:
        """Write one caption, so that the first call is as fast as later ones."""
        self.caption(np.zeros((32, 32, 3), dtype=np.uint8))

    def _stream(
        self, pictures: Picture | Iterable[Picture], settings: EncodeSettings
    ) -> Generator[list[Caption], None, None]:
        task = Task(
            model_id=self._name,
            dtype=self.dtype,
            reader=self._pictures,
            collector=CaptionCollector,
            items_at_once=pictures_at_once(),
            unit="pictures",
        )
        networks = [towers.network for towers in self._towers_on(settings.devices)]
        n_items = count_pictures(pictures)
        for window in stream(networks, task, each_picture(pictures), settings, n_items=n_items):
            yield self._captions(window)

    def _captions(self, window: Sequence[Written]) -> list[Caption]:
        tokenizer = self._towers.tokenizer
        texts = tokenizer.decode([written.ids for written in window])
        return [
            Caption(
                text=text.strip(),
                score=float(np.exp(written.log_probability)),
                n_tokens=len(written.ids),
                version=self.record.revision,
            )
            for text, written in zip(texts, window, strict=True)
        ]

    def __repr__(self) -> str:
        """Show the settings that determine the captions, and the device."""
        options = ", ".join(f"{name}={value}" for name, value in self.encoding.options.items())
        return (
            f"Captioner({self.record.id!r}, pixels={self.encoding.pixels.shown!r}, "
            f"prompt={self.encoding.prompt!r}, {options}, device={self.device!r}, "
            f"dtype={self.dtype!r})"
        )
