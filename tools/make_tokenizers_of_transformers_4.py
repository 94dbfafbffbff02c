r"""Make the tokenizers of tests/fixtures/made_by_transformers_4, as transformers 4 saves them.

It runs in an environment of its own::

    python -m venv /tmp/four
    /tmp/four/bin/pip install "transformers==4.57.6" sentencepiece protobuf
    /tmp/four/bin/python tools/make_tokenizers_of_transformers_4.py \
        tests/fixtures/made_by_transformers_4

Each folder holds what `save_pretrained` wrote, and `tokens.json`: texts, and the ids that
transformers 4 gave them.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import sentencepiece
import tokenizers
import transformers
from transformers.convert_slow_tokenizer import convert_slow_tokenizer

WORDS = "the query and the document of late interaction with text and tokens ñandú 中文 😀"
TEXTS = (
    "the query",
    "The Query of  two   blanks",
    " a blank before",
    "a blank behind ",
    "",
    " ",
    "lines\nand\ttabs\r\n",
    "ñandú Ñandú",
    "中文 and 😀 unknown ☃",
    "it's late, isn't it?",
    "[MASK] <mask> </s> [SEP]",
    "``quoted'' ﬁne",
)
# What the nmt_nfkc rules do with two characters; all of them would be 240 kB.
RULES = "FB01\t66 69\nA0\t20\n"


def main() -> None:
    """Make every tokenizer."""
    to = Path(sys.argv[1])
    shutil.rmtree(to, ignore_errors=True)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for name, tokenizer in {**_wordpiece(folder), **_byte_level(), **_pieces(folder)}.items():
            _save(tokenizer, to / name)


def _save(tokenizer: Any, to: Path) -> None:
    tokenizer.save_pretrained(to)
    for name in ("sentencepiece.bpe.model", "spiece.model", "spm.model", "vocab.json", "vocab.txt"):
        (to / name).unlink(missing_ok=True)
    (to / "merges.txt").unlink(missing_ok=True)
    found = {text: tokenizer(text)["input_ids"] for text in TEXTS}
    pair = tokenizer("the query", "the document")
    pairs = [pair["input_ids"], pair.get("token_type_ids")]
    tokens = {"transformers": transformers.__version__, "texts": found, "pair": pairs}
    text = json.dumps(tokens, ensure_ascii=False, indent=1)
    (to / "tokens.json").write_text(text + "\n", encoding="utf-8")


def _wordpiece(folder: Path) -> dict[str, Any]:
    letters = sorted(set(WORDS.replace(" ", "") + "ABQTaeiou'`[]<>/"))
    pieces = [*WORDS.split(), *letters, *("##" + letter for letter in letters)]
    made = {}
    for name, special in (
        ("BertTokenizerFast", ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]),
        ("MPNetTokenizerFast", ["<s>", "<pad>", "</s>", "[UNK]", "<mask>"]),
    ):
        file = folder / f"{name}.txt"
        file.write_text("\n".join(dict.fromkeys([*special, *pieces])) + "\n", encoding="utf-8")
        made[name] = getattr(transformers, name)(vocab_file=str(file))
    return made


def _byte_level() -> dict[str, Any]:
    made = {}
    for name, special in (
        ("RobertaTokenizerFast", ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]),
        ("DebertaTokenizerFast", ["[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]"]),
        ("GPT2TokenizerFast", ["<|endoftext|>"]),
        ("Qwen2TokenizerFast", ["<|endoftext|>"]),
    ):
        trained = tokenizers.ByteLevelBPETokenizer()
        trained.train_from_iterator(
            [WORDS] * 4, vocab_size=300, special_tokens=special, show_progress=False
        )
        with tempfile.TemporaryDirectory() as folder:
            trained.save_model(folder)
            files = {
                "vocab_file": f"{folder}/vocab.json",
                "merges_file": f"{folder}/merges.txt",
            }
            made[name] = getattr(transformers, name)(**files)
    return made


def _pieces(folder: Path) -> dict[str, Any]:
    (folder / "rules.tsv").write_text(RULES, encoding="utf-8")
    (folder / "corpus.txt").write_text((WORDS + "\n") * 30, encoding="utf-8")
    bert = {"pad": ("[PAD]", 0), "bos": ("[CLS]", 1), "eos": ("[SEP]", 2), "unk": ("[UNK]", 3)}
    albert = {"pad": ("<pad>", 0), "unk": ("<unk>", 1), "bos": ("[CLS]", 2), "eos": ("[SEP]", 3)}
    t5 = {"pad": ("<pad>", 0), "eos": ("</s>", 1), "unk": ("<unk>", 2)}
    xlm = {"unk": ("<unk>", 0), "bos": ("<s>", 1), "eos": ("</s>", 2)}
    made = {}
    for name, special, more in (
        ("XLMRobertaTokenizer", xlm, ()),
        ("CamembertTokenizer", xlm, ("<pad>", "<unk>NOTUSED")),
        ("DebertaV2Tokenizer", bert, ("[MASK]",)),
        ("AlbertTokenizer", albert, ("[MASK]",)),
        ("T5Tokenizer", t5, ()),
    ):
        pieces = {f"{key}_piece": piece for key, (piece, _) in special.items()}
        ids = {f"{key}_id": id for key, (_, id) in special.items()}
        absent = {f"{key}_id": -1 for key in ("pad", "bos", "eos") if key not in special}
        sentencepiece.SentencePieceTrainer.train(
            input=str(folder / "corpus.txt"),
            model_prefix=str(folder / name),
            vocab_size=80,
            hard_vocab_limit=False,
            character_coverage=1.0,
            user_defined_symbols=list(more),
            normalization_rule_tsv=str(folder / "rules.tsv"),
            minloglevel=2,
            **(pieces | ids | absent),
        )
        cls = getattr(transformers, f"{name}Fast")
        slow = getattr(transformers, name)(vocab_file=str(folder / f"{name}.model"))
        made[f"{name}Fast"] = cls(tokenizer_object=convert_slow_tokenizer(slow))
    return made


if __name__ == "__main__":
    main()
