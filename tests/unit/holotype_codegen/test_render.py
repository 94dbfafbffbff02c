"""A valid catalogue becomes a module that says the same."""

from __future__ import annotations

import ast
import copy
import subprocess
import sys
import types
from pathlib import Path
from typing import Any, get_args

import pytest
from tests.unit.holotype_codegen.catalogues import KINDS, valid_catalogue, valid_entry

from holotype.records import DenseModel, ModelInfo
from holotype_codegen.naming import RESERVED_NAMES
from holotype_codegen.render import Origin, render

ORIGIN = Origin(file="models.json", digest="0" * 64, command="make it")


def module_of(catalogue: dict[str, Any]) -> Any:
    """Render a catalogue and import the module."""
    module = types.ModuleType("generated")
    exec(compile(render(catalogue, ORIGIN).module, "generated.py", "exec"), vars(module))
    return module


def entry(model_id: str, kind: str = "dense", **architecture: Any) -> dict[str, Any]:
    made = valid_entry(kind)
    made |= {"id": model_id, "huggingface_id": f"acme/{model_id}"}
    made["architecture"] |= architecture
    return made


def test_the_module_offers_exactly_what_it_exports() -> None:
    module = module_of(valid_catalogue())
    assert all(hasattr(module, name) for name in module.__all__)
    assert module.__all__ == sorted(set(module.__all__), key=module.__all__.index)


def test_the_header_says_where_the_module_comes_from() -> None:
    header = render(valid_catalogue(), ORIGIN).module.splitlines()[:4]
    assert "do not edit" in header[0]
    assert header[1] == f"# Source: models.json, SHA-256 {'0' * 64}."
    assert header[2] == "# Make it again with: make it"


@pytest.mark.parametrize("kind", KINDS)
def test_a_catalogue_of_one_model_becomes_a_module(kind: str) -> None:
    module = module_of(valid_catalogue(valid_entry(kind)))
    (record,) = module.MODEL_REGISTRY
    assert module.get_model(record.id) is record
    assert module.models_by_type(record.type) == (record,)
    assert get_args(module.ModelId) == (record.id,)


def test_every_value_of_an_entry_is_in_its_record() -> None:
    values = valid_entry("colbert")
    (record,) = module_of(valid_catalogue(values)).MODEL_REGISTRY
    assert record.architecture_type == values["architecture"]["type"]
    assert record.matryoshka_dims == tuple(values["architecture"]["matryoshka_dims"])
    assert record.safetensors_file == values["files"]["weights"]["safetensors"]
    assert record.languages == tuple(values["capabilities"]["languages"])
    for group in ("specs", "performance", "encoding"):
        for name, value in values[group].items():
            assert getattr(record, name) == value, name
    assert [variant.id for variant in record.variants] == [v["id"] for v in values["variants"]]


@pytest.mark.parametrize(
    ("kind", "flag", "dims", "source"),
    [
        ("dense", False, (384,), "lab: the paper"),
        ("dense", None, (), None),
        ("sparse", False, (), None),
        ("cross-encoder", False, (), None),
    ],
)
def test_vectors_that_are_known_not_to_be_truncated_have_their_native_size_alone(
    kind: str, flag: bool | None, dims: tuple[int, ...], source: str | None
) -> None:
    values = valid_entry(kind)
    values["capabilities"]["matryoshka"] = flag
    values["provenance"]["/capabilities/matryoshka"] = "lab: the paper"
    (record,) = module_of(valid_catalogue(values)).MODEL_REGISTRY
    assert record.matryoshka_dims == dims
    assert record.source_of("matryoshka_dims") == source


def test_what_is_unknown_is_none_and_not_written() -> None:
    values = entry("m")
    values["specs"] |= {"hidden_dim": None, "vocab_size": None}
    catalogue = valid_catalogue(values)
    (record,) = module_of(catalogue).MODEL_REGISTRY
    assert record.hidden_dim is None
    assert "hidden_dim" not in render(catalogue, ORIGIN).module


def test_an_empty_list_of_skipped_words_is_not_an_unknown_one() -> None:
    values = valid_entry("colbert")
    values["encoding"]["skiplist"] = []
    (record,) = module_of(valid_catalogue(values)).MODEL_REGISTRY
    assert record.skiplist == ()


def test_an_empty_prompt_is_not_an_unknown_one() -> None:
    values = valid_entry("dense")
    values["encoding"] |= {"query_prompt": "", "document_prompt": None}
    (record,) = module_of(valid_catalogue(values)).MODEL_REGISTRY
    assert record.query_prompt == ""
    assert record.document_prompt is None


def test_sources_of_a_group_speak_for_its_fields() -> None:
    values = valid_entry("dense")
    values["provenance"] = {"*": "lab", "/encoding": "lab: a", "/encoding/pooling": "lab: b"}
    (record,) = module_of(valid_catalogue(values)).MODEL_REGISTRY
    assert record.source_of("pooling") == "lab: b"
    assert record.source_of("normalize") == "lab: a"
    assert record.source_of("embedding_dim") == "lab"


def test_siblings_have_a_source_of_their_own() -> None:
    values = valid_entry("colbert")
    values["provenance"] = {"*": "lab", "/variants": "lab: list"}
    (record,) = module_of(valid_catalogue(values)).MODEL_REGISTRY
    assert record.source_of("variants") == "lab: list"


def test_a_further_kind_gets_a_member_an_id_type_and_the_base_record() -> None:
    module = module_of(valid_catalogue(valid_entry("two-tower")))
    assert module.ModelType.TWO_TOWER == "two-tower"
    assert get_args(module.TwoTowerModelId) == (module.MODEL_REGISTRY[0].id,)
    assert type(module.MODEL_REGISTRY[0]) is ModelInfo


def test_sets_of_dimensions_with_the_same_ends_have_types_of_their_own() -> None:
    dims = ([96, 384], [192, 384], [96, 192, 384])
    models = [entry(f"m-{n}", matryoshka_dims=sizes) for n, sizes in enumerate(dims)]
    text = render(valid_catalogue(*models), ORIGIN).module
    assert "_Dense96To384: TypeAlias = DenseModel[Literal[96, 384]]" in text
    assert "_Dense192To384: TypeAlias = DenseModel[Literal[192, 384]]" in text
    assert "_Dense96To384No2: TypeAlias = DenseModel[Literal[96, 192, 384]]" in text


def test_models_with_ranges_share_a_type_that_takes_any_dimension() -> None:
    models = [entry(f"m-{smallest}") for smallest in (32, 64)]
    for values, smallest in zip(models, (32, 64), strict=True):
        values["architecture"]["matryoshka_range"] = [smallest, 384]
    catalogue = valid_catalogue(*models)
    rendered = render(catalogue, ORIGIN)
    assert "_DenseRange: TypeAlias = DenseModel[int]" in rendered.module
    assert "M_32: Final[_DenseRange]\n" in rendered.stub
    first, second = module_of(catalogue).MODEL_REGISTRY
    assert (first.matryoshka_range, second.matryoshka_range) == ((32, 384), (64, 384))
    assert len(first.dims) == 353


def test_text_that_looks_like_code_stays_text() -> None:
    values = entry("m")
    values["name"] = '"""; import os; os.abort(); """'
    values["description"] = 'Ends in a backslash and quotes \\""""'
    values["encoding"]["query_prompt"] = "{{ 7 * 7 }} {% raw %} ' \" \\ \n\t"
    (record,) = module_of(valid_catalogue(values)).MODEL_REGISTRY
    assert record.name == values["name"]
    assert record.description == values["description"]
    assert record.query_prompt == values["encoding"]["query_prompt"]


def test_rendering_does_not_change_the_catalogue() -> None:
    catalogue = valid_catalogue()
    before = copy.deepcopy(catalogue)
    render(catalogue, ORIGIN)
    assert catalogue == before


def test_records_of_two_catalogues_are_of_the_same_classes() -> None:
    (record,) = module_of(valid_catalogue(valid_entry("dense"))).MODEL_REGISTRY
    assert type(record) is DenseModel


@pytest.mark.parametrize("line_length", [88, 100, 120])
@pytest.mark.parametrize(
    "kinds",
    [
        *(("dense",), ("colbert",), ("sparse",), ("cross-encoder",), ("classifier",)),
        *(("image-text",), ("captioner",), ("image-text", "captioner")),
        *(("two-tower",), ("dense", "dense"), ("sparse", "sparse"), ("dense", "two-tower")),
    ],
    ids="+".join,
)
def test_a_small_catalogue_is_clean_of_ruff(
    tmp_path: Path, kinds: tuple[str, ...], line_length: int
) -> None:
    entries = [valid_entry(kind, number) for number, kind in enumerate(kinds, 1)]
    if len(entries) == 2 and kinds[0] == kinds[1] == "dense":
        entries[1]["specs"] |= {"embedding_dim": 768, "hidden_dim": 768}
    catalogue = valid_catalogue() | {"models": entries}
    rendered = render(catalogue, ORIGIN, line_length=line_length)
    module, stub = tmp_path / "models.py", tmp_path / "models.pyi"
    module.write_text(rendered.module, encoding="utf-8")
    stub.write_text(rendered.stub, encoding="utf-8")
    files = (str(module), str(stub))
    options = ("--isolated", "--no-cache", "--line-length", str(line_length), *files)
    rules = ("--select", "F,I,W,UP,B,RUF", "--target-version", "py311")
    for command in (("check", *rules), ("format", "--check", "--diff")):
        ruff = [sys.executable, "-m", "ruff", *command, *options]
        done = subprocess.run(ruff, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_constant_that_the_module_itself_uses_is_reserved() -> None:
    """An id that became one of them would take it away from the module."""
    tree = ast.parse(render(valid_catalogue(), ORIGIN).module)
    ours = {entry["id"].upper().replace("-", "_") for entry in valid_catalogue()["models"]}
    members = {kind.upper().replace("-", "_") for kind in KINDS}
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - members
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names |= {alias.name for node in imports for alias in node.names}
    assert {name for name in names if name == name.upper()} - ours == RESERVED_NAMES


def test_a_thousand_sets_of_matryoshka_sizes_with_the_same_ends_become_a_module() -> None:
    entries = [
        entry(f"m{number}", matryoshka_dims=[64, 65 + number % 300, 66 + number // 4 + 300, 1024])
        for number in range(1_100)
    ]
    for each in entries:
        each["specs"] |= {"embedding_dim": 1024, "hidden_dim": 1024}
    module = module_of(valid_catalogue(*entries))
    assert len(module.MODEL_REGISTRY) == 1_100


def test_an_id_of_thousands_of_digits_becomes_a_module() -> None:
    module = module_of(valid_catalogue(entry("9" * 5_000), entry("10")))
    assert len(module.MODEL_REGISTRY) == 2
