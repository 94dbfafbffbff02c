"""What the checkpoint of a cross-encoder or a classifier says about its scores.

Three forms are read: a transformer with a head for classification of its own; a causal language
model whose next token is the answer, as sentence-transformers describes it; and a transformer with
pooling and linear layers, the last of which gives the scores.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.json_file import JsonFile, Setting
from holotype.encoders.checkpoints.modules import (
    MODULES_FILE,
    LinearSpec,
    ModuleList,
    module_entries,
    read_modules,
)
from holotype.encoders.checkpoints.settings import (
    CLASSIFICATION,
    CONFIG_FILE,
    LIBRARY_FILE,
    CheckpointSettings,
    describe_checkpoint,
    find_transformer_file,
    refuse_arguments,
)
from holotype.errors import CheckpointError, UnsupportedCheckpointError, WrongKindError

_PLACEHOLDER = re.compile(r"LABEL_\d+")
# transformers leaves both keys out where a model has this many.
_USUAL_NUMBER = 2
_ACTIVATIONS = {
    "torch.nn.modules.linear.Identity": "identity",
    "torch.nn.modules.activation.Sigmoid": "sigmoid",
    "torch.nn.Identity": "identity",
    "torch.nn.Sigmoid": "sigmoid",
}


def read_labels(config: JsonFile) -> tuple[Setting[int], Setting[tuple[str, ...]] | None]:
    """Return how many labels `config.json` has, and their names where they are more than numbers.

    Raises:
        CheckpointError: the labels are not numbered from 0 without a gap.
    """
    stated, names = config.integer("num_labels"), config.part("id2label")
    if names is None:
        return stated or Setting(_USUAL_NUMBER, config.name), None
    labels = [names.values.get(str(at)) for at in range(len(names.values))]
    if not labels or not all(isinstance(label, str) for label in labels):
        raise config.wrong("id2label", dict(names.values), "names by numbers from 0 on")
    known = tuple(map(str, labels))
    if all(_PLACEHOLDER.fullmatch(label) for label in known):
        return Setting(len(known), config.name), None
    return Setting(len(known), config.name), Setting(known, config.name)


def read_activation(library: JsonFile, config: JsonFile) -> Setting[str] | None:
    """Return what sentence-transformers applies to logits; three places may say it.

    Raises:
        UnsupportedCheckpointError: it is none of the known ones.
    """
    places = (
        (library, "activation_fn"),
        (config.part("sentence_transformers"), "activation_fn"),
        (config, "sbert_ce_default_activation_function"),
    )
    for file, key in places:
        found = None if file is None else file.text(key)
        if file is None or found is None:
            continue
        if found.value not in _ACTIVATIONS:
            raise UnsupportedCheckpointError(
                file.location,
                f"says in {key} that {found.value!r} turns logits into scores; supported are "
                f"{', '.join(_ACTIVATIONS)}. Write the name of the identity there, and pass "
                "activation= to the calls",
            )
        return Setting(_ACTIVATIONS[found.value], found.file)
    return None


def last_width(checkpoint: Checkpoint, modules: ModuleList) -> Setting[int]:
    """Return how many scores the last of several modules gives.

    Raises:
        CheckpointError: it is no linear layer.
    """
    if not modules.steps or not isinstance(modules.steps[-1], LinearSpec):
        raise CheckpointError(
            checkpoint.location, "its last module is no linear layer that gives scores"
        )
    return Setting(modules.steps[-1].out_dim, modules.files[-1])


Task: TypeAlias = Literal["sequence-classification", "text-generation", "feature-extraction"]

_OUTPUTS: Mapping[Task, str] = {
    "sequence-classification": "logits",
    "text-generation": "logits",
    "feature-extraction": "last_hidden_state",
}
# What a checkpoint is that lists no modules.
_PLAIN: tuple[Task, str, None] = ("sequence-classification", "", None)
# Arguments of a chat template that belong to its caller, or change what it returns.
_NOT_FOR_TEMPLATES = {
    "chat_template",
    "max_length",
    "padding",
    "restore_suffix",
    "return_dict",
    "return_tensors",
    "tokenize",
    "truncation",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerTokens:
    """The tokens whose logits are the score of a causal language model.

    Attributes:
        true_id: the token that says that a document is relevant.
        false_id: the token that says that it is not, whose logit is subtracted; None where the
            logit of the other one is the score.
    """

    true_id: int
    false_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateSettings:
    """How pairs are put through the chat template of the tokenizer.

    Attributes:
        structured: whether the content of a message is a list of parts, and not a string.
        arguments: what else the template is given.
    """

    structured: bool
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadSettings:
    """What the files of a checkpoint say about its head; None where no file says it.

    Attributes:
        checkpoint: what checkpoints of all kinds have in common.
        task: where the scores come from.
        n_labels: how many scores there are for one input.
        labels: their names; None where they are placeholders such as ``LABEL_0``.
        activation: what turns logits into the scores of a cross-encoder.
        problem_type: transformers' name for what a classifier was trained for.
        answer: the tokens of a causal language model that are its scores.
        template: how pairs are put through the chat template, where they are.
        undecided_template: the file of a chat template of which no file says whether pairs are
            put through it.
    """

    checkpoint: CheckpointSettings
    task: Task
    n_labels: Setting[int]
    labels: Setting[tuple[str, ...]] | None
    activation: Setting[str] | None
    problem_type: Setting[str] | None
    answer: AnswerTokens | None
    template: TemplateSettings | None
    undecided_template: str | None


def read_head_checkpoint(checkpoint: Checkpoint) -> HeadSettings:
    """Read every file of a checkpoint that says what its scores are; no weights are touched.

    Raises:
        CheckpointError: a file is missing or damaged.
        WrongKindError: it is a model of another kind, or a transformer without a head.
        UnsupportedCheckpointError: it says something that has no equivalent here.
    """
    library = checkpoint.json(LIBRARY_FILE, optional=True)
    kind = library.text("model_type")
    if kind is not None and kind.value != "CrossEncoder":
        raise WrongKindError(
            checkpoint.location,
            f"{LIBRARY_FILE} says that it is a {kind.value}; expected a cross-encoder or a "
            "classifier",
        )
    listed = checkpoint.has(MODULES_FILE)
    task, within, answer_path = _layout(checkpoint) if listed else _PLAIN
    modules = None
    if task == "feature-extraction":
        if kind is None:
            raise WrongKindError(
                checkpoint.where(MODULES_FILE),
                f"makes vectors, and no {LIBRARY_FILE} says that they become scores; use the "
                "record of the kind dense",
            )
        modules = read_modules(checkpoint, token_level=False, with_scores=True)
    folder = checkpoint.part(within)
    transformer = find_transformer_file(folder)
    template = _template(transformer, task)
    if template is not None and template_file(folder) is None:
        raise UnsupportedCheckpointError(
            folder.location, "puts pairs through a chat template, but has none"
        )
    config = folder.json(CONFIG_FILE)
    _require_head(config, task)
    n_labels, labels = read_labels(config)
    if modules is not None:
        n_labels, labels = last_width(checkpoint, modules), None
    if answer_path is not None:
        n_labels, labels = Setting(1, f"{answer_path}/config.json"), None
    return HeadSettings(
        checkpoint=describe_checkpoint(
            checkpoint,
            within,
            format="cross-encoder",
            library=library,
            modules=modules,
            transformer=transformer,
        ),
        task=task,
        n_labels=n_labels,
        labels=labels,
        activation=read_activation(library, config),
        problem_type=config.text("problem_type"),
        answer=None if answer_path is None else _answer(checkpoint.part(answer_path)),
        template=template,
        undecided_template=None if listed else template_file(folder),
    )


def _layout(checkpoint: Checkpoint) -> tuple[Task, str, str | None]:
    """Return the task, the transformer's folder, and that of the answer tokens, if any."""
    (_, first, within), *rest = module_entries(checkpoint)
    kinds = [kind for _, kind, _ in rest]
    if first != "Transformer":
        raise UnsupportedCheckpointError(
            checkpoint.where(MODULES_FILE),
            f"begins with {first!r}; scores are read from a Transformer alone",
        )
    if not kinds:
        return "sequence-classification", within, None
    if kinds == ["LogitScore"]:
        return "text-generation", within, rest[0][2]
    return "feature-extraction", within, None


def _template(file: JsonFile, task: Task) -> TemplateSettings | None:
    stated = file.text("transformer_task")
    if stated is not None and stated.value != task:
        raise WrongKindError(
            file.location, f"is run for {stated.value!r}; its modules are made for {task!r}"
        )
    refuse_arguments(file)
    modalities = file.part("modality_config")
    message = modalities.part("message") if modalities else None
    plain = {"method": "forward", "method_output_name": _OUTPUTS[task]}
    known: dict[str, Mapping[str, object]] = {"text": plain}
    if message is not None:
        known["message"] = plain | {"format": message.values.get("format", "flat")}
    if modalities is not None and modalities.values not in (
        known,
        {"message": known.get("message")},
    ):
        raise UnsupportedCheckpointError(
            file.location, f"reads its input as {modalities.values!r}; expected {known!r}"
        )
    arguments = _template_arguments(file)
    if message is None:
        return None
    style = message.text("format")
    if style is None or style.value not in ("flat", "structured"):
        raise message.wrong("format", message.values.get("format"), "'flat' or 'structured'")
    return TemplateSettings(structured=style.value == "structured", arguments=arguments)


def _template_arguments(file: JsonFile) -> Mapping[str, object]:
    processing = file.part("processing_kwargs")
    if processing is None:
        return {}
    groups = sorted(key for key, value in processing.values.items() if value)
    arguments = processing.part("chat_template")
    given = arguments.values if arguments else {}
    if groups not in ([], ["chat_template"]) or _NOT_FOR_TEMPLATES & given.keys():
        raise UnsupportedCheckpointError(
            file.location,
            f"processing_kwargs sets {dict(processing.values)!r}; only arguments of the chat "
            "template itself have an equivalent here",
        )
    return given


def _require_head(config: JsonFile, task: Task) -> None:
    found = config.texts("architectures")
    name = found.value[0] if found and found.value else "a transformer of no stated kind"
    ending = {"sequence-classification": CLASSIFICATION, "text-generation": "ForCausalLM"}.get(task)
    if ending is None or name.endswith(ending):
        return
    if task == "sequence-classification" and name.endswith("ForCausalLM"):
        raise UnsupportedCheckpointError(
            config.location,
            f"says that it is a {name}, but no file says which of its tokens are the answers, nor "
            "how a pair is written, and a guess would be silently wrong; use a revision with the "
            f"files of sentence-transformers 5.4 or later ({MODULES_FILE} with a LogitScore)",
        )
    raise WrongKindError(
        config.location,
        f"says that it is {name}; expected an architecture that ends in {ending!r}. A head that "
        "a checkpoint lacks is never made up",
    )


def _answer(folder: Checkpoint) -> AnswerTokens:
    file = folder.json("config.json")
    true_id, false_id = file.integer("true_token_id"), file.integer("false_token_id")
    if true_id is None:
        raise file.wrong("true_token_id", None, "the id of the token that says yes")
    if false_id is not None and false_id.value == true_id.value:
        raise file.wrong(
            "false_token_id", false_id.value, "another token than true_token_id; all scores are 0"
        )
    source = file.text("module_input_name")
    if source is not None and source.value != "causal_logits":
        raise UnsupportedCheckpointError(
            file.location, f"reads {source.value!r}; only 'causal_logits' is supported"
        )
    return AnswerTokens(true_id=true_id.value, false_id=false_id.value if false_id else None)


def template_file(folder: Checkpoint) -> str | None:
    """Return the file that holds the chat template of a tokenizer; None where there is none."""
    for name in ("chat_template.jinja", "chat_template.json"):
        if folder.has(name):
            return folder.part(name).inside
    file = folder.json("tokenizer_config.json", optional=True)
    return file.name if file.values.get("chat_template") else None
