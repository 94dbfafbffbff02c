"""How far an export is from the original weights, by what a model gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLoss:
    """How far the vectors of one text are from those of the original weights; see `VectorLoss`."""

    max_difference: float
    min_cosine: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorLoss:
    """How far vectors are from those of the original weights, in float32 on torch.

    Attributes:
        max_difference: the greatest absolute difference of any number of any vector; where a
            text's numbers exceed 1, as a share of the greatest of them.
        min_cosine: the smallest cosine of any vector with its original.
        texts: the same for each text that was compared, in order, and after the texts for each
            picture where the model reads pictures.
    """

    max_difference: float
    min_cosine: float
    texts: tuple[TextLoss, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextWordLoss:
    """How far the weights of one text's words are from the original ones; see `WordLoss`."""

    max_difference: float
    min_cosine: float
    min_words_kept: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WordLoss:
    """How far weights of words are from those of the original weights, in float32 on torch.

    Attributes:
        max_difference: the greatest absolute difference of any weight; where a text's weights
            exceed 1, as a share of the greatest of them.
        min_cosine: the smallest cosine of any sparse vector with its original.
        min_words_kept: of the heaviest words of a vector, 32 at most, the share that is still
            among them; the smallest of any vector.
        texts: the same for each text that was compared, in order.
    """

    max_difference: float
    min_cosine: float
    min_words_kept: float
    texts: tuple[TextWordLoss, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreLoss:
    """How far scores are from those of the original weights, in float32 on torch.

    Attributes:
        max_difference: the greatest absolute difference of any logit; where an input's logits
            exceed 1, as a share of the greatest of them.
        agreement: the share of decisions that stay as they were. Of models with one score these
            are the orders of any two documents for one query, of those with several the best
            label of every input, or, where it may have several, whether it has each.
        inputs: the greatest difference for each input that was compared, in order.
    """

    max_difference: float
    agreement: float
    inputs: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionLoss:
    """How far captions are from those of the original weights, in float32 on torch.

    Attributes:
        max_difference: the greatest difference of the score of a caption.
        words_kept: the share of the words of all captions that are where they were.
        pictures: the difference of the score for each picture that was compared, in order.
    """

    max_difference: float
    words_kept: float
    pictures: tuple[float, ...]


Loss: TypeAlias = VectorLoss | WordLoss | ScoreLoss | CaptionLoss
