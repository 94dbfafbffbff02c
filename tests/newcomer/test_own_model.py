"""An hour with a model of one's own: what people type first works, or says what to write."""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
import re
import shutil
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from tests.unit.holotype.cli.command import run

from holotype import find_model, get_model
from holotype import load as typed_load
from holotype.encoders.exports import export
from holotype.errors import (
    AmbiguousModelError,
    AmbiguousNameError,
    CatalogueMismatchError,
    CheckpointError,
    HolotypeError,
    LostPromptWarning,
    ModelNotFoundError,
)
from holotype.models import ALL_MINILM_L6_V2, SNOWFLAKE_ARCTIC_EMBED_XS
from holotype.publishing import create_artifact

# As a newcomer writes it, before any type checker has had its say.
load: Any = typed_load
look_up: Any = get_model

TEXTS = ["Cats like tuna.", "Paris is in France."]


def told(call: Callable[[], object], error: type[BaseException] = HolotypeError) -> str:
    """Return the message of an error, which is one line."""
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    return message


def change(file: Path, **values: object) -> None:
    known = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps(known | values))


@pytest.fixture
def arctic(desk: Path) -> Path:
    """A folder of the shape of snowflake-arctic-embed-xs; its prompt is on the card alone."""
    folder = desk / "downloaded"
    (desk / "mymodel").rename(folder)
    (folder / "README.md").unlink()
    change(folder / "config.json", _name_or_path="somewhere")
    change(folder / "sentence_bert_config.json", max_seq_length=512)
    change(
        folder / "1_Pooling" / "config.json",
        pooling_mode_cls_token=True,
        pooling_mode_mean_tokens=False,
    )
    return folder


class TestOneLoadsAFolder:
    @pytest.mark.parametrize("name", ["mymodel", "./mymodel", Path("mymodel"), "local:mymodel"])
    def test_by_its_name(self, name: Any, desk: Path, minilm: Path) -> None:
        ours = load(name, device="cpu")
        theirs = SentenceTransformer(str(minilm), device="cpu")
        np.testing.assert_allclose(ours.encode(TEXTS), theirs.encode(TEXTS), atol=1e-5)

    def test_by_its_absolute_path(self, desk: Path) -> None:
        assert load(f"{desk}/mymodel", device="cpu").record.id == "mymodel"

    def test_with_a_name_of_ones_own_and_is_told_the_line(self, desk: Path) -> None:
        message = told(lambda: load("my-model", checkpoint="mymodel"), ModelNotFoundError)
        assert "write load('local:mymodel')" in message
        assert load("local:mymodel", device="cpu").dim == 384

    def test_that_is_not_there(self, desk: Path) -> None:
        message = told(lambda: load("mymodl"), ModelNotFoundError)
        assert "no such folder here" in message
        assert "'local:PATH'" in message

    def test_that_holds_nothing(self, desk: Path) -> None:
        (desk / "emp").mkdir()
        message = told(lambda: load("local:emp"), CheckpointError)
        assert "holds no model: it has neither config.json nor modules.json" in message

    def test_twice_over(self, desk: Path) -> None:
        message = told(lambda: load(Path("mymodel"), checkpoint="mymodel"), TypeError)
        assert "leave checkpoint= out" in message

    def test_that_was_tuned_from_an_entry_under_its_id(self, desk: Path) -> None:
        tuned = load("all-minilm-l6-v2", checkpoint="mymodel", device="cpu")
        assert tuned.record is ALL_MINILM_L6_V2

    def test_called_like_an_entry(self, desk: Path) -> None:
        (desk / "mymodel").rename(desk / "all-minilm-l6-v2")
        message = told(lambda: load("all-minilm-l6-v2"), AmbiguousNameError)
        assert "'catalogue:all-minilm-l6-v2' or 'local:all-minilm-l6-v2'" in message
        assert load("local:all-minilm-l6-v2", device="cpu").dim == 384

    def test_where_a_folder_without_a_model_is_in_nobodys_way(self, desk: Path) -> None:
        (desk / "all-minilm-l6-v2").mkdir()
        assert load("all-minilm-l6-v2", checkpoint="mymodel", device="cpu").dim == 384
        with pytest.raises(CheckpointError, match="is not in the Hub's cache"):
            load("all-minilm-l6-v2")

    def test_of_another_size_than_the_entry(self, desk: Path) -> None:
        with pytest.raises(CatalogueMismatchError) as caught:
            load("all-minilm-l12-v2", checkpoint="mymodel")
        fields = {field for field, *_ in caught.value.differences}
        assert {"layers", "parameters"} <= fields


class TestOneKnowsTheNameOnTheHub:
    @pytest.mark.parametrize(
        "name",
        [
            "sentence-transformers/all-MiniLM-L6-v2",
            "sentence-transformers/all-minilm-l6-v2",
            "all-MiniLM-L6-v2",
        ],
    )
    def test_and_gets_the_entry(self, name: str, desk: Path) -> None:
        assert look_up(name) is ALL_MINILM_L6_V2
        assert find_model(name) is ALL_MINILM_L6_V2
        assert load(name, checkpoint="mymodel", device="cpu").record is ALL_MINILM_L6_V2

    @pytest.mark.parametrize("call", [load, look_up, find_model])
    def test_of_a_repository_with_several_modes(self, call: Callable[[str], object]) -> None:
        message = told(lambda: call("BAAI/bge-m3"), AmbiguousModelError)
        assert "name one by its id: 'bge-m3-colbert', 'bge-m3', 'bge-m3-sparse'" in message

    def test_of_a_repository_outside_the_catalogue(self) -> None:
        message = told(lambda: load("acme/encoder"), ModelNotFoundError)
        assert "write 'hf:acme/encoder' for the repository on the Hub" in message


class TestAFolderIsACopyOfAnEntry:
    PROMPT = SNOWFLAKE_ARCTIC_EMBED_XS.query_prompt

    def test_as_its_download_proves(self, arctic: Path) -> None:
        for path in [path for path in arctic.rglob("*") if path.is_file()]:
            name = path.relative_to(arctic).as_posix()
            note = arctic / ".cache/huggingface/download" / f"{name}.metadata"
            note.parent.mkdir(parents=True, exist_ok=True)
            content = path.read_bytes()
            git = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            large = hashlib.sha256(content).hexdigest()
            digest = large if name == "model.safetensors" else git
            note.write_text(f"{SNOWFLAKE_ARCTIC_EMBED_XS.revision}\n{digest}\n0\n")
        encoder = load("local:downloaded", device="cpu")
        assert encoder.record is SNOWFLAKE_ARCTIC_EMBED_XS
        assert f"query_prompt={self.PROMPT!r}" in repr(encoder)
        expected = encoder.encode(f"{self.PROMPT}{TEXTS[0]}")
        np.testing.assert_array_equal(encoder.encode_query(TEXTS[0]), expected)
        created = create_artifact("local:downloaded", Path("artifact"))
        assert created.record.query_prompt == self.PROMPT  # type: ignore[attr-defined]
        # A file that is not the one that was downloaded may be another model's.
        change(arctic / "tokenizer_config.json", padding_side="left")
        with pytest.warns(LostPromptWarning, match="it was downloaded from 'Snowflake/"):
            assert load("local:downloaded", device="cpu").record.id == "downloaded"

    def test_as_its_configuration_says(self, arctic: Path) -> None:
        change(arctic / "config.json", _name_or_path="Snowflake/snowflake-arctic-embed-xs")
        with pytest.warns(LostPromptWarning) as caught:
            encoder = load("local:downloaded", device="cpu")
        message = str(caught[0].message)
        assert caught[0].filename == __file__
        assert "its config.json names 'Snowflake/snowflake-arctic-embed-xs'" in message
        assert f"query_prompt={self.PROMPT!r}" in message
        assert "write load('snowflake-arctic-embed-xs', checkpoint='downloaded')" in message
        assert "query_prompt=''" in repr(encoder)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ours = load("snowflake-arctic-embed-xs", checkpoint="downloaded", device="cpu")
            assert load("local:downloaded", query_prompt="", device="cpu").dim == 384
        assert ours.encoding.query_prompt.text == self.PROMPT

    def test_as_the_name_of_the_folder_says(self, arctic: Path, desk: Path) -> None:
        arctic.rename(desk / "snowflake-arctic-embed-xs")
        with pytest.warns(LostPromptWarning, match="its folder is called 'snowflake-arctic-embed"):
            load("local:snowflake-arctic-embed-xs", device="cpu")

    def test_as_its_card_says(self, arctic: Path) -> None:
        (arctic / "README.md").write_text("base_model: snowflake/snowflake-arctic-embed-xs\n")
        with pytest.warns(LostPromptWarning, match=r"its README\.md names 'Snowflake/snowflake-"):
            load("local:downloaded", device="cpu")
        with pytest.warns(LostPromptWarning, match="--entry snowflake-arctic-embed-xs"):
            create_artifact("local:downloaded", Path("artifact"))

    def test_as_nothing_says(self, arctic: Path) -> None:
        # Its shape is that of many models.
        assert load("local:downloaded", device="cpu").dim == 384

    def test_but_states_its_own_prompts(self, arctic: Path) -> None:
        change(arctic / "config.json", _name_or_path="Snowflake/snowflake-arctic-embed-xs")
        library = arctic / "config_sentence_transformers.json"
        change(library, prompts={"query": "q: ", "document": "d: "})
        assert load("local:downloaded", device="cpu").encoding.query_prompt.text == "q: "

    def test_of_another_shape(self, desk: Path) -> None:
        # Mean pooling, where the entry takes the first token.
        change(desk / "mymodel/config.json", _name_or_path="Snowflake/snowflake-arctic-embed-xs")
        assert load("local:mymodel", device="cpu").dim == 384

    def test_of_which_it_is_an_export(self, arctic: Path, desk: Path) -> None:
        pytest.importorskip("onnxscript")
        export("snowflake-arctic-embed-xs", backend="onnx", checkpoint=arctic, to="exported")
        encoder = load("local:exported", backend="onnx")
        assert encoder.record is SNOWFLAKE_ARCTIC_EMBED_XS


class TestOneChangesHowItIsRun:
    def test_with_a_shorter_length(self, desk: Path) -> None:
        whole = load("mymodel", device="cpu")
        short = load("mymodel", device="cpu", max_length=16)
        assert "max_length=16" in repr(short)
        assert short.fingerprint != whole.fingerprint
        assert load("mymodel", device="cpu", max_length=256).fingerprint == whole.fingerprint
        theirs = SentenceTransformer("mymodel", device="cpu")
        theirs.max_seq_length = 16
        text = "a long text about cats " * 9
        np.testing.assert_allclose(
            short.encode(text, on_overflow="truncate"), theirs.encode(text), atol=1e-5
        )
        assert "reads texts of at most 256 tokens" in told(lambda: load("mymodel", max_length=512))

    def test_with_other_prompts(self, desk: Path) -> None:
        plain = load("mymodel", device="cpu")
        prompted = load("mymodel", device="cpu", query_prompt="query: ")
        assert "query_prompt='query: ', document_prompt=''" in repr(prompted)
        assert prompted.fingerprint != plain.fingerprint
        expected = plain.encode("query: cats")
        np.testing.assert_array_equal(prompted.encode_query("cats"), expected)
        np.testing.assert_array_equal(plain.encode_query("cats", prompt="query: "), expected)
        np.testing.assert_array_equal(plain.encode_document("cats", prompt="query: "), expected)
        np.testing.assert_array_equal(
            prompted.encode_query("cats", prompt=""), plain.encode_query("cats")
        )
        (window,) = plain.encode_stream(["cats"], "query", prompt="query: ")
        np.testing.assert_array_equal(window[0], expected)

    def test_in_place_of_those_of_the_record(self, arctic: Path) -> None:
        encoder = load(
            "snowflake-arctic-embed-xs", checkpoint=arctic, query_prompt="", device="cpu"
        )
        np.testing.assert_array_equal(encoder.encode_query("cats"), encoder.encode("cats"))
        assert encoder.record is SNOWFLAKE_ARCTIC_EMBED_XS

    def test_with_options_of_torch(self, desk: Path) -> None:
        encoder = load("mymodel", device=torch.device("cpu"), dtype=torch.float16)
        assert (encoder.device, encoder.dtype) == ("cpu", "float16")


class TestOneComesFromSentenceTransformers:
    @pytest.mark.parametrize(
        ("option", "value", "instead"),
        [
            ("convert_to_tensor", True, "torch.from_numpy()"),
            ("normalize_embeddings", True, "leave it out"),
            ("show_progress_bar", False, "pass progress="),
            ("prompt_name", "query", "call encode_query()"),
            ("truncate_dim", 64, "pass dim= to load()"),
            ("precision", "int8", "quantize("),
            ("batchsize", 8, "did you mean 'batch_size'?"),
        ],
    )
    def test_with_an_option_of_encode(
        self, option: str, value: object, instead: str, desk: Path
    ) -> None:
        encoder = load("mymodel", device="cpu")
        for method in (encoder.encode, encoder.encode_query, encoder.encode_document):
            assert instead in told(partial(method, "a", **{option: value}), TypeError)

    @pytest.mark.parametrize(
        ("option", "value", "instead"),
        [
            ("truncate_dim", 64, "pass dim="),
            ("prompts", {"query": "q"}, "pass query_prompt= and document_prompt="),
            ("max_seq_length", 64, "pass max_length="),
            ("revision", "main", "write load('hf:ORG/MODEL@REVISION')"),
            ("cache_folder", "x", "set HF_HOME"),
            ("maxlength", 64, "did you mean 'max_length'?"),
        ],
    )
    def test_with_an_option_of_the_constructor(
        self, option: str, value: object, instead: str, desk: Path
    ) -> None:
        assert instead in told(lambda: load("mymodel", **{option: value}), TypeError)

    def test_with_a_folder_that_cuts_its_vectors(self, desk: Path) -> None:
        change(desk / "mymodel/config_sentence_transformers.json", truncate_dim=64)
        ours, theirs = load("mymodel", device="cpu"), SentenceTransformer("mymodel", device="cpu")
        expected = theirs.encode(TEXTS, normalize_embeddings=True)
        np.testing.assert_allclose(ours.encode(TEXTS), expected, atol=1e-5)


class TestOneMistypesAnArgument:
    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({"device": "gpu"}, "torch calls it 'cuda', or 'mps' on a Mac"),
            ({"device": "mps"}, "there is no device 'mps' here; pass 'cpu', or None"),
            ({"device": "banana"}, "there is no device 'banana' here; pass 'cpu', or None"),
            ({"device": 0}, "expected a text such as 'cpu' or 'cuda:0', or None"),
            ({"dtype": "fp16"}, "expected one of float32, float16, bfloat16, int8, auto"),
            ({"dtype": 16}, "expected a text such as 'float16', or None"),
            ({"backend": "ort"}, "expected one of torch, onnx, openvino"),
            ({"trust_remote_code": "yes"}, "expected True or False"),
            ({"max_length": "64"}, "expected a whole number of at least 1, or None"),
            ({"query_prompt": 3}, "expected a text, or None"),
            ({"verify": "all"}, "expected 'sizes' or 'full'"),
            ({"lock": 3}, "expected the path of a lock file, or None"),
            ({"dim": "384"}, "pass only dim=384"),
        ],
    )
    @pytest.mark.skipif(torch.cuda.is_available(), reason="the devices of a machine with one CPU")
    def test_of_load(self, options: dict[str, object], expected: str, desk: Path) -> None:
        assert expected in told(lambda: load("mymodel", **options), ValueError)

    @pytest.mark.parametrize("checkpoint", [3, b"mymodel", ["mymodel"]])
    def test_a_checkpoint(self, checkpoint: object) -> None:
        message = told(lambda: load(ALL_MINILM_L6_V2, checkpoint=checkpoint), TypeError)
        assert "expected the path of a folder, or None" in message

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({"batch_size": "8"}, "batch_size is '8'; expected a whole number of at least 1"),
            ({"batch_size": 8.5}, "batch_size is 8.5; expected a whole number of at least 1"),
            ({"batch_size": True}, "batch_size is True; expected a whole number of at least 1"),
            ({"prompt": 3}, "prompt is 3; expected a text, or None"),
            ({"progress": "yes"}, "progress is 'yes'; expected True or False"),
            ({"devices": "cpu"}, "expected a list such as ['cuda:0', 'cuda:1'], or None"),
            ({"on_overflow": "cut"}, "expected one of error, warn, truncate"),
        ],
    )
    def test_of_encode(self, options: dict[str, object], expected: str, desk: Path) -> None:
        encoder = load("mymodel", device="cpu")
        assert expected in told(lambda: encoder.encode("a text", **options))

    def test_and_compares_texts_in_place_of_vectors(self, desk: Path) -> None:
        encoder = load("mymodel", device="cpu")
        for queries, documents in (("a", "b"), (["a"], ["b"]), (encoder.encode("a"), "b")):
            for score in (encoder.similarity, encoder.similarity_pairwise):
                message = told(partial(score, queries, documents))
                assert "write encoder.similarity(encoder.encode_query(...)" in message


class TestOneHasOnlyAGraph:
    def test_and_is_told_the_backend(self, desk: Path) -> None:
        (desk / "mymodel/model.safetensors").unlink()
        (desk / "mymodel/onnx").mkdir()
        shutil.copy(desk / "mymodel/config.json", desk / "mymodel/onnx/model.onnx")
        assert "load it with backend='onnx'" in told(lambda: load("mymodel", device="cpu"))
        (desk / "mymodel/pytorch_model.bin").write_bytes(b"a pickle")
        assert "run its graph with backend='onnx'" in told(lambda: load("mymodel", device="cpu"))

    def test_and_the_advice_to_make_one_can_be_followed(self, desk: Path) -> None:
        pytest.importorskip("onnxscript")
        message = told(lambda: load("local:mymodel", backend="onnx"))
        command = message.partition("make one with: ")[2]
        assert command == "holotype export local:mymodel --backend onnx"
        answer = run(*command.split()[1:])
        assert (answer.exit_code, answer.stderr) == (0, "")
        assert load("local:mymodel-onnx", backend="onnx").dim == 384


class TestOneTypesItOnTheCommandLine:
    @pytest.mark.parametrize("name", ["local:mymodel", "mymodel", "./mymodel"])
    def test_every_command_takes_a_folder(self, name: str, desk: Path) -> None:
        shown = run("show", name)
        assert (shown.exit_code, shown.stderr) == (0, "")
        assert "embedding_dim\t384\t" in shown.stdout
        verified = run("verify", name)
        assert (verified.exit_code, verified.stderr) == (0, "")
        described = run("artifact", "info", name)
        assert "embedding_dim\t384\n" in described.stdout
        assert run("artifact", "create", name, "--to", "made").exit_code == 0
        for artifact in ("made", "local:made"):
            assert run("artifact", "verify", artifact).exit_code == 0
            assert run("verify", f"local:{artifact.removeprefix('local:')}").exit_code == 0

    def test_names_of_the_catalogue_are_the_same_everywhere(self, desk: Path) -> None:
        own = partial(run, catalogue="holotype.models")
        for name in (
            "all-minilm-l6-v2",
            "sentence-transformers/all-minilm-l6-v2",
            "catalogue:all-minilm-l6-v2",
        ):
            assert own("show", name).stdout.startswith("id\tall-minilm-l6-v2\t")
            verified = own("verify", name, "--from", "mymodel")
            assert verified.stdout.startswith("all-minilm-l6-v2\t")
        many = own("show", "BAAI/bge-m3")
        assert "name one of bge-m3-colbert, bge-m3, bge-m3-sparse" in many.stderr

    def test_what_is_nothing_gets_the_ways_to_write_it(self, desk: Path) -> None:
        for command in (["show"], ["verify"], ["export", "--backend", "onnx"]):
            answer = run(*command, "mymodl")
            assert answer.exit_code == 1
            assert "A folder of your own is local:PATH" in answer.stderr


class TestOneKnowsSentenceTransformers:
    @pytest.mark.parametrize(
        ("name", "instead"),
        [
            ("max_seq_length", "pass max_length= to load()"),
            ("tokenizer", "write count_tokens(texts)"),
            ("get_sentence_embedding_dimension", "read dim"),
            ("to", "pass device= to load()"),
        ],
    )
    def test_and_is_told_what_there_is_in_place_of_an_attribute(
        self, name: str, instead: str, desk: Path
    ) -> None:
        encoder = load("mymodel", device="cpu")
        with pytest.raises(AttributeError, match=re.escape(instead)):
            getattr(encoder, name)
        with pytest.raises(AttributeError, match=f"'{name}' cannot be set"):
            setattr(encoder, name, 64)
        assert not hasattr(encoder, "no_such_thing")

    def test_a_pickle_knows_its_folder_from_everywhere(
        self, desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        encoder = load("mymodel", device="cpu")
        monkeypatch.chdir(tmp_path)
        for other in (pickle.loads(pickle.dumps(encoder)), copy.copy(encoder)):
            np.testing.assert_array_equal(other.encode("a"), encoder.encode("a"))
