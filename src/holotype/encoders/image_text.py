"""Encoders of pictures and texts: vectors of both in one space."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from functools import partial
from typing import Any, TypeAlias, Unpack, cast, overload

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.config import ModelConfig
from holotype.encoders.encoder import Build, Encoder, shown_prompts
from holotype.encoders.inputs.images import Picture as Picture
from holotype.encoders.inputs.images import count_pictures, each_picture, is_one_picture
from holotype.encoders.inputs.pixels import PictureReader, pictures_at_once
from holotype.encoders.inputs.sides import readers_of
from holotype.encoders.kinds.plan import ImageTextPlan
from holotype.encoders.options import EncodeOptions, EncodeSettings, SideName, settings_of
from holotype.encoders.running.collecting import VectorCollector
from holotype.encoders.running.network import Towers
from holotype.encoders.running.pipeline import Task, stream
from holotype.encoders.running.scores import (
    LabelScore,
    activate,
    candidate_labels,
    hypotheses,
    rule_for_all,
)
from holotype.encoders.text_encoder import TextEncoder
from holotype.encoders.vectors.similarity import Vectors, all_pairs, as_vectors, pairwise
from holotype.errors import UnsupportedModelError
from holotype.records import AnyImageTextModel

Labels: TypeAlias = tuple[LabelScore, ...]


class ImageTextEncoder(Encoder[AnyImageTextModel], TextEncoder[Vectors, Vectors]):
    """Turns pictures and texts into vectors of one space, as the model's authors do.

    Safe to share between threads. Results are float32 NumPy arrays: ``[dim]`` for one picture or
    text, ``[n, dim]`` for several, in their order.

    Attributes:
        encoding: how pictures and texts are read, from the record and the checkpoint.
    """

    def __init__(
        self,
        config: ModelConfig[AnyImageTextModel],
        plan: ImageTextPlan,
        towers: Towers,
        build: Build,
    ) -> None:
        """Wrap a model that `holotype.encoders.load` has loaded.

        Raises:
            ValueError: the model's maximum length leaves no room for text.
        """
        super().__init__(config, plan, towers, build)
        self.encoding = plan.encoding
        self._readers = readers_of(plan, towers.query.tokenizer, towers.document.tokenizer)
        self._pictures = PictureReader(plan.encoding.pixels)
        self._labels: tuple[object, Vectors] | None = None

    @property
    def dim(self) -> int:
        """The dimensions of the vectors."""
        return self.config.dim or self.encoding.native_dim

    @property
    def max_length(self) -> int | None:
        """The longest text in tokens, with special tokens; None for no limit."""
        return self.encoding.max_length

    # A string is also an iterable of strings; the first overload that matches is the right one.
    @overload
    def encode_image(self, pictures: Picture, **options: Unpack[EncodeOptions]) -> Vectors: ...
    @overload
    def encode_image(
        self, pictures: Iterable[Picture], **options: Unpack[EncodeOptions]
    ) -> Vectors: ...
    def encode_image(
        self, pictures: Picture | Iterable[Picture], **options: Unpack[EncodeOptions]
    ) -> Vectors:
        """Encode pictures.

        A picture gives the same vector in whatever form it comes: it is turned as its EXIF data
        say, its transparent parts are laid on white, and of an animation the first frame counts,
        unless the record says otherwise.

        Args:
            pictures: one picture or several, each a path, the bytes of a file (PNG, JPEG, WebP or
                GIF), a data URI, a Pillow image, or a uint8 array ``[height, width]`` or
                ``[height, width, channels]``.
            options: see `EncodeOptions`.

        Returns:
            float32 ``[dim]`` for one picture, ``[n_pictures, dim]`` for several.

        Raises:
            ImageError: a picture cannot be read; the error has its index.
            TypeError: something is no picture.
            NotFiniteError: the model returned NaN or infinity.
            ClosedEncoderError: the encoder has been closed.
            ForkedEncoderError: the process was forked after the model was loaded.
        """
        windows = list(self._stream_pictures(pictures, settings_of(**options)))
        if is_one_picture(pictures):
            return cast(Vectors, windows[0][0])
        return np.concatenate([np.empty((0, self.dim), dtype=np.float32), *windows])

    def encode_image_stream(
        self, pictures: Iterable[Picture], **options: Unpack[EncodeOptions]
    ) -> Generator[Vectors, None, None]:
        """Encode pictures as they come, in bounded memory.

        Args:
            pictures: any number of pictures; a few dozen are read at a time.
            options: see `EncodeOptions`.

        Returns:
            A generator of vectors, each for several pictures, in input order; `close` stops it.

        Raises:
            ImageError: see `encode_image`.
        """
        return self._stream_pictures(pictures, settings_of(**options))

    def similarity(self, queries: NDArray[Any], documents: NDArray[Any]) -> Vectors:
        """Score every query against every document, with the model's own similarity function.

        Either side may be vectors of texts or of pictures. Models that were trained with a sigmoid
        give the probability that a picture and a text belong together.

        Args:
            queries: ``[n_queries, dim]``, or ``[dim]`` for one.
            documents: likewise for documents.

        Returns:
            float32 ``[n_queries, n_documents]``; higher is closer. Cosines range from -1 to 1,
            sigmoids from 0 to 1.
        """
        left, right = (_several(side) for side in (queries, documents))
        return self._scores(all_pairs(left, right, function=self._function))

    def similarity_pairwise(self, queries: NDArray[Any], documents: NDArray[Any]) -> Vectors:
        """Score each query against the document at the same position: float32 ``[n_queries]``.

        Raises:
            ValueError: the numbers of queries and documents differ.
        """
        left, right = (_several(side) for side in (queries, documents))
        return self._scores(pairwise(left, right, function=self._function))

    @property
    def _function(self) -> str:
        return "cosine" if self.encoding.similarity == "sigmoid" else self.encoding.similarity

    def _scores(self, found: Vectors) -> Vectors:
        if self.encoding.similarity != "sigmoid":
            return found
        return activate(self._logits(found), "sigmoid")

    def _logits(self, cosines: Vectors) -> Vectors:
        scale, bias = self.encoding.logit_scale, self.encoding.logit_bias
        if scale is None:
            raise UnsupportedModelError(
                self.record.id,
                "neither the catalogue nor the checkpoint says logit_scale, without which cosines "
                "are no scores of labels; load a record with it",
            )
        logits: Vectors = (cosines * np.float32(scale) + np.float32(bias or 0)).astype(np.float32)
        return logits

    @overload
    def classify_image(  # type: ignore[overload-overlap]
        self,
        pictures: Picture,
        labels: Sequence[str],
        *,
        template: str = "This is a photo of {}.",
        **options: Unpack[EncodeOptions],
    ) -> Labels: ...
    @overload
    def classify_image(
        self,
        pictures: Iterable[Picture],
        labels: Sequence[str],
        *,
        template: str = "This is a photo of {}.",
        **options: Unpack[EncodeOptions],
    ) -> list[Labels]: ...
    def classify_image(
        self,
        pictures: Picture | Iterable[Picture],
        labels: Sequence[str],
        *,
        template: str = "This is a photo of {}.",
        **options: Unpack[EncodeOptions],
    ) -> Labels | list[Labels]:
        """Score labels of your own choice for pictures.

        The vectors of the labels are kept for the next call, which often has the same ones.

        Args:
            pictures: one picture or several; see `encode_image`.
            labels: the candidate labels.
            template: a text that describes a picture with a label, with ``{}`` for the label.
            options: see `EncodeOptions`.

        Returns:
            All labels with their scores, best first, for one picture; a list of these for several.
            The scores of a picture sum to 1, but for models that were trained with a sigmoid: there
            each is the probability that the label applies.

        Raises:
            ImageError: see `encode_image`.
            TextOverflowError: a label is too long and `on_overflow` is ``"error"``.
            TypeError: a label or the template is not a string, or the labels have no order.
            UnsupportedModelError: the scale of the scores is unknown.
            ValueError: the labels are not distinct, or the template has no place for them.
        """
        candidates = candidate_labels(labels)
        texts = self._encode_labels(hypotheses(template, candidates), options)
        single = is_one_picture(pictures)
        found = self.encode_image(pictures, **options)
        cosines = all_pairs(np.atleast_2d(found), texts, function="cosine")
        logits = self._logits(cosines)
        softmax = self.encoding.similarity != "sigmoid"
        scores = activate(logits, "softmax" if softmax else "sigmoid")
        rule = rule_for_all(candidates)
        rows = [rule.apply(*row) for row in zip(scores, logits, strict=True)]
        return rows[0] if single else rows

    def _encode_labels(self, texts: Sequence[str], options: EncodeOptions) -> Vectors:
        asked = tuple(texts), settings_of(**options)
        known = self._labels
        if known is None or known[0] != asked:
            known = self._labels = asked, self.encode(texts, **options)
        return known[1]

    def warm_up(self) -> None:
        """Run both networks once, so that the first call is as fast as later ones."""
        super().warm_up()
        self.encode_image(np.zeros((32, 32, 3), dtype=np.uint8))

    def _stream_pictures(
        self, pictures: Picture | Iterable[Picture], settings: EncodeSettings
    ) -> Generator[Vectors, None, None]:
        task = Task(
            model_id=self._name,
            dtype=self.dtype,
            reader=self._pictures,
            collector=partial(VectorCollector, width=self.dim),
            items_at_once=pictures_at_once(),
            unit="pictures",
        )
        networks = self._picture_networks(settings.devices)
        items = each_picture(pictures)
        return stream(networks, task, items, settings, n_items=count_pictures(pictures))

    def _collector(self, side: SideName, top_k: int | None, n_texts: int) -> VectorCollector:
        return VectorCollector(n_texts, self.dim)

    def _concatenate(self, windows: Sequence[Vectors]) -> Vectors:
        return np.concatenate(windows)

    def __repr__(self) -> str:
        """Show the settings that determine the vectors, and the device."""
        pixels = self.encoding.pixels
        encoding = self.encoding
        prompts = shown_prompts(
            encoding.query_prompt, encoding.document_prompt, encoding.default_prompt
        )
        return (
            f"ImageTextEncoder({self.record.id!r}, dim={self.dim}, pixels={pixels.shown!r}, "
            f"normalized={self.encoding.normalized}, similarity={self.encoding.similarity!r}, "
            f"{prompts}, max_length={self.max_length}, padded_length={self.encoding.padded_length}, "
            f"device={self.device!r}, dtype={self.dtype!r})"
        )


def _several(vectors: NDArray[Any]) -> Vectors:
    with np.errstate(over="ignore"):
        return as_vectors(vectors).astype(np.float32, copy=False)
