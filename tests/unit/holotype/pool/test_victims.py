"""Whom to unload: properties of a pure function."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from holotype.pool.victims import NeverFits, Resident, Unload, Wait, choose_victims

NOW_S = 100.0
MIN_RESIDENT_S = 10.0


def resident(
    key: int, n_bytes: int, age_s: float = 50.0, idle_s: float = 5.0, **more: bool
) -> Resident[int]:
    return Resident(
        key=key, n_bytes=n_bytes, loaded_at_s=NOW_S - age_s, used_at_s=NOW_S - idle_s, **more
    )


residents = st.lists(
    st.tuples(
        st.integers(0, 100),
        st.sampled_from([1.0, 50.0]),
        st.floats(0, 50),
        st.booleans(),
        st.booleans(),
    ),
    max_size=7,
).map(
    lambda rows: [
        resident(key, size, age, idle, leased=leased, pinned=pinned)
        for key, (size, age, idle, leased, pinned) in enumerate(rows)
    ]
)
evictions = st.sampled_from(["fewest", "lru"])


def choose(
    loaded: list[Resident[int]], needed: int, free: int, eviction: object = "fewest"
) -> object:
    return choose_victims(
        loaded,
        needed_bytes=needed,
        free_bytes=free,
        now_s=NOW_S,
        min_resident_s=MIN_RESIDENT_S,
        eviction=eviction,  # type: ignore[arg-type]
    )


def may_go(one: Resident[int]) -> bool:
    return not one.pinned and not one.leased and one.loaded_at_s + MIN_RESIDENT_S <= NOW_S


@given(residents, st.integers(0, 400), st.integers(-50, 400), evictions)
def test_victims_suffice_and_are_never_pinned_leased_or_young(
    loaded: list[Resident[int]], needed: int, free: int, eviction: object
) -> None:
    found = choose(loaded, needed, free, eviction)
    by_key = {one.key: one for one in loaded}
    if isinstance(found, Unload):
        victims = [by_key[key] for key in found.victims]
        assert len(set(found.victims)) == len(victims)
        assert all(may_go(one) for one in victims)
        assert free + sum(one.n_bytes for one in victims) >= needed
    else:
        # Nobody is unloaded where that would not suffice.
        assert free + sum(one.n_bytes for one in loaded if may_go(one)) < needed
    if needed <= free:
        assert found == Unload(())


@given(residents, st.integers(0, 400), st.integers(-50, 400), evictions)
def test_no_victim_goes_in_vain(
    loaded: list[Resident[int]], needed: int, free: int, eviction: object
) -> None:
    found = choose(loaded, needed, free, eviction)
    if isinstance(found, Unload):
        by_key = {one.key: one for one in loaded}
        for spared in found.victims:
            others = sum(by_key[key].n_bytes for key in found.victims if key != spared)
            assert free + others < needed


@given(residents, st.integers(0, 400), st.integers(-50, 400))
def test_fewest_are_as_few_as_can_be(loaded: list[Resident[int]], needed: int, free: int) -> None:
    found = choose(loaded, needed, free)
    if isinstance(found, Unload):
        old = [one for one in loaded if may_go(one)]
        fewer = len(found.victims) - 1
        assert not any(
            free + sum(one.n_bytes for one in some) >= needed
            for some in combinations(old, max(0, fewer))
            if fewer >= 0
        )


@given(residents, st.integers(0, 800), st.integers(-50, 400), evictions)
def test_never_fits_says_so_exactly_where_all_that_is_not_pinned_would_not_do(
    loaded: list[Resident[int]], needed: int, free: int, eviction: object
) -> None:
    found = choose(loaded, needed, free, eviction)
    most = free + sum(one.n_bytes for one in loaded if not one.pinned)
    assert isinstance(found, NeverFits) == (needed > max(most, free))


def test_of_several_that_suffice_the_smallest_goes() -> None:
    loaded = [resident(1, 100), resident(2, 40), resident(3, 30)]
    assert choose(loaded, 50, 20) == Unload((3,))
    assert choose(loaded, 60, 20) == Unload((2,))
    assert choose(loaded, 150, 20) == Unload((1, 3))


def test_memory_that_suffices_to_the_byte_is_enough() -> None:
    assert choose([resident(1, 50)], 60, 10) == Unload((1,))
    assert choose([resident(1, 50)], 60, 10, "lru") == Unload((1,))
    assert choose([resident(1, 50)], 61, 10) == NeverFits(0)


def test_of_equal_ones_the_least_recently_used_goes() -> None:
    loaded = [resident(1, 50, idle_s=1), resident(2, 50, idle_s=9)]
    assert choose(loaded, 50, 0) == Unload((2,))


def test_lru_goes_by_use_alone() -> None:
    loaded = [resident(1, 100, idle_s=1), resident(2, 40, idle_s=9), resident(3, 40, idle_s=5)]
    assert choose(loaded, 80, 0, "lru") == Unload((2, 3))


def test_what_is_too_young_is_waited_for_until_it_is_old_enough() -> None:
    loaded = [resident(1, 50, age_s=4), resident(2, 50, age_s=7)]
    assert choose(loaded, 60, 0) == Wait(NOW_S + 3)


def test_what_is_in_use_is_waited_for_without_a_time() -> None:
    assert choose([resident(1, 50, leased=True)], 50, 0) == Wait(None)


def test_what_is_pinned_is_not_waited_for() -> None:
    assert choose([resident(1, 50, pinned=True)], 50, 10) == NeverFits(50)
