"""The plan of one run: the model's own, with the length and the prompts that the caller chose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.config import ModelConfig
from holotype.encoders.kinds.dense import DenseEncoding
from holotype.encoders.kinds.plan import (
    AnyPlan,
    CaptionerPlan,
    ClassifierPlan,
    ColbertPlan,
    SparsePlan,
)
from holotype.encoders.kinds.planning import make_draft
from holotype.errors import InvalidArgumentError
from holotype.records import ModelInfo


def make_run_plan(config: ModelConfig[Any], checkpoint: Checkpoint) -> AnyPlan:
    """Return how a model is run with the options of a config.

    A prompt of the config replaces that of the record and that of the checkpoint.

    Raises:
        InvalidArgumentError: the model reads no texts that long, or has no prompts.
        HolotypeError: see `make_plan`.
    """
    prompts = {
        field: prompt
        for field in ("query_prompt", "document_prompt")
        if (prompt := getattr(config, field)) is not None
    }
    draft = make_draft(_with_prompts(config.record, prompts), checkpoint)
    plan = replace(draft.require_plan(besides=prompts), record=config.record)
    return plan if config.max_length is None else _shorten(plan, config.max_length)


def _with_prompts(record: ModelInfo, prompts: dict[str, str]) -> ModelInfo:
    for field in prompts:
        if not hasattr(record, field):
            raise InvalidArgumentError(
                f"{record.id!r} is a {record.type}, which has no prompts; leave {field}= out"
            )
    given: Any = prompts
    return replace(record, **given) if prompts else record


def _shorten(plan: AnyPlan, length: int) -> AnyPlan:
    """Return the same plan, with texts that are cut earlier."""
    if isinstance(plan, CaptionerPlan):
        raise InvalidArgumentError(
            f"{plan.record.id!r} is a captioner, which reads no texts; leave max_length= out, and "
            "load a record with max_new_tokens for shorter captions"
        )
    if isinstance(plan, ColbertPlan) and plan.encoding.pictures is not None:
        # Queries are its only texts.
        query = plan.encoding.query
        query = replace(query, max_length=_shorter(plan, query.max_length, length))
        return replace(plan, encoding=replace(plan.encoding, query=query))
    if isinstance(plan, ColbertPlan):
        document, plain = (
            replace(side, max_length=_shorter(plan, side.max_length, length))
            for side in (plan.encoding.document, plan.encoding.plain)
        )
        return replace(plan, encoding=replace(plan.encoding, document=document, plain=plain))
    own = _shorter(plan, plan.encoding.max_length, length)
    if isinstance(plan, SparsePlan):
        # Queries that are looked up have a length of their own.
        looked_up = plan.encoding.query_length
        query_length = looked_up if looked_up is None else min(looked_up, length)
        encoding = replace(plan.encoding, max_length=own, query_length=query_length)
        return replace(plan, encoding=encoding)
    if isinstance(plan.encoding, DenseEncoding) and plan.encoding.queries is not None:
        theirs = plan.encoding.queries
        known = length if theirs.max_length is None else min(theirs.max_length, length)
        queries = replace(theirs, max_length=known)
        return replace(plan, encoding=replace(plan.encoding, max_length=own, queries=queries))
    encoding_of_kind: Any = replace(plan.encoding, max_length=own)
    return replace(plan, encoding=encoding_of_kind)


def _shorter(plan: AnyPlan, own: int | None, length: int) -> int:
    if own is not None and length > own:
        what = "inputs" if isinstance(plan, ClassifierPlan) else "texts"
        raise InvalidArgumentError(
            f"max_length is {length}, but {plan.record.id!r} reads {what} of at most {own} tokens; "
            f"pass at most {own}, or leave max_length= out"
        )
    return length
