"""Asking again."""

from __future__ import annotations

import importlib
import sys

import pytest
from huggingface_hub.utils import httpx

from holotype.errors import MissingExtraError
from holotype.hub.retries import Patience


def failing(times: int, status: int, headers: dict[str, str]) -> httpx.MockTransport:
    left = [times]

    def answer(request: httpx.Request) -> httpx.Response:
        left[0] -= 1
        return httpx.Response(status if left[0] >= 0 else 200, headers=headers)

    return httpx.MockTransport(answer)


def ask(client: httpx.Client) -> int:
    return client.get("http://hub.test").raise_for_status().status_code


@pytest.mark.parametrize("stated", ["", "Wed, 21 Oct 2026 07:28:00 GMT", "-5", "9" * 400, "soon"])
def test_without_a_number_of_seconds_the_waits_double(stated: str) -> None:
    waits: list[float] = []
    patience = Patience(wait=waits.append, clock=lambda: sum(waits))
    with httpx.Client(transport=failing(3, 503, {"Retry-After": stated})) as client:
        assert patience.call(lambda: ask(client)) == 200
    assert waits == [1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("status", "later"), [(429, "86400"), (429, "Tue, 03 Mar 2026 12:00:00 GMT"), (503, "301")]
)
def test_nobody_waits_for_hours_nor_asks_sooner_than_the_hub_allows(
    status: int, later: str
) -> None:
    waits: list[float] = []
    now = [0.0]
    patience = Patience(wait=waits.append, clock=lambda: now[0])
    headers = {"Retry-After": later, "Date": "Mon, 02 Mar 2026 12:00:00 GMT"}
    with (
        httpx.Client(transport=failing(1, status, headers)) as busy,
        httpx.Client(transport=failing(0, 500, {})) as other,
    ):
        with pytest.raises(httpx.HTTPStatusError):
            patience.call(lambda: ask(busy))
        if status == 429:
            with pytest.raises(httpx.HTTPStatusError, match="429"):
                patience.call(lambda: ask(other))
            now[0] = 86_200.0
        assert patience.call(lambda: ask(other)) == 200
    assert waits == ([200.0] if status == 429 else [])


def test_a_moment_of_the_hubs_own_clock_says_how_long_to_wait() -> None:
    waits: list[float] = []
    patience = Patience(wait=waits.append, clock=lambda: sum(waits))
    moments = {
        "Retry-After": "Mon, 02 Mar 2026 12:00:40 GMT",
        "Date": "Mon, 02 Mar 2026 12:00:00 GMT",
    }
    with httpx.Client(transport=failing(1, 503, moments)) as client:
        assert patience.call(lambda: ask(client)) == 200
    assert waits == [40.0]


def test_the_hubs_own_count_of_requests_says_how_long_to_wait() -> None:
    waits: list[float] = []
    patience = Patience(wait=waits.append, clock=lambda: sum(waits))
    headers = {"RateLimit": '"api";r=0;t=55', "RateLimit-Policy": '"fixed window";"api";q=5;w=300'}
    with httpx.Client(transport=failing(1, 429, headers)) as client:
        assert patience.call(lambda: ask(client)) == 200
    assert waits == [55.0]


def test_one_answer_of_429_makes_every_request_wait() -> None:
    waits: list[float] = []
    patience = Patience(tries=2, wait=waits.append, clock=lambda: 0.0)
    with (
        httpx.Client(transport=failing(9, 429, {"Retry-After": "3"})) as busy,
        httpx.Client(transport=failing(0, 500, {})) as other,
    ):
        with pytest.raises(httpx.HTTPStatusError):
            patience.call(lambda: ask(busy))
        assert waits == [3.0]
        assert patience.call(lambda: ask(other)) == 200
    assert waits == [3.0, 3.0]


def test_what_will_not_change_is_asked_once() -> None:
    waits: list[float] = []
    with httpx.Client(transport=failing(1, 404, {})) as client:
        with pytest.raises(httpx.HTTPStatusError):
            Patience(wait=waits.append).call(lambda: ask(client))
        assert ask(client) == 200
    assert waits == []


def test_a_missing_tenacity_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tenacity", None)
    monkeypatch.delitem(sys.modules, "holotype.hub.retries")
    with pytest.raises(MissingExtraError, match=r"'tenacity'.*pip install 'holotype\[hub\]'"):
        importlib.import_module("holotype.hub.retries")
