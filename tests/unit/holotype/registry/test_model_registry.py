"""Versions and which of them is active, on both databases."""

from __future__ import annotations

import os
import threading
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from holotype.errors import DifferentVectorsError, HolotypeError, InvalidArgumentError
from holotype.references import ArtifactNotFoundError, read_manifest
from holotype.registry import (
    Activation,
    Database,
    ModelRegistry,
    ModelVersion,
    RequestReusedError,
    StaleGenerationError,
    VersionExistsError,
    VersionNotFoundError,
)

KIND = "text_embedding"


def register(registry: ModelRegistry, folder: Path, *names: str) -> list[ModelVersion]:
    return [registry.register(KIND, name, folder / name, actor="alice") for name in names]


def activate(registry: ModelRegistry, version: str, **options: object) -> Activation:
    given: dict[str, object] = {"actor": "alice", **options}
    return registry.activate(KIND, version, **given)  # type: ignore[arg-type]


def active(registry: ModelRegistry) -> str | None:
    found = registry.active(KIND)
    return None if found is None else found.version.version_id


def test_a_version_has_the_digests_behind_its_reference_and_is_not_activated(
    registry: ModelRegistry, store: Path
) -> None:
    (version,) = register(registry, store, "v1")
    assert version.reference == f"local:{store}/v1"
    assert (version.kind, version.type, version.name) == (KIND, "dense", "tiny/v1")
    assert version.source_repo.endswith("/tiny")
    assert len(version.checkpoint_hash) == 64
    assert version.embedding_dim == 32
    assert version.fingerprint == read_manifest(store / "v1").fingerprint
    assert version.created_by == "alice"
    assert datetime.now(UTC) - version.created_at < timedelta(minutes=1)
    assert registry.active(KIND) is None
    assert registry.get(KIND, "v1") == version == registry.get(KIND, "tiny/v1")


def test_an_alias_is_resolved_to_the_artifact_of_the_moment(
    registry: ModelRegistry, store: Path
) -> None:
    from holotype.publishing import set_alias

    set_alias(store, "production", "v2")
    version = registry.register(KIND, "v9", f"local:{store}@production", actor="alice")
    assert version.reference == f"local:{store}/v2"


def test_the_same_again_is_the_same_version_and_another_is_refused(
    registry: ModelRegistry, store: Path
) -> None:
    (version,) = register(registry, store, "v1")
    assert register(registry, store, "v1") == [version]
    with pytest.raises(VersionExistsError, match="tiny/v1 exists and never changes"):
        registry.register(KIND, "v1", store / "v2", actor="bob")
    assert len(registry.list(KIND).versions) == 1


@pytest.mark.parametrize("n_names", [1, 8])
def test_eight_programs_that_register_at_once_get_their_versions(
    database: Database, store: Path, n_names: int
) -> None:
    registry = ModelRegistry(database)
    go, found = threading.Barrier(8), list[ModelVersion]()

    def run(n: int) -> None:
        go.wait()
        name = f"v{n % n_names}"
        found.append(registry.register(KIND, name, store / "v1", actor="alice"))

    threads = [threading.Thread(target=run, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == n_names
    assert len({each.model_id for each in found}) == 1


def test_a_folder_that_is_no_artifact_is_refused_with_the_command(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(ArtifactNotFoundError, match="holotype artifact create"):
        registry.register(KIND, "v1", tmp_path / "plain", actor="alice")
    assert registry.list().versions == ()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"kind": "Text Embedding"}, "kind is 'Text Embedding'"),
        ({"version_id": "v1/2"}, "version_id is 'v1/2'"),
        ({"model_id": "../up"}, "model_id is '../up'"),
        ({"actor": " "}, "actor is ' '"),
        ({"actor": "a\nb"}, "actor is"),
        ({"inference_config": {"dimm": 3}}, "dim"),
        ({"inference_config": {"device": "cpu"}}, "leave it out"),
        ({"inference_config": {"dim": float("nan")}}, "not a JSON object"),
    ],
)
def test_wrong_names_and_options_are_one_line(
    registry: ModelRegistry, store: Path, arguments: dict[str, object], problem: str
) -> None:
    given: dict[str, object] = {
        **{"kind": KIND, "version_id": "v1", "reference": store / "v1", "actor": "alice"},
        **arguments,
    }
    with pytest.raises(HolotypeError, match=problem) as caught:
        registry.register(**given)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert registry.list().versions == ()


def test_versions_are_listed_newest_first_in_pages(registry: ModelRegistry, store: Path) -> None:
    register(registry, store, "v1", "v2", "v3")
    registry.register("titles", "v1", store / "v1", actor="alice")
    first = registry.list(KIND, limit=2)
    assert [each.version_id for each in first.versions] == ["v3", "v2"]
    last = registry.list(KIND, limit=2, before=first.next)
    assert ([each.version_id for each in last.versions], last.next) == (["v1"], None)
    assert len(registry.list().versions) == 4
    assert registry.kinds() == (KIND, "titles")
    with pytest.raises(InvalidArgumentError, match="limit is 0"):
        registry.list(limit=0)


def test_a_version_that_is_not_there_is_named_with_similar_ones(
    registry: ModelRegistry, store: Path
) -> None:
    with pytest.raises(VersionNotFoundError, match="has no kind 'text_embedding'; it has none yet"):
        registry.get(KIND, "v1")
    register(registry, store, "v1", "v2")
    with pytest.raises(VersionNotFoundError, match="did you mean 'v1'") as caught:
        registry.get(KIND, "v11")
    assert caught.value.suggestions == ("v1",)
    with pytest.raises(VersionNotFoundError, match="did you mean 'text_embedding'"):
        registry.history("text_embeding")


def test_versions_of_the_same_name_are_told_apart_by_their_models(
    registry: ModelRegistry, store: Path
) -> None:
    register(registry, store, "v1")
    registry.register(KIND, "v1", store / "v2", actor="alice", model_id="other")
    with pytest.raises(InvalidArgumentError, match="write 'tiny/v1' or 'other/v1'"):
        registry.get(KIND, "v1")
    assert registry.get(KIND, "other/v1").model_id == "other"


def test_activations_count_from_one_and_say_who_and_why(
    registry: ModelRegistry, store: Path
) -> None:
    register(registry, store, "v1", "v2")
    activate(registry, "v1", expected_generation=0)
    second = activate(registry, "v2", actor="bob", reason="better recall", expected_generation=1)
    assert (second.generation, second.actor, second.reason) == (2, "bob", "better recall")
    assert registry.active(KIND) == second
    assert registry.all_active() == {KIND: second}
    assert [each.version.version_id for each in registry.history(KIND)] == ["v2", "v1"]
    assert registry.history(KIND, limit=1) == (second,)
    assert [each.generation for each in registry.history(KIND, before=2)] == [1]


def test_a_stale_generation_is_refused_with_the_name_of_the_other(
    registry: ModelRegistry, store: Path
) -> None:
    register(registry, store, "v1", "v2")
    activate(registry, "v1", actor="bob")
    with pytest.raises(StaleGenerationError, match="at generation 1, made by 'bob', not at 0"):
        activate(registry, "v2", expected_generation=0)
    assert active(registry) == "v1"


def test_the_same_request_twice_is_one_activation(registry: ModelRegistry, store: Path) -> None:
    register(registry, store, "v1", "v2")
    first = activate(registry, "v1", request_id="deploy 17", expected_generation=0)
    activate(registry, "v2")
    assert activate(registry, "v1", request_id="deploy 17", expected_generation=0) == first
    assert active(registry) == "v2"
    with pytest.raises(RequestReusedError, match="'deploy 17' was activate of text_embedding"):
        activate(registry, "v2", request_id="deploy 17")
    with pytest.raises(RequestReusedError):
        registry.rollback(KIND, actor="alice", request_id="deploy 17")
    back = registry.rollback(KIND, actor="alice", request_id="back")
    assert registry.rollback(KIND, actor="alice", request_id="back") == back


def test_what_is_active_already_is_left_as_it_is(registry: ModelRegistry, store: Path) -> None:
    register(registry, store, "v1", "v2")
    activate(registry, "v1")
    second = activate(registry, "v2", reason="better recall")
    assert activate(registry, "v2", actor="bob", reason="again", expected_generation=2) == second
    assert registry.active(KIND) == second
    assert len(registry.history(KIND)) == 2
    with pytest.raises(StaleGenerationError, match="is at generation 2"):
        activate(registry, "v2", expected_generation=1)
    assert registry.rollback(KIND, actor="alice").version.version_id == "v1"


def test_a_request_with_an_id_is_recorded_although_it_changes_nothing(
    registry: ModelRegistry, store: Path
) -> None:
    register(registry, store, "v1", "v2")
    activate(registry, "v1")
    again = activate(registry, "v1", request_id="deploy 17")
    assert again.generation == 2
    activate(registry, "v2")
    # Were it not recorded, its repetition would undo what somebody else has activated since.
    assert activate(registry, "v1", request_id="deploy 17") == again
    assert active(registry) == "v2"


def test_an_id_that_two_kinds_use_at_once_is_one_activation(
    registry: ModelRegistry, store: Path
) -> None:
    kinds = [f"kind_{n}" for n in range(8)]
    for kind in kinds:
        registry.register(kind, "v1", store / "v1", actor="alice")
    go, outcomes = threading.Barrier(8), list[str]()

    def run(kind: str) -> None:
        go.wait()
        try:
            registry.activate(kind, "v1", actor="alice", request_id="deploy")
            outcomes.append("done")
        except RequestReusedError:
            outcomes.append("reused")

    threads = [threading.Thread(target=run, args=(kind,)) for kind in kinds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["done", *["reused"] * 7]
    assert len(registry.all_active()) == 1


def test_other_vectors_are_refused_unless_allowed(registry: ModelRegistry, store: Path) -> None:
    register(registry, store, "v1", "other")
    activate(registry, "v1")
    with pytest.raises(DifferentVectorsError, match="allow_different_vectors=True"):
        activate(registry, "other")
    assert activate(registry, "other", allow_different_vectors=True).new_vector_space
    with pytest.raises(DifferentVectorsError):
        registry.rollback(KIND, actor="alice")
    back = registry.rollback(KIND, actor="alice", allow_different_vectors=True)
    assert (back.version.version_id, back.new_vector_space) == ("v1", True)


def test_rollbacks_go_back_step_by_step_and_never_forward(
    registry: ModelRegistry, store: Path
) -> None:
    register(registry, store, "v1", "v2", "v3")

    def roll() -> str:
        return registry.rollback(KIND, actor="alice").version.version_id

    with pytest.raises(VersionNotFoundError, match="nothing is active to return to"):
        roll()
    for version in ("v1", "v2", "v3"):
        activate(registry, version)
    assert (roll(), roll()) == ("v2", "v1")
    with pytest.raises(VersionNotFoundError, match="there is no version before"):
        roll()
    activate(registry, "v3")
    activate(registry, "v3", request_id="the same version is no step")
    assert roll() == "v1"
    assert [each.action for each in registry.history(KIND, limit=3)] == [
        "rollback",
        "activate",
        "activate",
    ]


def test_the_version_of_an_earlier_time_is_known(registry: ModelRegistry, store: Path) -> None:
    register(registry, store, "v1", "v2")
    first, second = activate(registry, "v1"), activate(registry, "v2")
    assert registry.active_at(KIND, first.at - timedelta(seconds=1)) is None
    assert registry.active_at(KIND, second.at) == second
    assert registry.active_at(KIND, second.at + timedelta(days=1)) == second
    if first.at < second.at:
        assert registry.active_at(KIND, second.at - timedelta(microseconds=1)) == first
    with pytest.raises(InvalidArgumentError, match="has no zone"):
        registry.active_at(KIND, datetime(2026, 1, 1))


@pytest.mark.parametrize(
    "table", ["model_kind", "model", "model_version", "activation", "active_version"]
)
def test_rows_are_neither_changed_nor_deleted(
    registry: ModelRegistry, store: Path, table: str
) -> None:
    register(registry, store, "v1")
    activate(registry, "v1")
    column = {"model_kind": "type", "model": "model_id"}.get(table, "kind")
    statements = [f"UPDATE {table} SET {column} = 'x'", f"DELETE FROM {table}"]
    if registry.database.dialect == "postgresql":
        statements.append(f"TRUNCATE {table} CASCADE")
    for statement in statements:
        with (
            pytest.raises(DBAPIError, match="never change"),
            registry.database.writing() as connection,
        ):
            connection.execute(text(statement))
    assert active(registry) == "v1"


def test_no_kind_can_have_two_active_versions(registry: ModelRegistry, store: Path) -> None:
    register(registry, store, "v1")
    register(registry, store, "v2")
    activate(registry, "v1")
    activate(registry, "v2")
    first = "SELECT kind, generation, version FROM activation WHERE generation = 1"
    with pytest.raises(IntegrityError), registry.database.writing() as connection:
        connection.execute(text(f"INSERT INTO active_version (kind, generation, version) {first}"))
    assert active(registry) == "v2"


def test_a_generation_follows_the_one_before(registry: ModelRegistry, store: Path) -> None:
    register(registry, store, "v1")
    activate(registry, "v1")
    with pytest.raises(DBAPIError), registry.database.writing() as connection:
        connection.execute(text("UPDATE active_version SET generation = 7"))


def test_eight_writers_lose_no_activation_and_leave_no_gap(
    registry: ModelRegistry, address: str, store: Path
) -> None:
    writers, each = 8, 25
    for n in range(writers):
        registry.register(KIND, f"w{n}", store / "v1", actor="alice")
    go, failures = threading.Barrier(writers), list[BaseException]()
    requests = [[str(uuid.uuid4()) for _ in range(each)] for _ in range(writers)]

    def run(n: int) -> None:
        try:
            with Database(address) as database:
                own = ModelRegistry(database)
                go.wait()
                for request in requests[n]:
                    own.activate(KIND, f"w{n}", actor=f"w{n}", request_id=request)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=run, args=(n,)) for n in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    history = registry.history(KIND, limit=1000)
    assert [each.generation for each in history] == list(range(writers * each, 0, -1))
    assert {each.request_id for each in history} == {one for own in requests for one in own}
    assert [each.at for each in history] == sorted((each.at for each in history), reverse=True)


def test_eight_programs_that_activate_the_same_at_once_make_one_activation(
    registry: ModelRegistry, address: str, store: Path
) -> None:
    register(registry, store, "v1", "v2")
    activate(registry, "v1")
    go, got = threading.Barrier(8), list[Activation]()

    def run() -> None:
        with Database(address) as database:
            own = ModelRegistry(database)
            go.wait()
            got.append(own.activate(KIND, "v2", actor="alice"))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.generation for each in got] == [2] * 8
    assert len(registry.history(KIND)) == 2


def test_of_two_operators_at_once_one_wins(registry: ModelRegistry, store: Path) -> None:
    register(registry, store, "v1", "v2", "v3")
    outcomes: list[str] = []
    for _ in range(10):
        # Neither of the two is active.
        before = activate(registry, "v1").generation
        go = threading.Barrier(2)

        def run(version: str, before: int = before, go: threading.Barrier = go) -> None:
            go.wait()
            try:
                activate(registry, version, actor=version, expected_generation=before)
                outcomes.append("done")
            except StaleGenerationError as error:
                assert error.by in ("v2", "v3")
                outcomes.append("stale")

        threads = [threading.Thread(target=run, args=(name,)) for name in ("v2", "v3")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(outcomes) == ["done"] * 10 + ["stale"] * 10
    assert registry.history(KIND)[0].generation == 20


@pytest.mark.parametrize("address", ["postgresql"], indirect=True)
def test_a_user_needs_to_change_no_table_but_one(registry: ModelRegistry, store: Path) -> None:
    role = f"operator_{os.getpid()}"
    with registry.database.writing() as connection:
        connection.execute(text(f"CREATE ROLE {role} LOGIN"))
        connection.execute(text(f"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO {role}"))
        connection.execute(text(f"GRANT UPDATE ON active_version TO {role}"))
    try:
        address = registry.database.url.set(username=role, drivername="postgresql")
        with Database(address.render_as_string(hide_password=False)) as database:
            own = ModelRegistry(database)
            register(own, store, "v1", "v2")
            activate(own, "v1")
            activate(own, "v2")
            own.rollback(KIND, actor="alice")
            assert active(own) == "v1"
    finally:
        with registry.database.writing() as connection:
            connection.execute(text(f"DROP OWNED BY {role}"))
            connection.execute(text(f"DROP ROLE {role}"))


def test_the_view_of_models_has_the_columns_of_the_predecessor(
    registry: ModelRegistry, store: Path
) -> None:
    register(registry, store, "v1", "v2")
    activate(registry, "v1", reason="first")
    with registry.database.reading() as connection:
        rows = connection.execute(text("SELECT * FROM models ORDER BY version_id")).mappings().all()
    assert list(rows[0])[1:] == [
        *("model_id", "version_id", "model_type", "source_repo", "checkpoint_hash"),
        *("inference_config", "change_history", "created_at", "is_active"),
    ]
    assert [bool(row["is_active"]) for row in rows] == [True, False]
    assert "first" in str(rows[0]["change_history"])
    assert str(rows[1]["change_history"]) == "[]"


def test_the_overview_counts_versions_and_says_what_is_active(
    registry: ModelRegistry, store: Path
) -> None:
    assert registry.overview() == ()
    register(registry, store, "v1", "v2")
    registry.register("other_kind", "v1", store / "v1", actor="alice")
    done = activate(registry, "v2")
    found = registry.overview()
    assert [(each.kind, each.type, each.n_versions, each.active) for each in found] == [
        ("other_kind", "dense", 1, None),
        (KIND, "dense", 2, done),
    ]
    assert registry.type_of(KIND) == "dense"
    with pytest.raises(VersionNotFoundError, match="has no kind 'text_embeding'"):
        registry.type_of("text_embeding")


def test_versions_are_found_by_a_part_of_their_names(registry: ModelRegistry, store: Path) -> None:
    register(registry, store, "v1", "v2")
    registry.register(KIND, "v1", store / "v1", actor="alice", model_id="per_cent")
    for part, names in (
        ("V2", ["tiny/v2"]),
        ("tiny/", ["tiny/v2", "tiny/v1"]),
        ("INY/V", ["tiny/v2", "tiny/v1"]),
        ("cent/v1", ["per_cent/v1"]),
        ("/v1", ["per_cent/v1", "tiny/v1"]),
        ("y/1", []),
        ("r_c", ["per_cent/v1"]),
        ("_iny", []),
        ("%", []),
    ):
        found = registry.list(KIND, containing=part).versions
        assert [each.name for each in found] == names, part


def test_a_request_and_the_target_of_a_rollback_are_found(
    registry: ModelRegistry, store: Path
) -> None:
    register(registry, store, "v1", "v2")
    first = activate(registry, "v1", request_id="r1")
    assert registry.requested("r1") == first
    assert registry.requested("r2") is None
    with pytest.raises(VersionNotFoundError, match="no version before"):
        registry.rollback_target(KIND)
    second = activate(registry, "v2")
    assert registry.rollback_target(KIND) == (second, first)
