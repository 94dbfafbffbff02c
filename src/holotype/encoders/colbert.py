"""ColBERT encoders: one vector for every token, compared by MaxSim."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.config import ModelConfig
from holotype.encoders.encoder import Build, Encoder
from holotype.encoders.inputs.items import require_several
from holotype.encoders.inputs.sides import readers_of
from holotype.encoders.kinds.colbert import Side
from holotype.encoders.kinds.plan import ColbertPlan
from holotype.encoders.options import EncodeOptions, EncodeSettings, SideName, settings_of
from holotype.encoders.running.network import Towers
from holotype.encoders.running.pipeline import Task, stream
from holotype.encoders.text_encoder import TextEncoder
from holotype.encoders.text_methods import SideReader
from holotype.encoders.vectors.quantization import Calibration, dequantize
from holotype.encoders.vectors.ragged import Ragged
from holotype.encoders.vectors.similarity import (
    as_array,
    maxsim,
    maxsim_pairwise,
    refuse_texts,
)
from holotype.encoders.vectors.token_pooling import import_clustering, merge_tokens
from holotype.errors import UnsupportedInputError
from holotype.records import AnyColbertModel

if TYPE_CHECKING:
    from holotype.encoders.inputs.images import Picture

TokenVectors: TypeAlias = NDArray[np.float32]
ManyTokenVectors: TypeAlias = Ragged[Any] | Sequence[NDArray[Any]] | NDArray[Any]


class ColbertEncoder(Encoder[AnyColbertModel], TextEncoder[TokenVectors, Ragged[np.float32]]):
    """Turns texts into vectors, one for every token, as the model's authors do.

    Safe to share between threads. Results are float32 NumPy arrays ``[n_tokens, dim]``, one for
    each text, in the order of the texts; a `Ragged` holds those of several texts end to end.
    Expanded queries all have the same number of tokens; documents and plain texts leave out the
    tokens of the skiplist.

    Attributes:
        encoding: markers, lengths and the other settings from the record and the checkpoint.
    """

    def __init__(
        self, config: ModelConfig[AnyColbertModel], plan: ColbertPlan, towers: Towers, build: Build
    ) -> None:
        """Wrap a model that `holotype.encoders.load` has loaded.

        Raises:
            CheckpointError: a marker is not a token of the checkpoint.
            ValueError: a maximum length leaves no room for text.
            MissingExtraError: the checkpoint merges tokens and scipy is not installed.
        """
        if plan.encoding.token_pooling is not None:
            import_clustering("a model that merges its tokens")
        super().__init__(config, plan, towers, build)
        self.encoding = plan.encoding
        self._readers = readers_of(plan, towers.query.tokenizer, towers.document.tokenizer)

    # A string is also an iterable of strings; the first overload that matches is the right one.
    @overload
    def encode_image(  # type: ignore[overload-overlap]
        self, pictures: Picture, **options: Unpack[EncodeOptions]
    ) -> TokenVectors: ...
    @overload
    def encode_image(
        self, pictures: Iterable[Picture], **options: Unpack[EncodeOptions]
    ) -> Ragged[np.float32]: ...
    def encode_image(
        self, pictures: Picture | Iterable[Picture], **options: Unpack[EncodeOptions]
    ) -> TokenVectors | Ragged[np.float32]:
        """Encode pictures, such as pages, as documents; only some models read pictures.

        Args:
            pictures: one picture or several; see `ImageTextEncoder.encode_image`.
            options: see `EncodeOptions`.

        Returns:
            float32 ``[n_tokens, dim]`` for one picture, a `Ragged` of these for several.

        Raises:
            UnsupportedInputError: the model reads texts only.
            ImageError: a picture cannot be read; the error has its index.
            MissingExtraError: Pillow is not installed.
        """
        from holotype.encoders.inputs.images import is_one_picture

        windows = list(self._stream_pictures(pictures, settings_of(**options)))
        if is_one_picture(pictures):
            return windows[0][0]
        return Ragged.concatenate(windows or [self._collector("document", None, 0).result()])

    def encode_image_stream(
        self, pictures: Iterable[Picture], **options: Unpack[EncodeOptions]
    ) -> Generator[Ragged[np.float32], None, None]:
        """Encode pictures as they come, in bounded memory.

        Args:
            pictures: any number of pictures; a few dozen are read at a time.
            options: see `EncodeOptions`.

        Returns:
            A generator of `Ragged`, each for several pictures, in input order; `close` stops it.

        Raises:
            UnsupportedInputError: the model reads texts only.
            ImageError: see `encode_image`.
        """
        return self._stream_pictures(pictures, settings_of(**options))

    def _stream_pictures(
        self, pictures: Picture | Iterable[Picture], settings: EncodeSettings
    ) -> Generator[Ragged[np.float32], None, None]:
        own = self.encoding.pictures
        if own is None:
            raise UnsupportedInputError(
                self._name,
                "it reads texts only; select(modality='image') gives models for pictures",
            )
        # Models of texts need no Pillow.
        from holotype.encoders.inputs.images import count_pictures, each_picture
        from holotype.encoders.inputs.pixels import PictureReader, pictures_at_once

        task = Task(
            model_id=self._name,
            dtype=self.dtype,
            reader=PictureReader(own.pixels),
            collector=partial(self._collector, "document", None),
            items_at_once=pictures_at_once(),
            unit="pictures",
        )
        networks = self._picture_networks(settings.devices)
        items = each_picture(pictures)
        return stream(networks, task, items, settings, n_items=count_pictures(pictures))

    def _reader(
        self, side: SideName, instruction: str | None = None, prompt: str | None = None
    ) -> SideReader:
        if self.encoding.pictures is not None and side != "query":
            raise UnsupportedInputError(
                self._name,
                "its documents are pictures; call encode_image(), and encode_query() for texts",
            )
        return super()._reader(side, instruction, prompt)

    @property
    def dim(self) -> int:
        """The dimensions of the vectors."""
        return self.config.dim or self.encoding.native_dim

    @property
    def query_length(self) -> int | None:
        """The longest query in tokens, with special tokens and marker; None for no limit."""
        return self.encoding.query.max_length

    @property
    def document_length(self) -> int | None:
        """The longest document in tokens, with special tokens and marker; None for no limit."""
        return self.encoding.document.max_length

    @property
    def max_length(self) -> int | None:
        """The longest text, in tokens, that the transformer reads; None for no limit."""
        return self.encoding.plain.max_length

    def similarity(
        self,
        queries: ManyTokenVectors,
        documents: ManyTokenVectors,
        *,
        calibration: Calibration | None = None,
    ) -> TokenVectors:
        """Score every query against every document by MaxSim.

        Args:
            queries: the result of `encode_query`, or a sequence of arrays ``[n_tokens, dim]``;
                quantised ones are dequantised first, see `dequantize`.
            documents: likewise for documents.
            calibration: the ranges for int8 and uint8.

        Returns:
            float32 ``[n_queries, n_documents]``; higher is closer. Scores sum over a query's
            tokens, so scores of different queries are not comparable.
        """
        left, right = (self._floats(side, calibration) for side in (queries, documents))
        return maxsim(left, right)

    def similarity_pairwise(
        self,
        queries: ManyTokenVectors,
        documents: ManyTokenVectors,
        *,
        calibration: Calibration | None = None,
    ) -> TokenVectors:
        """Score each query against the document at the same position: float32 ``[n_queries]``.

        Arguments are those of `similarity`.

        Raises:
            ValueError: the numbers of queries and documents differ.
        """
        left, right = (self._floats(side, calibration) for side in (queries, documents))
        return maxsim_pairwise(left, right)

    def _floats(
        self, vectors: ManyTokenVectors, calibration: Calibration | None
    ) -> Ragged[np.float32]:
        refuse_texts(vectors)
        if isinstance(vectors, np.ndarray) and vectors.ndim == 2:
            vectors = [vectors]
        several = vectors
        if not isinstance(several, Ragged):
            arrays = map(as_array, require_several(several, "vectors"))
            several = Ragged.from_arrays(arrays, dim=self.dim)
        values = dequantize(several.values, dim=self.dim, calibration=calibration)
        return several.with_values(values)

    def _collector(self, side: SideName, top_k: int | None, n_texts: int) -> _TokenCollector:
        return _TokenCollector(self, side, n_texts)

    def _concatenate(self, windows: Sequence[Ragged[np.float32]]) -> Ragged[np.float32]:
        return Ragged.concatenate(windows)

    def __repr__(self) -> str:
        """Show the settings that determine the vectors, and the device."""
        expansion = self.encoding.expansion
        return (
            f"ColbertEncoder({self.record.id!r}, dim={self.dim}, "
            f"query_length={self.query_length}, document_length={self.document_length}, "
            f"query_prompt={self._shown('query')!r}, "
            f"document_prompt={self._shown('document')!r}, {self._shown_default()}"
            f"query_expansion={expansion.length if expansion else None}, "
            f"normalized={self.encoding.normalized}, device={self.device!r}, dtype={self.dtype!r})"
        )

    def _shown(self, side: Literal["query", "document"]) -> str:
        """Return the prompt of a side without the space after its marker."""
        own: Side = getattr(self.encoding, side)
        return own.prompt.text.removeprefix(" ") if own.marker is not None else own.prompt.text

    def _shown_default(self) -> str:
        """Return the prompt of texts that are neither, which few models have."""
        default = self.encoding.plain.prompt.text
        return f"default_prompt={default!r}, " if default else ""


class _TokenCollector:
    """Collects the vectors of the tokens that count, and merges them if the checkpoint says so."""

    def __init__(self, encoder: ColbertEncoder, side: SideName, n_texts: int) -> None:
        """Allocate room for the texts of a window."""
        self._encoder = encoder
        self._side = side
        self._width = encoder.encoding.network_dim(encoder.config.dim)
        self._texts = [np.empty((0, self._width), dtype=np.float32)] * n_texts

    def add(
        self, positions: Sequence[int], found: NDArray[np.float32], counted: NDArray[np.bool_]
    ) -> None:
        """Add the vectors of a batch, ``[n_rows, n_tokens, width]``; see `Collector.add`."""
        for position, vectors, mask in zip(positions, found, counted, strict=True):
            self._texts[position] = vectors[mask]

    def first_not_finite(self) -> int | None:
        """Return the position of the first text with NaN or infinity."""
        wrong = (at for at, vectors in enumerate(self._texts) if not np.isfinite(vectors).all())
        return next(wrong, None)

    def result(self) -> Ragged[np.float32]:
        """Return the vectors of all texts."""
        encoding = self._encoder.encoding
        vectors = Ragged.from_arrays(self._texts, dim=self._width)
        if encoding.token_pooling is None:
            return vectors
        return merge_tokens(
            vectors,
            encoding.token_pooling,
            side=self._side,
            dim=self._encoder.dim,
            normalized=encoding.normalized,
        )
