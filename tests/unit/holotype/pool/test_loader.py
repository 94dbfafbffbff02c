"""The thread of a device and its queue."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from holotype.pool.loader import CLOSING, PRELOAD, REQUESTED, SWAP, Job, Later, Loader


class Step(Job):
    """Does something, after as many refusals as it is told."""

    def __init__(
        self,
        priority: int,
        do: Callable[[], None],
        *,
        n_refusals: int = 0,
        at_s: float | None = None,
    ) -> None:
        """Begin."""
        super().__init__(priority)
        self.do = do
        self.n_refusals = n_refusals
        self.at_s = at_s
        self.done = Event()
        self.error: Exception | None = None

    def attempt(self) -> Later | None:
        if self.n_refusals:
            self.n_refusals -= 1
            return Later(self.at_s)
        self.do()
        self.done.set()
        return None

    def abandon(self, error: Exception) -> None:
        self.error = error
        self.done.set()


def stop(loader: Loader) -> None:
    loader.stop(RuntimeError("stopped"))
    assert loader.join(30)


def test_the_most_urgent_comes_first_and_of_equals_the_oldest() -> None:
    loader, order, gate, begun = Loader("cpu", lambda: 0.0), list[str](), Event(), Event()

    def block() -> None:
        begun.set()
        gate.wait(30)

    loader.submit(Step(REQUESTED, block))
    assert begun.wait(30)
    names = [("p1", PRELOAD), ("s", SWAP), ("r1", REQUESTED), ("p2", PRELOAD), ("c", CLOSING)]
    steps = [Step(priority, lambda name=name: order.append(name)) for name, priority in names]  # type: ignore[misc]
    for step in steps:
        loader.submit(step)
    gate.set()
    assert all(step.done.wait(30) for step in steps)
    assert order == ["c", "r1", "s", "p1", "p2"]
    stop(loader)


def test_a_job_that_must_wait_lets_others_pass_and_is_tried_again_after_them() -> None:
    loader, order = Loader("cpu", lambda: 0.0), list[str]()
    waits = Step(REQUESTED, lambda: order.append("waits"), n_refusals=1)
    other = Step(PRELOAD, lambda: order.append("other"))
    loader.submit(waits)
    loader.submit(other)
    assert waits.done.wait(30)
    assert other.done.wait(30)
    assert sorted(order) == ["other", "waits"]
    stop(loader)


def test_a_job_is_tried_again_at_its_time_although_nothing_changes() -> None:
    loader = Loader("cpu", lambda: 10.0)
    waits = Step(REQUESTED, lambda: None, n_refusals=3, at_s=10.0)
    loader.submit(waits)
    assert waits.done.wait(30)
    stop(loader)


def test_a_mistake_in_a_job_is_told_and_the_thread_lives_on() -> None:
    def fail() -> None:
        raise RuntimeError("a mistake")

    loader = Loader("cpu", lambda: 0.0)
    wrong, right = Step(REQUESTED, fail), Step(PRELOAD, lambda: None)
    loader.submit(wrong)
    loader.submit(right)
    assert wrong.done.wait(30)
    assert right.done.wait(30)
    assert str(wrong.error) == "a mistake"
    stop(loader)


def test_stopping_abandons_what_waits_and_closes_what_is_to_be_closed() -> None:
    loader, order = Loader("cpu", lambda: 0.0), list[str]()
    gate, begun = Event(), Event()

    def block() -> None:
        begun.set()
        gate.wait(30)

    loader.submit(Step(REQUESTED, block))
    assert begun.wait(30)
    waits = Step(REQUESTED, lambda: order.append("never"))
    loader.submit(waits)
    loader.submit(Step(CLOSING, lambda: order.append("closed")))
    loader.stop(RuntimeError("stopped"))
    gate.set()
    assert loader.join(30)
    assert order == ["closed"]
    assert str(waits.error) == "stopped"


def test_what_is_submitted_after_the_end_is_still_done() -> None:
    """A lease may end long after the pool was closed; its model is closed then."""
    loader = Loader("cpu", lambda: 0.0)
    first, late = Step(CLOSING, lambda: None), Step(CLOSING, lambda: None)
    loader.submit(first)
    assert first.done.wait(30)
    stop(loader)
    loader.submit(late)
    assert late.done.wait(30)


def test_a_job_can_be_withdrawn_until_it_is_tried() -> None:
    loader, gate, begun = Loader("cpu", lambda: 0.0), Event(), Event()

    def block() -> None:
        begun.set()
        gate.wait(30)

    runs, waits = Step(REQUESTED, block), Step(PRELOAD, lambda: None)
    loader.submit(runs)
    assert begun.wait(30)
    loader.submit(waits)
    assert loader.withdraw(waits)
    assert not loader.withdraw(waits)
    assert not loader.withdraw(runs)
    gate.set()
    assert runs.done.wait(30)
    stop(loader)
    assert not waits.done.is_set()
