"""Checks the names that models of a deployment use of each other: fallbacks and members."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from holotype.deployment.document import ModelSpec
from holotype.deployment.problems import Report, nearest, quote
from holotype.deployment.tree import Node

_MOST_SUGGESTIONS = 20


@dataclass(frozen=True, slots=True, eq=False)
class _Link:
    """A name that a model uses, and where it stands."""

    name: str
    what: str
    node: Node


def check_links(models: Sequence[ModelSpec], nodes: Mapping[str, Node], report: Report) -> None:
    """Report names of no model, and circles.

    Args:
        models: the models of the whole deployment.
        nodes: where each of them stands.
        report: takes the problems.
    """
    links = {model.name: list(_links(model, nodes[model.name])) for model in models}
    n_unknown = 0
    for own in links.values():
        for link in own:
            if link.name not in nodes:
                n_unknown += 1
                # Each suggestion compares the name with all others.
                meant = nearest(link.name, nodes) if n_unknown <= _MOST_SUGGESTIONS else None
                report.add(
                    link.node,
                    f"{link.what} {quote(link.name)} is no model of this deployment",
                    "expected a name under models",
                    f"did you mean {quote(meant)}?"
                    if meant
                    else "add the model, or delete the name",
                    rule="names",
                )
    _check_circles(links, report)


def _links(model: ModelSpec, node: Node) -> Iterator[_Link]:
    fallback = node.get("fallback")
    if fallback is not None and isinstance(fallback.value, list):
        for name, at in zip(model.fallback, fallback.value, strict=False):
            yield _Link(name, "the fallback", at)
    ensemble = node.get("ensemble")
    of = None if ensemble is None else ensemble.get("of")
    if model.ensemble is None or of is None:
        return
    for number, member in enumerate(model.ensemble.members):
        if isinstance(of.value, dict):
            yield _Link(member.name, "the member", of.value[member.name].key)
        elif isinstance(of.value, list):
            yield _Link(member.name, "the member", of.value[number])


def _check_circles(links: Mapping[str, Sequence[_Link]], report: Report) -> None:
    """Walk every way from every model once; a link to a model on the way closes a circle."""
    done: set[str] = set()
    for start in links:
        # A dictionary: a way may be as long as the deployment.
        way = {start: iter(links[start])}
        while way:
            at = next(reversed(way))
            link = None if at in done else next(way[at], None)
            if link is None:
                done.add(at)
                del way[at]
            elif link.name in way:
                names = [*way]
                circle = [*names[names.index(link.name) :], link.name]
                _report_circle(circle, link, report)
            elif link.name in links and link.name not in done:
                way[link.name] = iter(links[link.name])


def _report_circle(names: Sequence[str], link: _Link, report: Report) -> None:
    report.add(
        link.node,
        f"{link.what} closes a circle: {' -> '.join(names)}",
        "expected fallbacks and ensembles that end",
        "delete one of these names",
        rule="circle",
    )
