"""Who may call: digests, scopes, and stores that do not answer."""

from __future__ import annotations

import asyncio
import errno
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from starlette.requests import Request

from holotype.errors import HolotypeError
from holotype.server import state_file
from holotype.server.errors import ForbiddenError, UnauthorizedError
from holotype.server.keys import Caller, GivenKeys, Keys
from holotype.server.state_file import LastKnown, StateFile


class Store:
    """A store that answers, or not."""

    def __init__(self, **callers: Caller) -> None:
        """Know some keys."""
        self.callers = callers
        self.fails = False
        self.n_checks = 0

    def check(self, key: str) -> Caller | None:
        self.n_checks += 1
        if self.fails:
            raise HolotypeError("does not answer")
        return self.callers.get(key)

    def any(self) -> bool:
        if self.fails:
            raise HolotypeError("does not answer")
        return bool(self.callers)


def caller(*scopes: str, **more: Any) -> Caller:
    return Caller(id=1, name="somebody", scopes=scopes, **more)


def identify(keys: Keys, key: str | None = None, host: str = "localhost", **more: str) -> Caller:
    return asyncio.run(keys.identify(asked_with(key, host, **more)))


def together(keys: Keys, given: list[str]) -> list[Caller | BaseException]:
    async def run() -> list[Caller | BaseException]:
        asking = (keys.identify(asked_with(key)) for key in given)
        return await asyncio.gather(*asking, return_exceptions=True)

    return asyncio.run(run())


def asked_with(key: str | None, host: str = "localhost", **more: str) -> Request:
    headers = {"host": host, **more}
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "scheme": "http",
        "query_string": b"",
        "server": (host, 80),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    return Request(scope)


@pytest.mark.parametrize(
    ("has", "needs", "allowed"),
    [
        ("infer", "infer", True),
        ("infer", "operate", False),
        ("operate", "infer", True),
        ("operate", "admin", False),
        ("admin", "operate", True),
    ],
)
def test_a_scope_includes_those_before_it(has: str, needs: Any, allowed: bool) -> None:
    assert caller(has).may(needs) is allowed


def test_without_any_key_this_machine_may_do_everything() -> None:
    found = identify(Keys([Store()], loopback=True))
    assert found.name == "local" and found.may("admin")


def test_other_machines_never_may_without_a_key() -> None:
    keys = Keys([Store()], loopback=False)
    with pytest.raises(UnauthorizedError, match="needs a key"):
        identify(keys)
    with pytest.raises(HolotypeError, match="has no key"):
        keys.require_one()


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", ""])
def test_a_name_that_leads_here_is_refused(host: str) -> None:
    with pytest.raises(ForbiddenError):
        identify(Keys([Store()], loopback=True), host=host)


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]:8080"])
def test_the_names_of_this_machine_are_not(host: str) -> None:
    assert identify(Keys([Store()], loopback=True), host=host).name == "local"


def test_a_store_is_asked_once_in_a_while() -> None:
    store = Store(good=caller("infer"))
    keys = Keys([store], loopback=True)
    for _ in range(20):
        assert identify(keys, "good").name == "somebody"
    assert store.n_checks == 1


def test_a_revoked_key_is_let_in_for_less_than_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    store, now_s = Store(good=caller("infer")), 100.0
    keys = Keys([store], loopback=False, clock=lambda: now_s)

    def revoke_and_answer_late(key: str) -> Caller | None:
        nonlocal now_s
        found = store.callers.pop(key, None)
        now_s += 0.4
        return found

    monkeypatch.setattr(store, "check", revoke_and_answer_late)
    # It is remembered from the question on, not from the answer.
    assert identify(keys, "good").name == "somebody"
    now_s = 100.49
    assert identify(keys, "good").name == "somebody"
    now_s = 100.51
    with pytest.raises(UnauthorizedError, match="revoked"):
        identify(keys, "good")


@pytest.mark.parametrize("key", ["good", None])
def test_a_store_that_is_slow_to_fail_is_not_waited_for_by_every_request(
    monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    store, now_s, n_asked = Store(), 100.0, 0
    if key is not None:
        store.callers[key] = caller("infer")
    keys = Keys([store], loopback=key is None, clock=lambda: now_s)
    before = identify(keys, key)

    def fail_late(*_: str) -> Any:
        nonlocal now_s, n_asked
        now_s, n_asked = now_s + 5, n_asked + 1
        raise HolotypeError("does not answer")

    monkeypatch.setattr(store, "check", fail_late)
    monkeypatch.setattr(store, "any", fail_late)
    now_s += 1
    assert [identify(keys, key) for _ in range(10)] == [before] * 10
    assert n_asked == 1


def test_a_late_answer_does_not_bring_back_a_key_that_was_refused_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, now_s = Store(good=caller("infer")), 100.0
    keys = Keys([store], loopback=False, clock=lambda: now_s)
    begun, let_go, known = Event(), Event(), store.check

    def answer_late(key: str) -> Any:
        found = known(key)
        begun.set()
        assert let_go.wait(30)
        return found

    async def run() -> None:
        nonlocal now_s
        monkeypatch.setattr(store, "check", answer_late)
        first = asyncio.create_task(keys.identify(asked_with("good")))
        assert await asyncio.to_thread(begun.wait, 30)
        store.callers.clear()
        now_s += 0.001
        keys.forget()
        now_s += 0.001
        monkeypatch.setattr(store, "check", known)
        with pytest.raises(UnauthorizedError, match="revoked"):
            await keys.identify(asked_with("good"))
        let_go.set()
        with pytest.raises(UnauthorizedError, match="revoked"):
            await first
        # Nobody can be asked, so that what is remembered counts.
        store.fails = True
        now_s += 10
        with pytest.raises(UnauthorizedError, match="revoked"):
            await keys.identify(asked_with("good"))

    asyncio.run(run())


def test_keys_that_are_none_drive_out_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holotype.server.keys._MOST_REMEMBERED", 8)
    store, now_s = Store(good=caller("infer")), 100.0
    keys = Keys([store], loopback=False, clock=lambda: now_s)
    assert identify(keys, "good").name == "somebody"
    for at in range(20):
        with pytest.raises(UnauthorizedError):
            identify(keys, f"guess {at}")
    store.fails = True
    now_s += 10
    assert identify(keys, "good").name == "somebody"


def test_what_has_changed_here_is_asked_at_once() -> None:
    store, now_s = Store(good=caller("infer")), 100.0
    keys = Keys([store], loopback=False, clock=lambda: now_s)
    assert identify(keys, "good").name == "somebody"
    now_s += 0.001
    store.callers.clear()
    keys.forget()
    now_s += 0.001
    with pytest.raises(UnauthorizedError, match="revoked"):
        identify(keys, "good")


def test_requests_at_once_share_one_question() -> None:
    store = Store(good=caller("infer"))
    keys = Keys([store], loopback=True)
    found = together(keys, ["good"] * 20)
    assert [getattr(each, "name", each) for each in found] == ["somebody"] * 20
    assert store.n_checks == 1


def test_requests_at_once_share_one_failure() -> None:
    store = Store(good=caller("infer"))
    store.fails = True
    keys = Keys([store], loopback=False)
    found = together(keys, ["good"] * 20)
    assert {str(each) for each in found} == {"does not answer"}
    assert store.n_checks == 1
    store.fails = False
    assert identify(keys, "good").name == "somebody"


def test_an_expired_key_is_refused_although_it_is_remembered() -> None:
    ended = datetime.now(UTC) - timedelta(seconds=1)
    store = Store(good=caller("infer", expires_at=ended))
    with pytest.raises(UnauthorizedError, match="has expired"):
        identify(Keys([store], loopback=True), "good")


def test_given_keys_are_no_keys_of_others() -> None:
    keys = Keys([GivenKeys(["one", "two"])], loopback=False)
    keys.require_one()
    assert identify(keys, "two").may("admin")
    for wrong in ("three", "onetwo", "", "ONE"):
        with pytest.raises(UnauthorizedError):
            identify(keys, wrong)


def test_a_store_that_does_not_answer_admits_nobody_new(tmp_path: Path) -> None:
    store = Store(good=caller("infer"))
    file = StateFile(tmp_path / "state.json")
    keys = Keys([store], loopback=True)
    keys.keep_with(file.keep_keys)
    keys.require_one()
    assert identify(keys, "good").name == "somebody"
    assert "good" not in file.path.read_text()

    store.fails = True
    known = StateFile(file.path).read()
    assert known is not None and not known.keyless
    later = Keys([store], loopback=True)
    later.restore(known.callers, keyless=known.keyless)
    later.require_one()
    assert identify(later, "good").scopes == {"infer"}
    with pytest.raises(HolotypeError, match="does not answer"):
        identify(later, "another")
    with pytest.raises(UnauthorizedError):
        identify(later)


def test_a_key_that_nobody_has_used_yet_still_closes_the_server(tmp_path: Path) -> None:
    store = Store(unused=caller("infer"))
    file = StateFile(tmp_path / "state.json")
    keys = Keys([store], loopback=True)
    keys.keep_with(file.keep_keys)
    keys.require_one()

    store.fails = True
    file.keep_versions({})
    known = StateFile(file.path).read() or LastKnown(versions={}, callers={}, keyless=False)
    assert not known.keyless
    later = Keys([store], loopback=True)
    later.restore(known.callers, keyless=known.keyless)
    with pytest.raises(UnauthorizedError):
        identify(later)


def test_a_server_that_had_no_key_goes_on_without_one(tmp_path: Path) -> None:
    store = Store()
    file = StateFile(tmp_path / "state.json")
    keys = Keys([store], loopback=True)
    keys.keep_with(file.keep_keys)
    keys.require_one()

    store.fails = True
    known = StateFile(file.path).read()
    assert known is not None and known.keyless
    later = Keys([store], loopback=True)
    later.restore(known.callers, keyless=known.keyless)
    assert identify(later).name == "local"


def test_a_damaged_state_file_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    assert StateFile(file).read() is None
    for text in ("{", "[]", '{"versions": {"k": {}}, "keys": {}, "keyless": false}'):
        file.write_text(text)
        with pytest.raises(HolotypeError, match="delete it"):
            StateFile(file).read()


def test_what_could_not_be_written_down_is_written_with_the_next_call_and_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    file = StateFile(tmp_path / "state.json")
    file.keep_keys({}, keyless=True)
    with monkeypatch.context() as patched:
        patched.setattr(state_file, "replace_file", full)
        file.keep_keys({}, keyless=False)
        file.keep_keys({}, keyless=False)
    assert [each.getMessage() for each in caplog.records] == [
        f"{file.path}: cannot be written: [Errno 28] No space left on device"
    ]
    file.keep_keys({}, keyless=False)
    known = StateFile(file.path).read()
    assert known is not None
    assert not known.keyless


def test_a_server_writes_down_that_there_is_nothing_where_an_earlier_one_knew_something(
    tmp_path: Path,
) -> None:
    StateFile(tmp_path / "state.json").keep_keys({}, keyless=True)
    StateFile(tmp_path / "state.json").keep_keys({}, keyless=False)
    known = StateFile(tmp_path / "state.json").read()
    assert known is not None
    assert not known.keyless
