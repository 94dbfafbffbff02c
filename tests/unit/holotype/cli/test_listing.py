"""`holotype list` on the fixture catalogue."""

from __future__ import annotations

import json
import re
from typing import get_args

import pytest
from tests.golden import small_models as small
from tests.unit.holotype.cli.command import run

from holotype import select
from holotype.cli.app import make_app
from holotype.cli.columns import PLAIN
from holotype.cli.listing import list_models
from holotype.cli.output import counted_models
from holotype.criteria import KINDS
from holotype.query import Criteria, SortKey

LISTED = [record.id for record in small.MODEL_REGISTRY if not record.deprecated]


def ids(*arguments: str) -> list[str]:
    return run("list", "--ids", *arguments).stdout.splitlines()


def test_without_criteria_it_lists_every_model_that_is_not_deprecated() -> None:
    assert ids() == LISTED


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--type", "colbert"], ["tiny-colbert-v1"]),
        (["-t", "image-text"], ["tiny-clip"]),
        (["--organization", "OTHER lab", "-t", "classifier"], ["tiny-sentiment"]),
        (["--language", "zh"], ["tiny-colbert-v1", "tiny-dense-v2-sparse"]),
        (["--modality", "image"], ["tiny-clip", "tiny-captioner"]),
        (["--modality", "image", "-t", "captioner"], ["tiny-captioner"]),
        (["--license", "MIT"], ["tiny-dense-v2"]),
        (["--license", "mit", "--license", "cc-by-nc-sa-4.0"], ["tiny-dense-v2", "tiny-sparse"]),
        (["--min-embedding-dim", "1000"], ["tiny-sparse", "tiny-dense-v2-sparse"]),
        (["--max-embedding-dim", "512"], ["tiny-colbert-v1", "tiny-clip"]),
        (["--max-truncated-dim", "256"], ["tiny-colbert-v1", "tiny-dense-v2", "tiny-clip"]),
        (["--matryoshka"], ["tiny-colbert-v1", "tiny-dense-v2", "tiny-clip"]),
        (["--no-matryoshka", "--type", "dense"], ["tiny-dense-v1.5"]),
        (["--min-context-length", "8192"], ["tiny-reranker"]),
        (["--min-parameters", "60M"], ["tiny-sparse"]),
        (
            ["--min-embedding-dim", "3k", "--type", "sparse"],
            ["tiny-sparse", "tiny-dense-v2-sparse"],
        ),
        (["--max-memory", "8MB"], ["tiny-colbert-v1", "tiny-dense-v1.5"]),
        (["--type", "CROSS_ENCODER"], ["tiny-reranker"]),
        (["--language", "Chinese"], ["tiny-colbert-v1", "tiny-dense-v2-sparse"]),
        (["--max-parameters", "0.002B"], ["tiny-colbert-v1", "tiny-dense-v1.5"]),
        (["--min-beir-avg", "0.5"], ["tiny-colbert-v1", "tiny-dense-v2"]),
        (["--min-ms-marco-mrr10", "0.4"], ["tiny-colbert-v1"]),
        (["--no-remote-code"], ["tiny-colbert-v1"]),
        (["--no-gated"], ["tiny-colbert-v1"]),
        (["--gated"], ["tiny-reranker"]),
        (["--no-commercial-use"], ["tiny-sparse"]),
        (["TINY-dense*"], ["tiny-dense-v1.5", "tiny-dense-v2", "tiny-dense-v2-sparse"]),
        (["*-v2", "--type", "dense"], ["tiny-dense-v2"]),
    ],
)
def test_every_criterion_must_hold(arguments: list[str], expected: list[str]) -> None:
    assert ids(*arguments) == expected


def test_it_has_an_option_for_each_criterion_of_select() -> None:
    options = set(list_models.__annotations__)
    criteria = set(Criteria.__annotations__) - {"allow_remote_code"}
    assert criteria | {"type", "no_remote_code", "sort", "descending"} <= options


def test_it_sorts_by_a_field_with_unknown_values_last() -> None:
    key = "beir_avg"
    expected = select(among=small.MODEL_REGISTRY, sort_by="beir_avg", descending=True)
    assert ids("--sort", key, "--descending") == [record.id for record in expected]


@pytest.mark.parametrize("key", get_args(SortKey))
def test_it_takes_every_sort_key(key: str) -> None:
    assert sorted(ids("-s", key)) == sorted(LISTED)


def test_a_line_has_the_same_fields_for_every_model_and_a_dash_for_the_unknown() -> None:
    lines = {line[0]: line for line in run("list").lines}
    assert list(lines) == LISTED
    assert {len(line) for line in lines.values()} == {len(PLAIN)}
    assert lines["tiny-dense-v2-sparse"] == [
        "tiny-dense-v2-sparse",
        "sparse",
        "Acme",
        "acme/tiny-dense-v2",
        "3500",
        "-",
        "512",
        "3000000",
        "apache-2.0",
        "zh-Hans,pt-BR",
        "-",
        "-",
        "-",
    ]
    assert lines["tiny-clip"][-1] == "64,512"


def test_the_help_names_the_fields_of_a_line_in_their_order() -> None:
    text = " ".join((list_models.__doc__ or "").split())
    assert f"{', '.join(PLAIN)}." in text


def test_models_that_a_bound_leaves_out_because_nothing_is_known_are_counted() -> None:
    unknown = [r for r in small.MODEL_REGISTRY if not r.deprecated and r.beir_avg is None]
    answer = run("list", "--min-beir-avg", "0.1")
    assert f"min_beir_avg leaves out {counted_models(len(unknown))}" in answer.stderr
    assert "leaves out" not in run("list", "--type", "dense").stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        # The sparse model that speaks Chinese has no score; the ColBERT model has one.
        (["--language", "zh", "--min-beir-avg", "0.1"], {"min_beir_avg": 1}),
        (["--language", "zh", "--min-beir-avg", "0.1", "--max-parameters", "1"], {}),
        (["tiny-dense-v2-sparse", "--min-beir-avg", "0.1"], {"min_beir_avg": 1}),
        (["--type", "image-text", "--matryoshka"], {}),
        (["--type", "image-text", "--no-gated"], {"gated": 1}),
        (["--type", "image-text", "--gated"], {"gated": 1}),
        (["--type", "dense", "--no-remote-code"], {"allow_remote_code": 2}),
        (["--type", "dense", "--max-truncated-dim", "256"], {}),
        (["--type", "dense", "--commercial-use"], {}),
        (
            ["--type", "sparse", "--no-remote-code", "--min-beir-avg", "0"],
            {"allow_remote_code": 2, "min_beir_avg": 2},
        ),
    ],
)
def test_only_models_that_meet_all_other_criteria_are_counted(
    arguments: list[str], expected: dict[str, int]
) -> None:
    told = re.findall(r"(\w+) leaves out (\d+) models? with", run("list", *arguments).stderr)
    assert {name: int(number) for name, number in told} == expected


def test_the_help_names_every_kind() -> None:
    text = " ".join(run("list", "--help").stdout.split())
    assert f"{', '.join(KINDS)}, or a further kind." in text


def test_plain_output_has_no_escape_codes_and_no_drawing() -> None:
    assert run("list").stdout.isascii()
    assert "\x1b" not in run("list").stdout


def test_json_holds_every_field_and_null_for_the_unknown() -> None:
    answer = run("list", "--json", "--type", "dense")
    first, second = json.loads(answer.stdout)
    assert first["id"] == "tiny-dense-v1.5"
    assert first["type"] == "dense"
    assert first["pooling"] == "cls"
    assert first["ms_marco_mrr10"] is None
    assert first["provenance"]["*"] == "fixture"
    assert second["matryoshka_dims"] == [256, 512, 768]
    assert second["variants"][0]["id"] == "int8"


def test_json_keeps_the_order_of_the_records_fields() -> None:
    (colbert,) = json.loads(run("list", "--json", "--type", "colbert").stdout)
    assert list(colbert)[:3] == ["id", "type", "name"]
    assert list(colbert)[-3:] == ["skiplist", "image_prompt", "query_suffix"]


def test_no_match_prints_nothing_says_so_and_exits_with_one() -> None:
    answer = run("list", "--language", "de", "--min-beir-avg", "0.9")
    assert answer.exit_code == 1
    assert answer.stdout == ""
    assert "no model matches language=de, min_beir_avg=0.9" in answer.stderr


def test_no_match_is_an_empty_array_in_json() -> None:
    answer = run("list", "nothing", "--json")
    assert (answer.exit_code, json.loads(answer.stdout)) == (1, [])


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["tiny-dense"], "try 'tiny-dense*'"),
        (["reranker"], "try '*reranker*'"),
        (["tiny-clap"], "did you mean 'tiny-clip'?"),
        (["zzz"], "no id matches that pattern"),
        (["--license", "mit", "--min-beir-avg", "1"], "drop a criterion to find more"),
        (["--license", "GPL-3.0 or later"], "no model matches license=GPL-3.0 or later"),
    ],
)
def test_no_match_comes_with_a_hint(arguments: list[str], hint: str) -> None:
    assert hint in run("list", *arguments).stderr


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            ["--type", "dens"],
            "did you mean 'dense'? expected one of captioner, classifier, colbert, ",
        ),
        (["--organization", "akme"], "did you mean 'Acme'?"),
        (["--license", "apache2"], "did you mean 'apache-2.0'?"),
        (["--license", "mit,apache-2.0"], "give each one: --license mit --license apache-2.0"),
        (["--license", "(MIT OR isc)"], "give each one: --license MIT --license isc"),
        (["--max-parameters", "500MB"], "'500MB' is a number of bytes; write 8k, 500M"),
        (["--max-memory", "much"], "write 500MB, 1.5GB, 0.5GiB"),
        (["--sort", "size"], "'size' is no field; expected one of id, name,"),
        (["--sort", "params"], "did you mean 'parameters'?"),
        (["--max-parameters", "many"], "write 8k, 500M, 1.5B or 110000000"),
        (["--min-beir-avg", "60"], "60 is not a fraction from 0 to 1; write 0.6 for 60 points"),
        (["--min-beir-avg", "high"], "'high' is not a number; write 0.5 for 50 points"),
        (["--language", "germna"], "did you mean 'de' (german)?"),
        (["--modality", "txt"], "did you mean 'text'?"),
        (["--min-context-length", "0"], "--min-context-length"),
        (["--descending"], "--descending needs --sort FIELD"),
        (["--json", "--ids"], "--json or --ids, not both"),
        (["--colour"], "No such option"),
        (["one", "two"], "unexpected extra argument"),
    ],
)
def test_a_wrong_call_says_what_is_wrong_and_exits_with_two(
    arguments: list[str], problem: str
) -> None:
    answer = run("list", *arguments)
    assert answer.exit_code == 2
    assert answer.stdout == ""
    assert problem in answer.stderr


@pytest.mark.parametrize("module", ["no.such.module", "os", "..relative"])
def test_a_module_that_is_no_catalogue_is_a_wrong_call(module: str) -> None:
    answer = run("list", catalogue=module)
    assert answer.exit_code == 2
    assert "`holotype generate` wrote" in answer.stderr


def test_every_command_has_help_with_examples() -> None:
    names = [command.name for command in make_app().registered_commands]
    assert names == [
        *("list", "show", "licenses", "serve", "export", "download"),
        *("new", "add", "verify", "refresh", "validate", "generate", "docs"),
    ]
    for name in names:
        answer = run(str(name), "--help")
        assert answer.exit_code == 0
        assert f"Examples:\n    holotype {name}" in answer.stdout
