"""The search for captions: the tokens and the probabilities of transformers' `generate`."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import GPT2Config, GPT2LMHeadModel

from holotype.encoders.running.caption_search import SearchRules, write_captions
from holotype.encoders.running.captions import n_until_end

N_WORDS, END, N_BEGIN = 23, 5, 3
BEGINS = [[7, 8, 9], [1, 2, 3], [4, 4, 4], [20, 6, 11], [0, 14, 22]]


@pytest.fixture(scope="module")
def model() -> Any:
    """A small language model whose next token depends on all before."""
    torch.manual_seed(3)
    config = GPT2Config(
        vocab_size=N_WORDS, n_positions=64, n_embd=16, n_layer=2, n_head=2, bos_token_id=0
    )
    make: Any = GPT2LMHeadModel
    made = make(config).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, 0.6)
    made.generation_config.eos_token_id = made.generation_config.pad_token_id = None
    return made


class Tokens:
    """Runs the model over whole captions, of as many pictures as there are beginnings."""

    def __init__(self, model: Any, begins: list[list[int]], num_beams: int) -> None:
        """Begin with one row for each beam of each beginning."""
        self._model = model
        self._ids = np.repeat(np.asarray(begins), num_beams, axis=0)
        self.n_rows: list[int] = []

    @torch.no_grad()
    def __call__(
        self, ids: NDArray[np.int64], rows: NDArray[np.int64] | None
    ) -> NDArray[np.float32]:
        if rows is not None:
            self._ids = np.concatenate([self._ids[rows], ids], axis=1)
        self.n_rows.append(len(self._ids))
        found: NDArray[np.float32] = self._model(torch.from_numpy(self._ids)).logits[:, -1].numpy()
        return found


RULES: list[dict[str, Any]] = [
    {},
    {"min_length": 8},
    {"repetition_penalty": 1.7},
    {"length_penalty": 2.0},
    {"length_penalty": -1.0},
    {"length_penalty": 0.0, "early_stopping": "never"},
    {"length_penalty": 1.0, "early_stopping": "never"},
    {"early_stopping": True, "min_length": 6, "repetition_penalty": 0.8},
]
OPTIONS = [
    {"num_beams": beams, "max_length": longest, **rules}
    for beams, longest in itertools.product((1, 2, 5), (N_BEGIN + 1, 18))
    for rules in RULES
    if rules.get("min_length", 0) <= longest
    and (beams > 1 or not rules.keys() & {"length_penalty", "early_stopping"})
]


def ours(model: Any, begins: list[list[int]], stops: list[int], **options: Any) -> Any:
    rules = SearchRules(stops=frozenset(stops), ends=frozenset(stops), **options)
    return [
        write_captions(
            Tokens(model, [begin], rules.num_beams),
            fed=begin,
            begin=begin,
            n_pictures=1,
            rules=rules,
        )[0]
        for begin in begins
    ]


@pytest.mark.parametrize("stops", [[END], [END, 12, 17]], ids=["one end", "several ends"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_tokens_and_probabilities_are_those_of_generate(
    model: Any, options: dict[str, Any], stops: list[int]
) -> None:
    found = ours(model, BEGINS, stops, **options)
    for begin, written in zip(BEGINS, found, strict=True):
        theirs = model.generate(
            torch.tensor([begin]),
            attention_mask=torch.ones((1, N_BEGIN), dtype=torch.long),
            do_sample=False,
            eos_token_id=stops,
            pad_token_id=0,
            return_dict_in_generate=True,
            output_logits=True,
            **options,
        )
        ids = theirs.sequences[0].tolist()
        n_kept = n_until_end(ids[N_BEGIN:], frozenset(stops))
        assert list(written.ids) == ids[: N_BEGIN + n_kept]
        logs = model.compute_transition_scores(
            theirs.sequences,
            theirs.logits,
            getattr(theirs, "beam_indices", None),
            normalize_logits=True,
        )[0, :n_kept]
        assert written.log_probability == pytest.approx(float(logs.mean()), abs=1e-5)


@pytest.mark.parametrize("num_beams", [1, 3])
def test_a_picture_is_searched_on_its_own_and_leaves_when_it_is_done(
    model: Any, num_beams: int
) -> None:
    rules = SearchRules(
        stops=frozenset({END}), ends=frozenset({END}), max_length=20, num_beams=num_beams
    )
    alone = ours(model, BEGINS, [END], max_length=20, num_beams=num_beams)
    tokens = Tokens(model, BEGINS, num_beams)
    # What is fed to the network is its own affair; the penalties know one beginning for all.
    together = write_captions(tokens, fed=[0], begin=BEGINS[0], n_pictures=len(BEGINS), rules=rules)
    assert [one.ids[N_BEGIN:] for one in together] == [one.ids[N_BEGIN:] for one in alone]
    assert tokens.n_rows[0] == len(BEGINS) * num_beams
    assert tokens.n_rows == sorted(tokens.n_rows, reverse=True)
    lengths = [len(one.ids) for one in together]
    assert len(set(lengths)) > 1
    assert tokens.n_rows[-1] < tokens.n_rows[0]


def test_nothing_after_an_end_is_kept_though_writing_goes_on(model: Any) -> None:
    (whole,) = ours(model, BEGINS[:1], [], max_length=20)
    end = whole.ids[N_BEGIN + 4]
    n_kept = whole.ids[N_BEGIN:].index(end) + 1
    rules = SearchRules(stops=frozenset(), ends=frozenset({end}), max_length=20)
    (cut,) = write_captions(
        Tokens(model, BEGINS[:1], 1), fed=BEGINS[0], begin=BEGINS[0], n_pictures=1, rules=rules
    )
    assert cut.ids == whole.ids[: N_BEGIN + n_kept]
    assert cut.log_probability != pytest.approx(whole.log_probability, abs=1e-6)
