"""Errors as answers name what clients of HTTP have, not what programs in Python have."""

from __future__ import annotations

from typing import get_args

import pytest
from starlette.exceptions import HTTPException

from holotype.deployment.document import RegistrySource
from holotype.errors import Action, Advice, CatalogueMismatchError, DifferentVectorsError
from holotype.pool.errors import BreakerOpenError, ModelLoadError, PoolError, UnknownNameError
from holotype.pool.registered import refuse_none
from holotype.registry.errors import (
    DatabaseUnavailableError,
    KeyNotFoundError,
    RegistryError,
    StaleGenerationError,
    VersionNotFoundError,
    how_to_activate,
)
from holotype.server.envelope import TooLargeError
from holotype.server.errors import BodyTooLargeError
from holotype.server.problems import ADVICE, problem_of


def test_an_open_breaker_names_the_route_that_has_the_last_error() -> None:
    error = BreakerOpenError("search", "failed 5 times within 30 s and is tried again in 9 s", 9.0)
    assert str(error).endswith("; status() has the last error")
    problem = problem_of(error)
    assert (problem.status, problem.code, problem.retry_after_s) == (503, "failing", 9.0)
    assert problem.detail == (
        "'search' failed 5 times within 30 s and is tried again in 9 s; GET /api/pool has the last "
        "error"
    )


def test_a_name_like_no_other_names_the_route_that_lists_names() -> None:
    assert problem_of(UnknownNameError("x", ())).detail == (
        "'x' is no model of this pool; GET /v1/models lists the names"
    )
    assert problem_of(UnknownNameError("serach", ("search",))).detail.endswith(
        "did you mean 'search'?"
    )


def test_a_path_and_a_method_that_are_not_there_say_what_is() -> None:
    missing = problem_of(HTTPException(404))
    assert missing.code == "not_found"
    assert missing.detail == "there is nothing at this path; GET /openapi.json lists the paths"
    method = problem_of(HTTPException(405, headers={"Allow": "POST"}))
    assert method.code == "method_not_allowed"
    assert method.detail == "this path does not take this method; expected POST"
    assert problem_of(HTTPException(404, "own words")).detail == "own words"


def test_a_body_that_is_too_large_has_one_code_whoever_finds_it() -> None:
    found = [problem_of(error) for error in (TooLargeError(9), BodyTooLargeError("300 texts"))]
    assert [(each.status, each.code) for each in found] == [(413, "body_too_large")] * 2


def test_a_model_that_cannot_be_loaded_says_what_clients_and_operators_can_do() -> None:
    why = "could not be loaded from local:/srv/m: the weights are cut short"
    problem = problem_of(ModelLoadError("search", why))
    assert (problem.status, problem.code) == (424, "load_failed")
    assert problem.detail == (
        f"'search' {why}. Ask for another model, GET /v1/models lists them; or the operator of the "
        "server changes the source of this one in the deployment and runs: holotype pool reload"
    )


def test_an_argument_of_python_is_told_as_what_it_is_in_a_request() -> None:
    mismatch = CatalogueMismatchError(
        "all-minilm-l6-v2", "/srv/m", [("embedding_dim", 384, 32, "config.json")]
    )
    assert str(mismatch).endswith(
        "nothing was loaded; pass the folder that the record describes as checkpoint=, or load a "
        "corrected record: dataclasses.replace(record, ...)"
    )
    told = (
        f"{mismatch.without_advice}\nnothing was loaded; name the folder that the record describes as the "
        "source of the model in the deployment: local:FOLDER"
    )
    refused = problem_of(mismatch)
    assert (refused.status, refused.detail) == (422, told)
    failed = ModelLoadError(
        "search", f"could not be loaded: {mismatch.without_advice}", advice=mismatch.advice
    )
    assert problem_of(failed).detail.startswith(f"'search' could not be loaded: {told}. Ask for")


def test_every_advice_has_words_for_clients_or_is_none_of_theirs() -> None:
    assert set(ADVICE) == set(get_args(Action))
    assert ADVICE["set-limit"] is None


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (
            VersionNotFoundError(
                "db text",
                "has no version 'v9'",
                ("v8",),
                Advice("list-versions", "list them with: holotype registry list text", "text"),
            ),
            "text: has no version 'v9'; GET /api/models/text lists them; did you mean 'v8'?",
        ),
        (
            VersionNotFoundError(
                "db text",
                "nothing is active to return to",
                advice=how_to_activate("text"),
            ),
            "text: nothing is active to return to; POST /api/models/text/switch/VERSION activates "
            "one",
        ),
        (
            KeyNotFoundError(
                "db", "has no key 9", Advice("list-keys", "list them with: holotype keys list")
            ),
            "the registry: has no key 9; GET /api/keys lists them",
        ),
    ],
)
def test_a_command_is_told_as_the_route_that_does_the_same(
    error: RegistryError, detail: str
) -> None:
    assert problem_of(error).detail == detail


def test_a_name_that_follows_nothing_yet_is_told_with_the_route_that_switches() -> None:
    with pytest.raises(PoolError) as caught:
        refuse_none("search", RegistrySource(kind="text"))
    assert problem_of(caught.value).detail == (
        "'search' cannot be loaded: no version of 'text' is active; POST /api/models/text/switch/"
        "VERSION activates one"
    )


def test_the_address_of_the_database_is_not_for_clients() -> None:
    stale = StaleGenerationError("sqlite:///registry.db text_embedding", 0, 1, "alice")
    assert problem_of(stale).detail.startswith(
        "text_embedding: is at generation 1, made by 'alice'"
    )
    down = DatabaseUnavailableError("postgresql://db.internal/registry", "does not answer: timeout")
    assert problem_of(down).detail == "the registry: does not answer: timeout"


def test_other_vectors_are_allowed_by_a_field_of_the_request() -> None:
    error = DifferentVectorsError("sqlite:///registry.db search", "sha256:1", "sha256:2")
    assert "--allow-different-vectors (allow_different_vectors=True)" in str(error)
    detail = problem_of(error).detail
    assert detail.startswith("search: the new vectors differ from those in use")
    assert 'confirm it with "allow_different_vectors": true, or choose' in detail
    assert "--allow" not in detail
