"""The methods that encode texts, for every kind of model that returns vectors."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Unpack, overload

from holotype.encoders.options import EncodeOptions, SideName, settings_of
from holotype.encoders.text_methods import ManyT_co, OneT_co, TextMethods


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
