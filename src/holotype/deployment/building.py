"""Makes the records of models from what was read, and checks what one model says."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any, cast

from holotype.catalogue import Catalogue
from holotype.deployment.document import (
    ArchitectureSpec,
    BuiltinSource,
    CustomSource,
    EnsembleSpec,
    InferenceSettings,
    MemberSpec,
    MemoryLimit,
    ModelSpec,
    PoolSettings,
    ReferenceSource,
    RegistrySource,
    SagemakerSource,
    Source,
    VariantSpec,
    is_moving,
)
from holotype.deployment.fields import ONLY_OF_LOADED
from holotype.deployment.problems import Report, join_quoted, quote
from holotype.deployment.tree import Node
from holotype.encoders.checkpoints.source import how_to_make_artifact
from holotype.encoders.config import DTYPES, chosen_dim, look_up_reference
from holotype.encoders.names import completed, described_in
from holotype.errors import (
    ArtifactError,
    InvalidDimensionError,
    InvalidReferenceError,
    ModelNotFoundError,
)
from holotype.records import ModelInfo
from holotype.references.ref import ModelRef

TOLERANCE = 1e-9
"""How far a sum of weights may be from 1."""

_WITHOUT_LABELS = ("sentence-transformer", "colbert", "sparse", "image-text", "captioner")
_WAYS = ("source", "variants", "ensemble")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a document comes from, and what that allows.

    Attributes:
        folder: the folder that relative paths are relative to; None leaves them as they are.
        allow_code: whether it may name code to run.
        allow_moving: whether every source may move.
    """

    folder: str | None = None
    allow_code: bool = True
    allow_moving: bool = False


def build_pool(values: Mapping[str, Any]) -> PoolSettings:
    """Return the settings of a pool."""
    made: dict[str, Any] = {
        f"{name}_s" if name in ("idle_after", "min_resident") else name: value
        for name, value in values.items()
    }
    memory = made.pop("memory", None)
    if isinstance(memory, tuple):
        made["memory"] = (_limit(memory),)
    elif isinstance(memory, dict):
        made["memory"] = tuple(
            replace(_limit(limit), device=device) for device, limit in sorted(memory.items())
        )
    return PoolSettings(**made)


def _limit(limit: tuple[int | None, float | None]) -> MemoryLimit:
    return MemoryLimit(n_bytes=limit[0], share=limit[1])


class ModelBuilder:
    """Builds the models of one document."""

    def __init__(
        self,
        origin: Origin,
        defaults: Mapping[str, Any],
        report: Report,
        catalogue: Catalogue[Any] | None,
    ) -> None:
        """Keep what holds for all of them; `catalogue` is looked into before holotype's own."""
        self._origin = origin
        self._catalogue = catalogue
        self._defaults = defaults
        self._report = report

    def build(self, name: str, values: Mapping[str, Any], node: Node) -> ModelSpec:
        """Return a model; what is wrong is reported, and left out of it."""
        is_ensemble = node.get("ensemble") is not None
        inference = InferenceSettings() if is_ensemble else self._inference(values)
        self._check_way(node)
        variants = self._variants(values, node, inference)
        ensemble = self._ensemble(values, node)
        architecture = ArchitectureSpec(**values.get("architecture", {}))
        self._check_labels(architecture, node)
        allow_moving = values.get("allow_moving", False) or self._origin.allow_moving
        if not allow_moving:
            self._check_pinned(variants, node)
        if not self._origin.allow_code:
            self._check_code(variants, node)
        for variant in variants:
            self._check_dtype(variant.inference, node)
        self._check_catalogue(variants, values.get("dim"), node)
        others = {
            key: values[key]
            for key in (
                *("dim", "preload", "pinned", "copies", "sticky", "fallback", "timeout_s"),
                "allow_different_vectors",
            )
            if key in values
        }
        return ModelSpec(
            name=name,
            variants=variants,
            ensemble=ensemble,
            architecture=architecture,
            inference=inference,
            memory_bytes=values.get("memory"),
            allow_moving=allow_moving,
            **others,
        )

    def _inference(self, *layers: Mapping[str, Any]) -> InferenceSettings:
        merged = dict(self._defaults)
        for layer in layers:
            merged |= layer.get("inference", {})
        return InferenceSettings(**merged)

    def _check_way(self, node: Node) -> None:
        ways = [way for way in _WAYS if node.get(way) is not None]
        if len(ways) != 1:
            found = f"the model has {' and '.join(ways)}" if ways else "the model has no source"
            self._add(
                node,
                found,
                "expected one of source, variants and ensemble",
                "delete all but one of them" if ways else "add source: where it comes from",
                rule="source",
            )
        elif ways == ["ensemble"]:
            for key in ONLY_OF_LOADED:
                member = node.value.get(key) if isinstance(node.value, dict) else None
                if member is not None:
                    self._add(
                        member.key,
                        f"{quote(key)} says nothing of an ensemble, which loads no weights itself",
                        "expected it on the members",
                        "move it to the models that the ensemble names",
                        rule="ensemble",
                    )

    def _variants(
        self, values: Mapping[str, Any], node: Node, inference: InferenceSettings
    ) -> tuple[VariantSpec, ...]:
        at = node.get("source")
        if at is not None and "source" in values:
            source = self._source(values["source"], at)
            return () if source is None else (VariantSpec(source=source, inference=inference),)
        listed = node.get("variants")
        if listed is None or "variants" not in values or not isinstance(listed.value, list):
            return ()
        made = []
        for each, child in zip(values["variants"], listed.value, strict=True):
            at = child.get("source")
            if at is None or any(key not in each for key in ("name", "weight", "source")):
                continue
            source = self._source(each["source"], at)
            if source is not None:
                made.append(
                    VariantSpec(
                        name=each["name"],
                        weight=each["weight"],
                        source=source,
                        inference=self._inference(values, each),
                    )
                )
        self._check_names([each.get("name") for each in values["variants"]], listed.value)
        if len(made) == len(listed.value):
            self._check_weights([(each.name, each.weight) for each in made], listed)
        return tuple(made)

    def _check_names(self, names: Sequence[str | None], nodes: Sequence[Node]) -> None:
        for at, (name, node) in enumerate(zip(names, nodes, strict=True)):
            if name is not None and name in names[:at]:
                self._add(
                    node.get("name") or node,
                    f"the variant {quote(name)} is there twice",
                    "expected each name once",
                    "give one of them another name",
                    rule="repeated",
                )

    def _check_weights(self, weights: Sequence[tuple[str, float]], node: Node) -> None:
        total = math.fsum(weight for _, weight in weights)
        if abs(total - 1) <= TOLERANCE:
            return
        *others, last = weights
        rest = round(1 - math.fsum(weight for _, weight in others), 9)
        action = f"write {rest:g} for {last[0]}" if rest >= 0 else "lower them"
        self._add(
            node,
            f"the weights {', '.join(f'{weight:g}' for _, weight in weights)} sum to "
            f"{round(total, 9):g}",
            "expected a sum of 1",
            f"{action}, or change the others",
            rule="weights",
        )

    def _ensemble(self, values: Mapping[str, Any], node: Node) -> EnsembleSpec | None:
        read, at = values.get("ensemble"), node.get("ensemble")
        of = None if at is None else at.get("of")
        if read is None or "of" not in read or of is None:
            return None
        made = dict(read)
        members = made.pop("of")
        if isinstance(members, dict):
            if isinstance(of.value, dict) and len(members) == len(of.value):
                self._check_weights(tuple(members.items()), of)
            made["members"] = tuple(MemberSpec(name=n, weight=w) for n, w in members.items())
        else:
            made["members"] = tuple(MemberSpec(name=n, weight=1 / len(members)) for n in members)
        return EnsembleSpec(**made)

    def _source(self, read: Any, node: Node) -> Source | None:
        if isinstance(read, RegistrySource):
            return read
        if isinstance(read, ModelRef):
            return self._reference(read, node)
        kind, values = read
        match kind:
            case "builtin":
                return BuiltinSource(**values)
            case "registry":
                return RegistrySource(**values)
            case "sagemaker":
                return SagemakerSource(**values)
            case "custom":
                options = tuple(sorted(values.get("options", {}).items()))
                return CustomSource(factory=values["factory"], options=options)
        try:
            ref = ModelRef.parse(reference_text(kind, values))
        except InvalidReferenceError as error:
            self._add(
                node,
                f"this is no source: {error.problem}",
                f"expected a source of the type {kind}",
                "correct it",
                rule="value",
            )
            return None
        return self._reference(ref, node)

    def _reference(self, ref: ModelRef, node: Node) -> ReferenceSource | None:
        try:
            return ReferenceSource(ref=described_in(self._placed(ref), self._catalogue))
        except ArtifactError as error:
            self._add(
                node,
                f"{quote(str(ref))} {error.problem}",
                "expected a source that names one way to run it",
                "name an entry of the catalogue",
                rule="catalogue",
            )
            return None

    def _placed(self, ref: ModelRef) -> ModelRef:
        """Return a reference whose folder is relative to the working directory."""
        folder = self._origin.folder
        if ref.scheme != "local" or folder is None or ref.location.partition("/")[0] == "~":
            return ref
        return replace(ref, location=str(PurePosixPath(folder) / ref.location))

    def _check_labels(self, architecture: ArchitectureSpec, node: Node) -> None:
        at = node.get("architecture")
        n_labels, labels = architecture.num_labels, architecture.labels
        if at is None:
            return
        if labels and n_labels is not None and n_labels != len(labels):
            self._add(
                at.get("num_labels") or at,
                f'"num_labels" is {n_labels}, and there are {len(labels)} labels',
                "expected as many labels as num_labels",
                f"write {len(labels)}, or complete the labels",
                rule="labels",
            )
        if architecture.type in _WITHOUT_LABELS and (labels or n_labels is not None):
            self._add(
                at.get("labels") or at.get("num_labels") or at,
                f"a model of the type {quote(architecture.type)} has no labels",
                "expected labels of classifiers only",
                "delete them, or correct the type",
                rule="labels",
            )

    def _check_pinned(self, variants: Iterable[VariantSpec], node: Node) -> None:
        for variant, at in zip(variants, self._source_nodes(variants, node), strict=True):
            if is_moving(variant.source):
                ref = cast(ReferenceSource, variant.source).ref
                pin = (
                    f"write the commit, {ref.location}@ and 40 hexadecimal digits"
                    if ref.scheme == "hf"
                    else "name the folder of the artifact"
                )
                self._add(
                    at,
                    f"{quote(str(ref))} may stand for other weights tomorrow",
                    "expected a source that does not move",
                    f"{pin}, or add allow_moving: true to the model",
                    rule="pinned",
                )

    def _check_code(self, variants: Iterable[VariantSpec], node: Node) -> None:
        for variant, at in zip(variants, self._source_nodes(variants, node), strict=True):
            runs = None
            if isinstance(variant.source, CustomSource):
                runs = f"the class {variant.source.factory}"
            elif variant.inference.trust_remote_code:
                runs = "code of the checkpoint"
            if runs is not None:
                self._add(
                    at,
                    f"a store asks to run {runs}",
                    "expected no code: whoever may write to the store could run theirs",
                    "keep the deployment in a file, or let the operator pass allow_code=True "
                    "(--allow-code)",
                    rule="code",
                )

    def _source_nodes(self, variants: Iterable[VariantSpec], node: Node) -> list[Node]:
        listed = node.get("variants")
        children = listed.value if listed is not None and isinstance(listed.value, list) else []
        by_name = {
            name.value: child.get("source") or child
            for child in children
            if (name := child.get("name")) is not None and isinstance(name.value, str)
        }
        return [by_name.get(each.name) or node.get("source") or node for each in variants]

    def _check_dtype(self, inference: InferenceSettings, node: Node) -> None:
        known = DTYPES[inference.backend]
        if inference.dtype is not None and inference.dtype not in known:
            at = node.get("inference") or node
            self._add(
                at.get("dtype") or at,
                f"the backend {inference.backend} has no dtype {quote(inference.dtype)}",
                f"expected one of {join_quoted(known)}",
                "write one of these, or another backend",
                rule="dtype",
            )

    def _check_catalogue(
        self, variants: Sequence[VariantSpec], dim: int | None, node: Node
    ) -> None:
        for variant, at in zip(variants, self._source_nodes(variants, node), strict=True):
            source = variant.source
            if not isinstance(source, ReferenceSource) or source.ref.scheme != "catalogue":
                continue
            try:
                record: ModelInfo = look_up_reference(source.ref)
                chosen_dim(record, dim)
                if not record.is_on_hub:
                    self._add(
                        at,
                        f"the entry {quote(record.id)} was made of a folder, and is not on the Hub",
                        "expected files that every machine can fetch",
                        f"make an artifact: {how_to_make_artifact(record)}; write local:PATH",
                        rule="catalogue",
                    )
            except ModelNotFoundError:
                near = completed(self._catalogue).suggestions(source.ref.location)
                meant = " or ".join(map(quote, near))
                self._add(
                    at,
                    f"the catalogue has no model {quote(source.ref.location)}",
                    "expected an id of the catalogue",
                    f"did you mean {meant}?"
                    if meant
                    else "see: holotype list; another catalogue is named by holotype --catalogue MODULE",
                    rule="catalogue",
                )
            except InvalidDimensionError as error:
                self._add(
                    node.get("dim") or at,
                    f"{quote(error.model_id)} has no vectors of {dim} dimensions"
                    if error.sizes_known
                    else f"{quote(error.model_id)} is not known to have vectors of {dim} dimensions",
                    f"expected {'a size of' if isinstance(error.allowed, range) else 'one of'} "
                    f"{error.in_words(', ')}",
                    "write one of these, or leave dim out",
                    rule="dim",
                )

    def _add(self, node: Node, found: str, expected: str, action: str, *, rule: str) -> None:
        self._report.add(node, found, expected, action, rule=rule)


def reference_text(kind: str, values: Mapping[str, str]) -> str:
    """Return the reference that the long form of a source stands for."""
    match kind:
        case "local":
            # The slash at the end keeps an @ from naming an alias.
            return f"local:{values['path'].rstrip('/')}/"
        case "artifact":
            return f"local:{values['store']}@{values['alias']}"
        case "huggingface":
            revision = values.get("revision")
            return f"hf:{values['repo']}" + (f"@{revision}" if revision else "")
        case "catalogue":
            return f"catalogue:{values['id']}"
        case _:
            return f"{kind}://{values['bucket']}/{values['prefix']}"
