"""Tables of token vectors: the same vectors as the libraries that wrote them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from model2vec import StaticModel
from safetensors.numpy import save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Normalize
from sentence_transformers.base.modules.dense import Dense
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tests.parity_table import Measurement, Subject
from tests.parity_table import record as record_measurement
from tests.runtime.parity import (
    DenseRecord,
    Save,
    Vectors,
    dense_reference,
    lowest_cosine,
    read,
    subject,
)
from tokenizers import Tokenizer, models, pre_tokenizers

from holotype.encoders import load
from holotype.errors import (
    CatalogueMismatchError,
    CheckpointError,
    ClosedEncoderError,
    InvalidDimensionError,
    TensorError,
    TextOverflowWarning,
    UnsafeCheckpointError,
    UnsupportedCheckpointError,
    UnsupportedModelError,
    WrongKindError,
)
from holotype.records import DenseModel

DIM = 24
# The OpenBLAS of NumPy 1.26 adds equal numbers up one by one: 256 of them are off by 4.5e-6.
FEW_PIECES = 5e-6
LONG = ["the query and the document " * 3704, "the late text " * 900]


def assert_equal(
    ours: Vectors, theirs: Vectors, tolerance: float = 1e-6, *, of: Subject | None = None
) -> None:
    assert ours.dtype == np.float32
    assert ours.shape == theirs.shape
    largest = max(1.0, float(np.abs(theirs).max(initial=0)))
    difference = float(np.abs(ours - theirs).max(initial=0)) / largest
    if of is not None:
        record_measurement(of, Measurement(vectors=difference, cosine=lowest_cosine(ours, theirs)))
    assert difference <= tolerance


def exact(folder: Path, **options: Any) -> SentenceTransformer:
    """The reference in double precision: in single its own sums of long texts are off by 1e-4."""
    return dense_reference(folder, **options).double()


def exact_model2vec(folder: Path) -> StaticModel:
    """The other reference in double precision."""
    model = StaticModel.from_pretrained(folder)
    model.embedding = model.embedding.astype(np.float64)
    return model


@pytest.fixture
def tokenizer(bert_folder: Path) -> Tokenizer:
    """A tokenizer without gaps in its vocabulary."""
    file = json.loads((bert_folder / "tokenizer.json").read_text())
    vocabulary = file["model"]["vocab"]
    file["model"]["vocab"] = {token: at for at, token in enumerate(vocabulary)}
    return Tokenizer.from_str(json.dumps(file))


@pytest.fixture
def record(dense_record: DenseRecord) -> Callable[..., DenseModel[Any]]:
    def make(embedding_dim: int = DIM, **known: Any) -> DenseModel[Any]:
        return dense_record(embedding_dim, architecture_type="static", **known)

    return make


@pytest.fixture
def save_static(tokenizer: Tokenizer, tmp_path: Path) -> Save:
    """Save a table as sentence-transformers does, with the given modules after it."""

    def save(*modules: Any, **options: Any) -> Path:
        torch.manual_seed(3)
        table = StaticEmbedding(tokenizer, embedding_dim=DIM)
        all_modules: list[Any] = [table, *modules]
        model = SentenceTransformer(modules=all_modules, device="cpu", **options)
        model.save(str(tmp_path / "static"), create_model_card=False)
        return tmp_path / "static"

    return save


@pytest.fixture
def save_model2vec(tokenizer: Tokenizer, tmp_path: Path) -> Save:
    """Save a table as model2vec does; keywords are those of its model."""

    def save(dtype: str = "float32", **options: Any) -> Path:
        rng = np.random.default_rng(5)
        n_rows = options.pop("n_rows", tokenizer.get_vocab_size())
        vectors = rng.standard_normal((n_rows, DIM))
        vectors = (vectors * 20 if dtype == "int8" else vectors).astype(dtype)
        chosen = options.pop("tokenizer", tokenizer)
        config = {"model_type": "model2vec", **options.pop("config", {})}
        StaticModel(vectors, chosen, config=config, **options).save_pretrained(tmp_path / "m2v")
        return tmp_path / "m2v"

    return save


def test_a_process_that_is_forked_after_loading_runs_it(
    save_static: Save, record: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NumPy has no threads that would stay behind."""
    encoder = load(record(), checkpoint=save_static())
    own_id = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: own_id + 1)
    assert encoder.encode(["a query"]).shape == (1, DIM)


@pytest.mark.parametrize("modules", [[], [Normalize()]], ids=["plain", "normalized"])
def test_vectors_are_those_of_sentence_transformers(
    modules: list[Any], save_static: Save, record: Any, texts: list[str]
) -> None:
    folder = save_static(*modules, prompts={"query": "query: ", "document": "the "})
    encoder, reference = load(record(), checkpoint=folder), exact(folder)
    everything, of = texts + LONG, subject(encoder, folder)
    assert_equal(encoder.encode(everything), reference.encode(everything), of=of)
    assert_equal(encoder.encode(texts), dense_reference(folder).encode(texts), tolerance=1e-5)
    assert_equal(encoder.encode_query(everything), reference.encode_query(everything), of=of)
    assert_equal(encoder.encode_document(texts, batch_size=3), reference.encode_document(texts))
    assert_equal(encoder.encode("x"), reference.encode("x"))
    assert encoder.encode([]).shape == (0, DIM)
    assert encoder.encoding.normalized == bool(modules)
    left, right = encoder.encode_query(texts[:3]), encoder.encode_document(texts[:4])
    assert_equal(
        encoder.similarity(left, right), reference.similarity(left, right).numpy(), tolerance=1e-5
    )


def test_no_tokens_give_zeros(save_static: Save, record: Any) -> None:
    encoder = load(record(), checkpoint=save_static(Normalize()))
    assert not encoder.encode(["", "  "]).any()


def test_a_length_of_the_tokenizer_cuts_texts(
    tokenizer: Tokenizer, save_static: Save, record: Any, texts: list[str]
) -> None:
    tokenizer.enable_truncation(9, direction="left")
    folder = save_static()
    encoder = load(record(), checkpoint=folder)
    assert encoder.max_length == 9
    with pytest.warns(TextOverflowWarning):
        vectors = encoder.encode(texts)
    assert_equal(vectors, dense_reference(folder).encode(texts))


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int8"])
def test_vectors_are_those_of_model2vec(
    normalize: bool, dtype: str, save_model2vec: Save, record: Any, texts: list[str]
) -> None:
    folder = save_model2vec(dtype, normalize=normalize)
    encoder = load(record(normalize=normalize), checkpoint=folder)
    everything, of = texts + LONG, subject(encoder, folder, "model2vec")
    theirs = exact_model2vec(folder).encode(everything)
    assert_equal(encoder.encode(everything, on_overflow="truncate"), theirs, of=of)


def test_half_precision_is_added_up_in_single(
    save_model2vec: Save, record: Any, texts: list[str]
) -> None:
    folder = save_model2vec("float16")
    theirs = StaticModel.from_pretrained(folder).encode(texts)
    ours = load(record(), checkpoint=folder).encode(texts, on_overflow="truncate")
    assert_equal(ours, theirs, tolerance=2e-3)


def test_weights_and_shared_rows_are_heeded(
    save_model2vec: Save, record: Any, tokenizer: Tokenizer, texts: list[str]
) -> None:
    rng = np.random.default_rng(9)
    n_tokens = tokenizer.get_vocab_size()
    folder = save_model2vec(
        n_rows=20,
        weights=rng.random(n_tokens).astype(np.float32),
        token_mapping=rng.integers(0, 20, n_tokens),
    )
    encoder = load(record(vocab_size=n_tokens), checkpoint=folder)
    theirs = StaticModel.from_pretrained(folder).encode(texts)
    assert_equal(encoder.encode(texts, on_overflow="truncate"), theirs)


def test_sentence_transformers_reads_the_same_table(
    save_model2vec: Save, record: Any, texts: list[str]
) -> None:
    folder = save_model2vec()
    table: Any = StaticEmbedding.from_model2vec(str(folder))
    reference = SentenceTransformer(modules=[table], device="cpu").double()
    # That library keeps unknown tokens, which model2vec, the author of the file, drops.
    unknown = table.tokenizer.token_to_id("[UNK]")
    known = [text for text in texts if unknown not in table.tokenizer.encode(text).ids]
    assert len(known) > 6
    ours = load(record(), checkpoint=folder).encode(known, on_overflow="truncate")
    assert_equal(ours, reference.encode(known))


@pytest.mark.parametrize("max_length", [5, None])
def test_the_length_of_model2vec_is_heeded(
    max_length: int | None, save_model2vec: Save, record: Any, texts: list[str]
) -> None:
    folder = save_model2vec(max_length=max_length)
    encoder = load(record(), checkpoint=folder)
    assert encoder.max_length == max_length
    theirs = exact_model2vec(folder).encode(texts + LONG)
    assert_equal(encoder.encode(texts + LONG, on_overflow="truncate"), theirs)


def test_old_files_of_model2vec_mean_its_usual_length(save_model2vec: Save, record: Any) -> None:
    folder = save_model2vec()
    values = read(folder, "config.json")
    del values["max_length"], values["normalize"], values["model_type"]
    (folder / "config.json").write_text(json.dumps(values))
    encoder = load(record(), checkpoint=folder)
    assert encoder.max_length == 512
    # 512 tokens of the median length are 512 characters, of which 256 are spaces.
    text = "x " * 600
    with pytest.warns(TextOverflowWarning, match=r"1 of 1 text .* 344 tokens were cut"):
        ours = encoder.encode(text)
    assert_equal(ours, exact_model2vec(folder).encode([text])[0], FEW_PIECES)


def test_a_table_without_a_name_of_its_kind_is_known_by_its_tensor(
    save_model2vec: Save, record: Any, dense_record: DenseRecord, texts: list[str]
) -> None:
    folder = save_model2vec()
    expected = exact_model2vec(folder).encode(texts)
    (folder / "modules.json").unlink(missing_ok=True)
    values = read(folder, "config.json")
    del values["model_type"]
    configs: tuple[dict[str, Any], ...] = (values, {})
    for config in configs:
        (folder / "config.json").write_text(json.dumps(config))
        for known in (record(), dense_record(DIM)):
            found = load(known, checkpoint=folder).encode(texts, on_overflow="truncate")
            assert_equal(found, expected)


def test_words_without_a_vector_are_dropped(save_model2vec: Save, record: Any) -> None:
    words = Tokenizer(models.WordLevel({"[UNK]": 0, "late": 1, "text": 2}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    folder = save_model2vec(n_rows=3, tokenizer=words)
    encoder = load(record(), checkpoint=folder)
    both = encoder.encode(["late nonsense text", "late text"])
    assert_equal(both[0], both[1])
    assert_equal(both, StaticModel.from_pretrained(folder).encode(["late text", "late text"]))


def test_pieces_without_a_vector_are_dropped(
    save_model2vec: Save, record: Any, texts: list[str]
) -> None:
    pieces = [("<unk>", 0.0), ("▁", -1.0), ("▁late", -2.0), ("▁text", -2.0), ("a", -3.0)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    folder = save_model2vec(n_rows=5, tokenizer=tokenizer)
    ours = load(record(), checkpoint=folder).encode(texts, on_overflow="truncate")
    assert_equal(ours, exact_model2vec(folder).encode(texts), FEW_PIECES)


@pytest.mark.parametrize("modules", [[], [Normalize()]], ids=["plain", "normalized"])
def test_fewer_dimensions_are_those_of_the_reference(
    modules: list[Any], save_static: Save, record: Any, texts: list[str]
) -> None:
    folder = save_static(*modules)
    encoder = load(record(matryoshka_dims=(8, DIM)), dim=8, checkpoint=folder)
    reference = exact(folder, truncate_dim=8)
    theirs = reference.encode(texts, normalize_embeddings=bool(modules))
    assert_equal(encoder.encode(texts), theirs)
    with pytest.raises(InvalidDimensionError):
        load(record(matryoshka_dims=(8, DIM)), dim=9, checkpoint=folder)


def test_neither_torch_nor_transformers_is_imported(save_static: Save, record: Any) -> None:
    folder = save_static(Normalize())
    code = f"""
import sys
from holotype.encoders import load
from holotype.records import DenseModel
record = DenseModel(id="t", type="dense", name="T", huggingface_id="t/t", organization="T",
                    description="T", embedding_dim={DIM}, architecture_type="static")
vector = load(record, checkpoint={str(folder)!r}).encode("a text")
heavy = ("torch", "transformers", "huggingface_hub", "sentence_transformers", "scipy")
print(vector.shape, [name for name in heavy if name in sys.modules])
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == f"({DIM},) []"


def test_a_record_that_does_not_name_its_architecture_is_read_alike(
    save_static: Save, dense_record: DenseRecord, texts: list[str]
) -> None:
    folder = save_static()
    vectors = load(dense_record(DIM), checkpoint=folder).encode(texts)
    assert_equal(vectors, exact(folder).encode(texts))


@pytest.mark.parametrize(
    ("known", "theirs"),
    [
        ({"embedding_dim": 25}, DIM),
        ({"vocab_size": 7}, 100),
        ({"normalize": True}, False),
        ({"pooling": "cls"}, "mean"),
        ({"similarity": "dot"}, "cosine"),
        ({"context_length": 100}, 512),
        ({"query_prompt": "q: "}, None),
    ],
    ids=str,
)
def test_what_differs_is_shown_with_both_values(
    known: dict[str, Any], theirs: object, save_model2vec: Save, record: Any
) -> None:
    folder = save_model2vec()
    (folder / "config_sentence_transformers.json").write_text(
        json.dumps({"similarity_fn_name": "cosine"})
    )
    if theirs is None:
        assert load(record(**known), checkpoint=folder).encoding.query_prompt.text == "q: "
        return
    (field, ours), *_ = known.items()
    with pytest.raises(CatalogueMismatchError) as caught:
        load(record(**known), checkpoint=folder)
    assert [difference[:2] for difference in caught.value.differences] == [(field, ours)]
    if field != "vocab_size":
        assert caught.value.differences[0][2] == theirs


def test_another_architecture_is_a_difference(save_static: Save, dense_record: DenseRecord) -> None:
    with pytest.raises(CatalogueMismatchError, match=r"architecture_type.*'bert'.*'static'"):
        load(dense_record(DIM, architecture_type="bert"), checkpoint=save_static())


def test_a_transformer_is_no_table(bert_folder: Path, record: Any) -> None:
    with pytest.raises(WrongKindError, match="no table of token vectors"):
        load(record(), checkpoint=bert_folder)


def test_other_modules_are_refused(save_static: Save, record: Any) -> None:
    with pytest.raises(UnsupportedCheckpointError, match="lists Dense"):
        load(record(), checkpoint=save_static(Dense(DIM, 8)))


def _spoil(folder: Path, **tensors: Any) -> None:
    save_file(tensors, folder / "model.safetensors")


@pytest.mark.parametrize(
    ("tensors", "error", "message"),
    [
        ({"other": np.ones((3, 2))}, TensorError, "missing: embedding.weight or embeddings"),
        ({"embeddings": np.ones(3)}, TensorError, "of another shape"),
        ({"embeddings": np.ones((3, DIM))}, CheckpointError, "has only 3 tokens"),
        (
            {"embeddings": np.ones((100, DIM)), "weights": np.ones(3)},
            TensorError,
            r"weights \(\[3\], expected \[100\]\)",
        ),
        (
            {"embeddings": np.ones((3, DIM)), "mapping": np.full(100, 3)},
            CheckpointError,
            "points outside of the 3 vectors",
        ),
        ({"embeddings": np.ones((3, DIM)), "more": np.ones(3)}, TensorError, "unexpected: more"),
    ],
    ids=lambda value: None,
)
def test_a_damaged_table_is_an_error(
    tensors: Any, error: type[Exception], message: str, save_static: Save, record: Any
) -> None:
    folder = save_static()
    _spoil(folder, **tensors)
    with pytest.raises(error, match=message):
        load(record(), checkpoint=folder)


def test_pickled_tables_are_refused(save_static: Save, record: Any) -> None:
    folder = save_static()
    path = folder / "model.safetensors"
    path.rename(path.with_name("pytorch_model.bin"))
    with pytest.raises(UnsafeCheckpointError, match=r"pytorch_model\.bin"):
        load(record(), checkpoint=folder)
    path.with_name("pytorch_model.bin").unlink()
    with pytest.raises(CheckpointError, match=r"has no model\.safetensors"):
        load(record(), checkpoint=folder)


def test_another_device_or_type_is_refused(save_static: Save, record: Any) -> None:
    folder = save_static()
    with pytest.raises(UnsupportedModelError, match="on the CPU in float32, not on cuda"):
        load(record(), checkpoint=folder, device="cuda")
    wrong: tuple[Any, ...] = ("bfloat16", "int8")
    for dtype in wrong:
        with pytest.raises(
            UnsupportedModelError, match=rf"on the CPU in float32, not .* in {dtype}"
        ):
            load(record(), checkpoint=folder, dtype=dtype)


def test_a_closed_encoder_gives_its_table_back(save_static: Save, record: Any) -> None:
    encoder = load(record(), checkpoint=save_static())
    assert encoder.memory_bytes == encoder.record.embedding_dim * 4 * 115
    encoder.close()
    with pytest.raises(ClosedEncoderError):
        encoder.encode("text")


def test_a_stream_gives_the_same_vectors(save_static: Save, record: Any, texts: list[str]) -> None:
    encoder = load(record(), checkpoint=save_static())
    encoder.warm_up()
    assert encoder.count_tokens(["late text", ""]).tolist() == [2, 0]
    streamed = np.concatenate(list(encoder.encode_stream(iter(texts * 100), side="text")))
    np.testing.assert_array_equal(streamed, encoder.encode(texts * 100))


def test_threads_share_an_encoder(save_static: Save, record: Any, texts: list[str]) -> None:
    encoder = load(record(), checkpoint=save_static(Normalize()))
    expected = encoder.encode(texts)
    with ThreadPoolExecutor(16) as threads:
        for vectors in threads.map(lambda _: encoder.encode(texts), range(64)):
            np.testing.assert_array_equal(vectors, expected)


@pytest.mark.parametrize("missing", ["numpy", "tokenizers", "safetensors"])
def test_a_missing_package_is_named_with_the_command_that_installs_it(missing: str) -> None:
    code = f"""
import sys
sys.modules[{missing!r}] = None
from holotype import MissingExtraError, load
try: load("potion-base-8m")
except MissingExtraError as error: print(error)
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == (
        f"load() needs {missing!r}, which is not installed; run: pip install 'holotype[static]'\n"
    )
