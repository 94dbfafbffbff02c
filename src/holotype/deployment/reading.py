"""Reads deployments: YAML or JSON text in, records out, or every problem at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from holotype.catalogue import Catalogue
from holotype.deployment.building import ModelBuilder, Origin, build_pool
from holotype.deployment.document import Deployment, ModelSpec, PoolSettings
from holotype.deployment.fields import DEPLOYMENT
from holotype.deployment.links import check_links
from holotype.deployment.older import modernize
from holotype.deployment.problems import Report, quote
from holotype.deployment.shapes import Unread
from holotype.deployment.tree import Member, Node, parse_tree
from holotype.errors import InvalidArgumentError


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The text of a file or of a parameter.

    Attributes:
        name: its name, as problems show it.
        text: the text, YAML or JSON.
        folder: the folder that relative paths are relative to; None leaves them as they are.
        allow_code: whether it may name code to run: a class of its own, or that of a checkpoint.
    """

    name: str
    text: str
    folder: str | None = None
    allow_code: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read.

    Attributes:
        deployment: the deployment.
        older: the names of documents in an older format, whose sources may move unsaid.
    """

    deployment: Deployment
    older: tuple[str, ...] = ()


def read_text(
    text: str,
    *,
    name: str = "deployment",
    folder: str | None = None,
    allow_code: bool = True,
    catalogue: Catalogue[Any] | None = None,
) -> Deployment:
    """Read a deployment from YAML or JSON text.

    Args:
        text: the text, in the current or in an older format.
        name: what problems call it.
        folder: the folder that relative paths are relative to; None leaves them as they are.
        allow_code: whether it may name code to run.
        catalogue: see `read_documents`.

    Raises:
        DeploymentError: it has problems; the error lists all of them.
        InvalidArgumentError: it is not text.
        MissingExtraError: ruamel.yaml is not installed.
    """
    if not isinstance(text, str):
        raise InvalidArgumentError(
            f"the deployment is of type {type(text).__name__}; expected its text, as in "
            "read_text(path.read_text(encoding='utf-8'))"
        )
    document = Document(name=name, text=text, folder=folder, allow_code=allow_code)
    return read_documents([document], catalogue=catalogue).deployment


def read_documents(
    documents: Sequence[Document], *, catalogue: Catalogue[Any] | None = None
) -> Reading:
    """Read one deployment from several documents, which share names but not settings.

    One document may have `pool`; `defaults` hold for the document that has them.

    Args:
        documents: the documents.
        catalogue: where ids and repositories are looked up first, such as the `CATALOGUE` of a
            generated module; what it lacks is looked up in holotype's own. None means only that.

    Raises:
        DeploymentError: they have problems; the error lists those of all documents.
        MissingExtraError: ruamel.yaml is not installed.
    """
    reader = _Reader(catalogue)
    for document in documents:
        reader.read(document)
    return reader.finish()


@dataclass(slots=True)
class _Reader:
    """Gathers the models of several documents."""

    catalogue: Catalogue[Any] | None
    report: Report = field(default_factory=Report)
    models: list[ModelSpec] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)
    pool: PoolSettings | None = None
    pool_at: Node | None = None
    older: list[str] = field(default_factory=list)

    def read(self, document: Document) -> None:
        """Add the models of a document."""
        root = parse_tree(document.text, document.name, self.report)
        if root is None:
            return
        origin = Origin(folder=document.folder, allow_code=document.allow_code)
        modern, is_older = modernize(root, document.folder, self.report)
        if is_older:
            self.older.append(document.name)
            origin = replace(origin, allow_moving=True)
        if modern is None:
            return
        self._name_models(modern)
        values = DEPLOYMENT.read(modern, self.report)
        if isinstance(values, Unread):
            return
        self._take_pool(values, modern)
        defaults = values.get("defaults", {}).get("inference", {})
        builder = ModelBuilder(origin, defaults, self.report, self.catalogue)
        for name, member in self._members(modern):
            if self._is_new(name, member) and name in values.get("models", {}):
                self.models.append(builder.build(name, values["models"][name], member.node))

    def finish(self) -> Reading:
        """Return what was read.

        Raises:
            DeploymentError: there are problems.
        """
        check_links(self.models, self.nodes, self.report)
        self.report.raise_if_any()
        deployment = Deployment(models=tuple(self.models), pool=self.pool or PoolSettings())
        return Reading(deployment=deployment, older=tuple(self.older))

    def _members(self, root: Node) -> Iterator[tuple[str, Member]]:
        models = root.get("models")
        if models is not None and isinstance(models.value, dict):
            yield from models.value.items()

    def _name_models(self, root: Node) -> None:
        for name, member in self._members(root):
            member.key.model = name
            for node in member.node.walk():
                node.model = node.model or name

    def _is_new(self, name: str, member: Member) -> bool:
        earlier = self.nodes.get(name)
        if earlier is None:
            self.nodes[name] = member.node
            return True
        self.report.add(
            member.key,
            f"the model {quote(name)} is already in {earlier.file}, line {earlier.line}",
            "expected each name once in all files",
            "delete one of them, or give it another name",
            rule="repeated",
        )
        return False

    def _take_pool(self, values: dict[str, Any], root: Node) -> None:
        node = root.get("pool")
        if node is None or "pool" not in values:
            return
        if self.pool_at is not None:
            self.report.add(
                node,
                f"the settings of the pool are already in {self.pool_at.file}",
                "expected them in one file",
                "delete one of them",
                rule="repeated",
            )
            return
        self.pool_at = node
        self.pool = build_pool(values["pool"])
