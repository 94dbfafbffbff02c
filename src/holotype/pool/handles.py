"""What callers hold: a model of the pool by its name, with the methods of its kind.

A handle never goes stale. Each call takes a lease on what serves at that moment, so that a handle
outlives swaps, evictions and changes of the deployment.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Self, TypeVar, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.classifier import Labels
from holotype.encoders.colbert import ColbertEncoder
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.options import EncodeOptions, SideName
from holotype.encoders.sparse import SparseEncoder
from holotype.encoders.vectors.ragged import Ragged
from holotype.encoders.vectors.similarity import Vectors
from holotype.encoders.vectors.sparse import SparseVector, SparseVectors
from holotype.errors import InvalidArgumentError
from holotype.pool.arguments import check_flag, check_route, check_timeout
from holotype.pool.calling import Answer
from holotype.pool.errors import WrongKindOfModelError
from holotype.pool.generation import Facts, Lease, ModelKind

if TYPE_CHECKING:
    # They need Pillow, and a pool of models for texts does not. Ruff does not look into the quotes
    # of a base class.
    from holotype.encoders.captioner import Caption, Captioner  # noqa: F401
    from holotype.encoders.image_text import ImageTextEncoder, Picture  # noqa: F401
    from holotype.pool.pool import Pool

EncoderT = TypeVar("EncoderT")
OneT = TypeVar("OneT")
ManyT = TypeVar("ManyT")


def refuse_copies(whole: object) -> NoReturn:
    """Say why a pool, or a handle of one, cannot go to another process.

    Raises:
        InvalidArgumentError: always.
    """
    raise InvalidArgumentError(
        f"{whole!r} cannot be pickled or copied: a pool lives in one process, with its threads and "
        "what it has loaded. Make a pool in each process, or pass the encoders that load() returns, "
        "which can be pickled"
    )


class Handle(Generic[EncoderT]):
    """A model by its name.

    Attributes:
        name: the name.
    """

    kind: ModelKind

    def __init__(
        self,
        pool: Pool,
        name: str,
        *,
        key: str | None = None,
        variant: str | None = None,
        timeout_s: float | None = None,
        batched: bool = False,
    ) -> None:
        """Hold a name; nothing is loaded by that."""
        check_route(key, variant)
        check_flag("batched", batched)
        self.name = name
        self._pool = pool
        self._key = key
        self._variant = variant
        self._timeout_s = check_timeout(timeout_s)
        self._batched = batched

    def with_options(
        self,
        *,
        key: str | None = None,
        variant: str | None = None,
        timeout_s: float | None = None,
        batched: bool | None = None,
    ) -> Self:
        """Return a handle of the same name that calls in another way.

        Args:
            key: keeps this caller on one variant, as long as the weights stay.
            variant: calls this variant, whatever the weights.
            timeout_s: how long to wait for a load, and in the queue of a batch, in seconds;
                infinity waits for the end, whatever the deployment says.
            batched: whether what this caller passes may run in one batch with that of others.

        Raises:
            InvalidArgumentError: one is of another type, or no time that can be waited for.
        """
        return type(self)(
            self._pool,
            self.name,
            key=self._key if key is None else key,
            variant=self._variant if variant is None else variant,
            timeout_s=self._timeout_s if timeout_s is None else timeout_s,
            batched=self._batched if batched is None else batched,
        )

    def lease(self) -> Lease[EncoderT]:
        """Return a lease on the model that serves now, to call it directly.

        No fallback answers, and nothing is counted.

        Raises:
            WrongKindOfModelError: the model is of another kind than the handle.
            PoolError: it cannot be loaded.
        """
        lease = self._pool.acquire(
            self.name, key=self._key, variant=self._variant, timeout_s=self._timeout_s
        )
        if lease.version.kind != self.kind:
            lease.end()
            raise WrongKindOfModelError(
                self.name,
                f"is a model of the kind {lease.version.kind!r}, and this handle is for "
                f"{self.kind!r}; ask the pool for one of its kind",
            )
        return lease

    @property
    def fingerprint(self) -> str | None:
        """The fingerprint of what serves now; it is loaded if nothing is."""
        return self._facts.fingerprint

    @property
    def _facts(self) -> Facts:
        with self.lease() as lease:
            return lease.generation.facts

    def call(self, method: str, *args: Any, **options: Any) -> Answer[Any]:
        """Call a method by its name; the answer says which version gave it."""
        return self._pool.call(
            self.name,
            method,
            *args,
            key=self._key,
            variant=self._variant,
            timeout_s=self._timeout_s,
            batched=self._batched,
            kind=self.kind,
            **options,
        )

    def __copy__(self) -> Self:
        """Return another handle of the same name."""
        return self.with_options()

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or deeply copied.

        Raises:
            InvalidArgumentError: always.
        """
        refuse_copies(self)

    def __repr__(self) -> str:
        """Show the name."""
        return f"{type(self).__name__}({self.name!r})"


class TextHandle(Handle[EncoderT], Generic[EncoderT, OneT, ManyT]):
    """A model that returns a `OneT` for one text, and a `ManyT` for several."""

    @overload
    def encode_query(
        self, texts: str, *, instruction: str | None = None, **options: Unpack[EncodeOptions]
    ) -> OneT: ...
    @overload
    def encode_query(
        self,
        texts: Iterable[str],
        *,
        instruction: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> ManyT: ...
    def encode_query(
        self,
        texts: str | Iterable[str],
        *,
        instruction: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> OneT | ManyT:
        """Encode queries; see `TextEncoder.encode_query`.

        Raises:
            PoolError: the model cannot be loaded or called.
            HolotypeError: see `TextEncoder.encode_query`.
        """
        found: OneT | ManyT = self.call(
            "encode_query", kept(texts), instruction=instruction, **options
        ).value
        return found

    @overload
    def encode_document(
        self, texts: str, *, instruction: str | None = None, **options: Unpack[EncodeOptions]
    ) -> OneT: ...
    @overload
    def encode_document(
        self,
        texts: Iterable[str],
        *,
        instruction: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> ManyT: ...
    def encode_document(
        self,
        texts: str | Iterable[str],
        *,
        instruction: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> OneT | ManyT:
        """Encode documents; see `TextEncoder.encode_document`, and `encode_query` for errors."""
        found: OneT | ManyT = self.call(
            "encode_document", kept(texts), instruction=instruction, **options
        ).value
        return found

    @overload
    def encode(
        self, texts: str, *, prompt: str | None = None, **options: Unpack[EncodeOptions]
    ) -> OneT: ...
    @overload
    def encode(
        self, texts: Iterable[str], *, prompt: str | None = None, **options: Unpack[EncodeOptions]
    ) -> ManyT: ...
    def encode(
        self,
        texts: str | Iterable[str],
        *,
        prompt: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> OneT | ManyT:
        """Encode texts that are neither; see `TextEncoder.encode`, for errors `encode_query`."""
        found: OneT | ManyT = self.call("encode", kept(texts), prompt=prompt, **options).value
        return found

    def encode_stream(
        self,
        texts: Iterable[str],
        side: SideName = "document",
        *,
        instruction: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> Generator[ManyT, None, None]:
        """Encode texts as they come, all by one version; see `TextEncoder.encode_stream`.

        The model stays loaded until the generator ends or is closed. No fallback answers.
        """
        with self.lease() as lease:
            model: Any = lease.model
            yield from model.encode_stream(texts, side, instruction=instruction, **options)

    @overload
    def count_tokens(self, texts: str, *, prompt: str = "") -> int: ...  # type: ignore[overload-overlap]
    @overload
    def count_tokens(self, texts: Iterable[str], *, prompt: str = "") -> NDArray[np.int64]: ...
    def count_tokens(
        self, texts: str | Iterable[str], *, prompt: str = ""
    ) -> int | NDArray[np.int64]:
        """Count tokens; see `Encoder.count_tokens`."""
        with self.lease() as lease:
            model: Any = lease.model
            found: int | NDArray[np.int64] = model.count_tokens(texts, prompt=prompt)
            return found

    @property
    def dim(self) -> int | None:
        """The dimensions of the vectors of what serves now; None if it does not say."""
        return self._facts.dim

    @property
    def max_length(self) -> int | None:
        """The longest text that it reads, in tokens; None for no limit."""
        return self._facts.max_length

    def similarity(self, queries: Any, documents: Any) -> Vectors:
        """Score every query against every document: float32 ``[n_queries, n_documents]``."""
        with self.lease() as lease:
            model: Any = lease.model
            scores: Vectors = model.similarity(queries, documents)
            return scores


class DenseHandle(TextHandle[DenseEncoder, Vectors, Vectors]):
    """A dense model; see `DenseEncoder`."""

    kind = "dense"


class ColbertHandle(TextHandle[ColbertEncoder, Vectors, Ragged[np.float32]]):
    """A ColBERT model; see `ColbertEncoder`."""

    kind = "colbert"

    @overload
    def encode_image(  # type: ignore[overload-overlap]
        self, pictures: Picture, **options: Unpack[EncodeOptions]
    ) -> Vectors: ...
    @overload
    def encode_image(
        self, pictures: Iterable[Picture], **options: Unpack[EncodeOptions]
    ) -> Ragged[np.float32]: ...
    def encode_image(
        self, pictures: Picture | Iterable[Picture], **options: Unpack[EncodeOptions]
    ) -> Vectors | Ragged[np.float32]:
        """Encode pages; see `ColbertEncoder.encode_image`, and `encode_query` for errors."""
        found: Vectors | Ragged[np.float32] = self.call(
            "encode_image", kept(pictures), **options
        ).value
        return found


class SparseHandle(TextHandle[SparseEncoder, SparseVector, SparseVectors]):
    """A sparse model; see `SparseEncoder`. For `top_k`, call the encoder of a `lease`."""

    kind = "sparse"


class ImageTextHandle(TextHandle["ImageTextEncoder", Vectors, Vectors]):
    """A model for pictures and texts; see `ImageTextEncoder`."""

    kind = "image-text"

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
        """Encode pictures; see `ImageTextEncoder.encode_image`, and `encode_query` for errors."""
        found: Vectors = self.call("encode_image", kept(pictures), **options).value
        return found

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
        """Score labels of your own choice; see `ImageTextEncoder.classify_image`."""
        found: Labels | list[Labels] = self.call(
            "classify_image", kept(pictures), labels, template=template, **options
        ).value
        return found


class CaptionerHandle(Handle["Captioner"]):
    """A model that writes captions; see `Captioner`."""

    kind = "captioner"

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
        """Write captions; see `Captioner.caption`.

        Raises:
            PoolError: the model cannot be loaded or called.
            HolotypeError: see `Captioner.caption`.
        """
        found: Caption | list[Caption] = self.call("caption", kept(pictures), **options).value
        return found


def kept(texts: Any) -> Any:
    """Return texts or pictures that can be read twice: a fallback reads them again."""
    as_they_are = (str, bytes, Sequence, np.ndarray)
    if isinstance(texts, as_they_are) or not isinstance(texts, Iterable):
        return texts
    return list(texts)
