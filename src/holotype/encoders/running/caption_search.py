"""The search for captions where no library has one: greedy, or several beams at once.

It is the search of transformers' `generate` without sampling: the same tokens are chosen by the
same scores. Every picture is searched on its own, so that its caption does not depend on what it
is written with; those that are done leave the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.running.captions import Written, n_until_end

# What a caption scores that must not be chosen; a finite number, so that beams keep an order.
_NEVER = np.float32(-1e9)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRules:
    """How captions are chosen; lengths are in tokens, with those that a caption begins with.

    Attributes:
        stops: the tokens at which writing stops.
        ends: the tokens at which a caption ends; nothing after one is kept.
        max_length: how long it is at most.
        min_length: how long it is at least.
        num_beams: how many captions of a picture are followed at once.
        length_penalty: the power of the length by which the score of a beam is divided.
        repetition_penalty: what the scores of tokens are divided by that have occurred.
        early_stopping: whether a picture is done once it has `num_beams` captions; ``"never"``
            goes on until no other one can be better.
    """

    stops: frozenset[int]
    ends: frozenset[int]
    max_length: int
    min_length: int = 0
    num_beams: int = 1
    length_penalty: float = 1.0
    repetition_penalty: float = 1.0
    early_stopping: bool | Literal["never"] = False


class NextTokens(Protocol):
    """Scores what may follow."""

    def __call__(
        self, ids: NDArray[np.int64], rows: NDArray[np.int64] | None
    ) -> NDArray[np.float32]:
        """Return the logits of the next token: float32 ``[n_rows, vocab_size]``.

        Args:
            ids: the tokens that have come since the call before: ``[n_rows, n_tokens]``.
            rows: which row of the call before each row continues; None in the first call.
        """
        ...


def write_captions(
    next_tokens: NextTokens,
    *,
    fed: Sequence[int],
    begin: Sequence[int],
    n_pictures: int,
    rules: SearchRules,
) -> list[Written]:
    """Write the captions of a batch of pictures.

    Args:
        next_tokens: the network; its rows are `num_beams` for each picture.
        fed: the tokens that it reads first.
        begin: the tokens that captions begin with, of which the last are those fed.
        n_pictures: how many pictures there are.
        rules: how captions are chosen.
    """
    pictures: list[_Greedy | _Beams] = [
        (_Greedy if rules.num_beams == 1 else _Beams)(begin, rules) for _ in range(n_pictures)
    ]
    n_rows = n_pictures * rules.num_beams
    found = next_tokens(np.tile(np.asarray(fed, dtype=np.int64), (n_rows, 1)), None)
    open_ones = list(pictures)
    while True:
        going, parents, last = [], list[NDArray[np.int64]](), list[NDArray[np.int64]]()
        for at, picture in enumerate(open_ones):
            first = at * rules.num_beams
            rows, tokens = picture.advance(found[first : first + rules.num_beams])
            if not picture.done:
                going.append(picture)
                parents.append(rows + first)
                last.append(tokens)
        if not going:
            return [picture.written() for picture in pictures]
        open_ones = going
        found = next_tokens(np.concatenate(last)[:, None], np.concatenate(parents))


class _Greedy:
    """The caption of a picture of which the likeliest token is taken each time."""

    def __init__(self, begin: Sequence[int], rules: SearchRules) -> None:
        self.done = False
        self._rules = rules
        self._n_begin = len(begin)
        self._ids = list(begin)
        self._logs: list[float] = []

    def advance(self, logits: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Take a token, and return which row goes on with which token."""
        scores = _with_penalties(logits[0], self._ids, self._rules)
        token = int(scores.argmax())
        self._logs.append(float(_log_softmax(logits)[0, token]))
        self._ids.append(token)
        self.done = token in self._rules.stops or len(self._ids) >= self._rules.max_length
        return np.zeros(1, dtype=np.int64), np.full(1, token, dtype=np.int64)

    def written(self) -> Written:
        return _written(self._ids, self._logs, self._n_begin, self._rules)


@dataclass(frozen=True, slots=True)
class _Beam:
    """A caption that is being written, or is finished.

    Attributes:
        score: the sum of the logarithms by which it was chosen; of a finished one, divided.
        ids: its tokens.
        logs: the logarithms of the probabilities of those that were written.
    """

    score: np.float32
    ids: tuple[int, ...]
    logs: tuple[float, ...]


class _Beams:
    """The captions of a picture that are followed at once, and the best that are finished."""

    def __init__(self, begin: Sequence[int], rules: SearchRules) -> None:
        self.done = False
        self._rules = rules
        self._n_begin = len(begin)
        # All begin alike; only the first may be continued, or they would stay alike.
        scores = [np.float32(0), *[_NEVER] * (rules.num_beams - 1)]
        self._running = [_Beam(score, tuple(begin), ()) for score in scores]
        self._finished: list[_Beam] = []

    def advance(self, logits: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Choose the beams that go on, and return which row each continues with which token."""
        rules = self._rules
        logs = _log_softmax(logits)
        scores = np.stack(
            [
                _with_penalties(row, beam.ids, rules) + beam.score
                for row, beam in zip(logs, self._running, strict=True)
            ]
        )
        # Enough that as many go on, though each of the best should end.
        n_kept = min(max(2, 1 + len(rules.stops)) * rules.num_beams, scores.size)
        chosen = _best(scores.reshape(-1), n_kept)
        rows, tokens = np.divmod(chosen, scores.shape[1])
        candidates = [
            _Beam(
                np.float32(scores[row, token]),
                (*self._running[row].ids, int(token)),
                (*self._running[row].logs, float(logs[row, token])),
            )
            for row, token in zip(rows, tokens, strict=True)
        ]
        length = len(candidates[0].ids)
        ends = np.array(
            [beam.ids[-1] in rules.stops or length >= rules.max_length for beam in candidates]
        )
        # What is not among the best of all is no caption, even where it ends.
        best = candidates[: rules.num_beams]
        self._finish([beam for beam, end in zip(best, ends, strict=False) if end], length)
        running = np.array([beam.score for beam in candidates], dtype=np.float32)
        running[ends] += _NEVER
        following = _best(running, rules.num_beams)
        self._running = [
            _Beam(np.float32(running[at]), candidates[at].ids, candidates[at].logs)
            for at in following
        ]
        full = len(self._finished) == rules.num_beams
        self.done = bool(
            ends.all() or (rules.early_stopping is True and full) or not self._may_improve(length)
        )
        return rows[following], tokens[following]

    def written(self) -> Written:
        best = self._finished[0]
        return _written(best.ids, best.logs, self._n_begin, self._rules)

    def _finish(self, ended: Sequence[_Beam], length: int) -> None:
        """Keep the best of the captions that are finished, each by its score for its length."""
        divisor = np.float32((length - self._n_begin) ** self._rules.length_penalty)
        scored = [_Beam(beam.score / divisor, beam.ids, beam.logs) for beam in ended]
        both = sorted([*self._finished, *scored], key=lambda beam: -beam.score)
        self._finished = both[: self._rules.num_beams]

    def _may_improve(self, length: int) -> bool:
        """Return whether a beam may become better than the worst caption that is kept."""
        rules = self._rules
        if len(self._finished) < rules.num_beams:
            return True
        most = length
        if rules.early_stopping == "never" and rules.length_penalty > 0:
            most = rules.max_length
        divisor = np.float32((most - self._n_begin) ** rules.length_penalty)
        return bool(self._running[0].score / divisor > self._finished[-1].score)


def _with_penalties(
    scores: NDArray[np.float32], ids: Sequence[int], rules: SearchRules
) -> NDArray[np.float32]:
    """Return the scores of the next token after those of a caption."""
    changed = scores.copy()
    if rules.repetition_penalty != 1:
        used = np.unique(np.asarray(ids, dtype=np.int64))
        before = scores[used]
        penalty = np.float32(rules.repetition_penalty)
        changed[used] = np.where(before < 0, before * penalty, before / penalty)
    if len(ids) < rules.min_length:
        changed[sorted(rules.stops)] = -np.inf
    return changed


def _best(scores: NDArray[np.float32], n: int) -> NDArray[np.int64]:
    """Return the positions of the greatest scores, greatest first."""
    if n < scores.size:
        chosen = np.sort(np.argpartition(-scores, n - 1)[:n])
    else:
        chosen = np.arange(scores.size)
    order: NDArray[np.int64] = chosen[np.argsort(-scores[chosen], kind="stable")]
    return order


def _log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    sums = np.exp(shifted).sum(axis=-1, keepdims=True)
    found: NDArray[np.float32] = shifted - np.log(sums)
    return found


def _written(
    ids: Sequence[int], logs: Sequence[float], n_begin: int, rules: SearchRules
) -> Written:
    n_kept = n_until_end(ids[n_begin:], rules.ends)
    mean = sum(logs[:n_kept]) / n_kept if n_kept else 0.0
    return Written(ids=tuple(ids[: n_begin + n_kept]), log_probability=mean)
