"""Single values with their sources."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from catalogue.claims import from_claims, read_claims
from catalogue.facts import MTEB, Fact
from catalogue.gather import Gatherer
from catalogue.reconcile import reconcile
from catalogue.releases import settle_the_date

LENGTH = "/specs/context_length"
DATE = "/release_date"
NORMALIZE = "/encoding/normalize"
REMOTE = "/dependencies/requires_remote_code"
BASE = "/lineage/adapted_from"
GATED = "/dependencies/gated"
DIMS = "/architecture/matryoshka_dims"
RANGE = "/architecture/matryoshka_range"


def test_claims_are_read_by_repository(tmp_path: Path) -> None:
    claim = {"huggingface_id": "acme/x", "pointer": LENGTH, "value": 8, "source": "hub: a @ b"}
    (tmp_path / "claims.jsonl").write_text(f"{json.dumps(claim)}\n\n{json.dumps(claim)}\n")
    assert read_claims(tmp_path / "claims.jsonl") == {"acme/x": [claim, claim]}


def test_the_claims_of_several_files_add_up(tmp_path: Path) -> None:
    claims = [{"huggingface_id": "acme/x", "pointer": LENGTH, "value": n} for n in (8, 9)]
    paths = [tmp_path / name for name in ("a.jsonl", "b.jsonl")]
    for path, claim in zip(paths, claims, strict=True):
        path.write_text(json.dumps(claim))
    assert read_claims(*paths) == {"acme/x": claims}


def test_a_claim_of_one_kind_says_nothing_of_another() -> None:
    claims: list[dict[str, Any]] = [
        {"pointer": LENGTH, "value": 8, "source": "hub: a", "kind": "dense"},
        {"pointer": "/license", "value": "mit", "source": "hub: tags"},
    ]
    assert from_claims(claims, "dense") == {
        LENGTH: [Fact(8, "hub: a")],
        "/license": [Fact("mit", "hub: tags")],
    }
    assert set(from_claims(claims, "sparse")) == {"/license"}


@pytest.mark.parametrize(
    ("third", "known"),
    [(None, False), ("c" * 40, True)],
    ids=["pinned between two commits", "pinned to one that was read"],
)
def test_what_changed_in_a_repository_is_known_only_at_a_commit_that_was_read(
    third: str | None, known: bool
) -> None:
    claims = [
        {"pointer": NORMALIZE, "value": value, "source": f"hub: modules.json @ {commit}"}
        for value, commit in ((False, "a" * 40), (True, "b" * 7), (True, third))
        if commit is not None
    ]
    claims.append({"pointer": "/revision", "value": "c" * 40, "source": f"hub: tags @ {'c' * 40}"})
    gatherer = Gatherer(encoding={}, mteb={}, scores={}, by_hand={}, claims={"acme/x": claims})
    said = gatherer.said("acme/x", "dense")[NORMALIZE]
    assert [fact.value for fact in said][:1] == ([True] if known else [])


def test_what_two_commits_say_alike_is_known_at_a_third() -> None:
    claims = [
        {"pointer": NORMALIZE, "value": True, "source": f"hub: modules.json @ {commit}"}
        for commit in ("a" * 40, "b" * 40)
    ]
    claims.append({"pointer": "/revision", "value": "c" * 40, "source": f"hub: tags @ {'c' * 40}"})
    gatherer = Gatherer(encoding={}, mteb={}, scores={}, by_hand={}, claims={"acme/x": claims})
    assert {fact.value for fact in gatherer.said("acme/x", "dense")[NORMALIZE]} == {True}


def test_a_file_at_the_commit_of_the_entry_is_believed_before_one_at_another() -> None:
    def claim(pointer: str, value: object, commit: str) -> dict[str, Any]:
        return {"pointer": pointer, "value": value, "source": f"hub: config.json @ {commit}"}

    old, pinned = "a" * 40, "b" * 40
    claims = [
        claim(LENGTH, 256, old),
        claim(LENGTH, 512, "b" * 7),
        claim("/revision", pinned, pinned),
    ]
    gatherer = Gatherer(encoding={}, mteb={}, scores={}, by_hand={}, claims={"acme/x": claims})
    assert [fact.value for fact in gatherer.said("acme/x", "dense")[LENGTH]] == [512, 256]


def dated(
    day: str, mention: str | None, source: str = MTEB, papers: Sequence[str] = ()
) -> list[Fact]:
    candidates = {DATE: [Fact(day, source)]}
    settle_the_date(
        candidates,
        None if mention is None else {"date": mention},
        {"papers": papers} if papers else None,
    )
    return candidates[DATE]


def test_a_date_of_the_registry_needs_a_mention_soon_after() -> None:
    assert dated("2024-01-10", "2024-02-01") == [Fact("2024-01-10", MTEB)]
    assert dated("2024-01-10", "2024-06-01") == []
    assert dated("2024-01-10", None) == []


def test_an_earlier_mention_refutes_the_date_of_the_registry() -> None:
    assert dated("2024-02-08", "2023-05-19") == []


def test_a_paper_of_the_time_confirms_the_date_of_the_registry() -> None:
    assert dated("2024-02-14", None, papers=["2402.16829"]) == [Fact("2024-02-14", MTEB)]
    assert dated("2024-02-14", "2025-01-01", papers=["1908.10084", "2404.00001"]) == [
        Fact("2024-02-14", MTEB)
    ]
    assert dated("2024-02-14", None, papers=["2401.16829"]) == []
    assert dated("2024-02-14", None, papers=["2405.16829"]) == []
    assert dated("2024-02-14", None, papers=["1908.10084"]) == []


def test_an_earlier_mention_refutes_a_date_that_a_paper_confirms() -> None:
    assert dated("2024-02-08", "2023-05-19", papers=["2402.05672"]) == []


def test_a_date_of_another_source_needs_no_mention() -> None:
    assert dated("2023-08-02", None, "github: a b @ c") == [Fact("2023-08-02", "github: a b @ c")]


def remote(
    value: bool, network: str | None, source: str = MTEB, day: str = "2024-02-03"
) -> list[bool]:
    candidates = {REMOTE: [Fact(value, source)], DATE: [Fact(day, MTEB)]}
    if network is not None:
        candidates["/architecture/type"] = [Fact(network, "hub: config.json")]
    reconcile(candidates, "dense")
    return [fact.value for fact in candidates[REMOTE]]


def test_code_that_mteb_allows_may_not_be_needed() -> None:
    assert remote(True, "qwen3") == []
    assert remote(True, "nomic_bert") == [True]
    assert remote(True, None) == [True]


def test_code_that_mteb_does_not_allow_may_be_needed_by_a_network_of_its_own() -> None:
    assert remote(False, "bert") == [False]
    assert remote(False, "codesage") == []
    assert remote(False, None) == []


def test_code_that_mteb_does_not_allow_is_not_needed_by_younger_models() -> None:
    assert remote(False, None, day="2024-10-30") == []
    assert remote(False, None, day="2024-10-31") == [False]
    assert remote(False, "codesage", day="2026-01-01") == []


def test_what_the_repository_says_of_its_code_is_never_withdrawn() -> None:
    assert remote(True, "qwen2", "github: a b @ c") == [True]


def length(kind: str, network: str, positions: int, *stated: int) -> list[int]:
    candidates = {
        LENGTH: [Fact(value, MTEB) for value in stated],
        "/architecture/type": [Fact(network, "hub: config.json")],
        "/specs/max_position_embeddings": [Fact(positions, "hub: config.json")],
    }
    reconcile(candidates, kind)
    return [fact.value for fact in candidates[LENGTH]]


def test_a_model_that_returns_scores_reads_to_its_last_position() -> None:
    assert length("cross-encoder", "bert", 512) == [512]
    assert length("classifier", "camembert", 514) == [512]
    assert length("classifier", "bert", 512, 128) == [128]


def test_a_length_is_not_guessed_where_the_table_may_not_be_the_end() -> None:
    assert length("cross-encoder", "modernbert", 8192) == []
    assert length("dense", "bert", 512) == []


def test_a_length_that_is_a_table_of_positions_is_withdrawn() -> None:
    candidates = {LENGTH: [Fact(514, MTEB), Fact(256, "hub: sentence_bert_config.json")]}
    reconcile(candidates, "dense")
    assert [fact.value for fact in candidates[LENGTH]] == [256]


def test_a_length_that_only_ends_like_a_table_of_positions_stays() -> None:
    candidates = {LENGTH: [Fact(250, "hub: sentence_bert_config.json")]}
    reconcile(candidates, "dense")
    assert [fact.value for fact in candidates[LENGTH]] == [250]


@pytest.mark.parametrize(("network", "told"), [("mpnet", [False]), ("bert", [])])
def test_a_network_that_never_needs_code_of_its_own_needs_none(
    network: str, told: list[bool]
) -> None:
    candidates = {"/architecture/type": [Fact(network, "hub: config.json")]}
    reconcile(candidates, "dense")
    assert [fact.value for fact in candidates[REMOTE]] == told


def test_a_registrys_length_of_a_static_model_is_withdrawn() -> None:
    candidates = {
        LENGTH: [Fact(32768, MTEB), Fact(512, "hub: config.json @ abc1234")],
        "/architecture/type": [Fact("static", "hub: config.json @ abc1234")],
    }
    reconcile(candidates, "dense")
    assert [fact.value for fact in candidates[LENGTH]] == [512]


@pytest.mark.parametrize(
    ("base", "source", "like", "kept"),
    [
        ("Qwen/Qwen3-4B", MTEB, "parameter-count: as Qwen3-1.7B", False),
        ("Qwen/Qwen3-1.7B-Base", MTEB, "parameter-count: as Qwen3-1.7B", True),
        ("Qwen/Qwen3-4B", "card: https://example.org", "parameter-count: as Qwen3-1.7B", True),
        ("acme/base", MTEB, "parameter-count: as Qwen3-1.7B", True),
        ("acme/base-4B", MTEB, "hub: config.json @ abc1234", True),
        ("Qwen/Qwen3.5", MTEB, None, False),
        ("Qwen/Qwen3.5-4B", MTEB, None, True),
    ],
)
def test_a_base_of_another_size_is_withdrawn(
    base: str, source: str, like: str | None, kept: bool
) -> None:
    candidates = {BASE: [Fact(base, source)]}
    if like is not None:
        candidates["/specs/layers"] = [Fact(28, like)]
    reconcile(candidates, "dense")
    assert [fact.value for fact in candidates[BASE]] == ([base] if kept else [])


@pytest.mark.parametrize(
    ("length", "source", "positions", "kept"),
    [
        (512, "mteb: acme.py", None, False),
        (512, "mteb: acme.py", 512, True),
        (512, "card: README.md", None, True),
        (8192, "mteb: acme.py", None, True),
        (256, "card: README.md", None, False),
    ],
    ids=["same", "table", "card", "beyond", "below"],
)
def test_a_registrys_length_that_is_the_documents_needs_a_table_of_positions(
    length: int, source: str, positions: int | None, kept: bool
) -> None:
    said = {
        "/specs/context_length": [Fact(length, source)],
        "/encoding/document_length": [Fact(512, "hub: README.md @ 1234567")],
    }
    if positions is not None:
        said["/specs/max_position_embeddings"] = [Fact(positions, "hub: config.json @ 1234567")]
    reconcile(said, "colbert")
    assert bool(said["/specs/context_length"]) is kept


@pytest.mark.parametrize(
    ("network", "kind", "count", "kept"),
    [
        ("t5", "dense", 222_903_552, False),
        ("t5", "dense", 110_218_368, True),
        ("t5", "cross-encoder", 222_903_552, True),
        ("bert", "dense", 222_903_552, True),
    ],
)
def test_an_encoder_does_not_count_the_decoder_of_t5(
    network: str, kind: str, count: int, kept: bool
) -> None:
    said = {
        "/architecture/type": [Fact(network, "hub: config.json @ 1234567")],
        "/specs/parameters": [Fact(count, "mteb: acme.py")],
    }
    reconcile(said, kind)
    assert bool(said["/specs/parameters"]) is kept


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("hub: config.json @ 1234567", [False]),
        ("hub: tokenizer_config.json @ 1234567", [False]),
        ("hub: config.json @ main", []),
        # These can be read without being let in, or follow from a size in the list of files.
        ("hub: README.md @ 1234567", []),
        ("hub: modules.json @ 1234567", []),
        ("hub: file list @ 1234567", []),
        ("hub-copy: acme/copy config.json @ 1234567", []),
    ],
)
def test_a_file_that_anyone_could_read_shows_that_a_repository_is_not_gated(
    source: str, expected: list[bool]
) -> None:
    candidates = {LENGTH: [Fact(8, source)]}
    reconcile(candidates, "dense")
    assert candidates[GATED] == [Fact(value, source) for value in expected]


def test_who_says_that_a_repository_is_gated_knows_better_than_an_old_page() -> None:
    stated = Fact(True, "web: https://example.org")
    candidates = {LENGTH: [Fact(8, "hub: config.json @ 1234567")], GATED: [stated]}
    reconcile(candidates, "dense")
    assert candidates[GATED] == [stated]


@pytest.mark.parametrize(
    ("listed", "spanned", "taken"),
    [
        ("hub: config.json @ 1234567", "web: https://example.org", DIMS),
        ("web: https://example.org", "hub: README.md @ 1234567", RANGE),
        ("web: https://example.org", "web: https://example.org", DIMS),
    ],
)
def test_of_a_list_of_sizes_and_a_range_the_better_founded_one_is_taken(
    listed: str, spanned: str, taken: str
) -> None:
    candidates = {
        "/specs/embedding_dim": [Fact(64, "mteb")],
        DIMS: [Fact([16, 64], listed)],
        RANGE: [Fact([8, 64], spanned)],
    }
    reconcile(candidates, "dense")
    assert [bool(candidates[each]) for each in (DIMS, RANGE)] == [taken == DIMS, taken == RANGE]


def test_a_range_that_ends_in_another_width_is_withdrawn() -> None:
    candidates = {
        "/specs/embedding_dim": [Fact(64, "mteb")],
        RANGE: [Fact([8, 128], "web: https://example.org")],
    }
    reconcile(candidates, "dense")
    assert candidates[RANGE] == []
