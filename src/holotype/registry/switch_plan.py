"""What a switch would do, as far as it can be known without loading the version."""

from __future__ import annotations

from dataclasses import dataclass

from holotype.errors import ArtifactError
from holotype.registry.checks import CheckResult, VersionCheck, last_checks
from holotype.registry.comparing import Comparison
from holotype.registry.model_registry import ModelRegistry
from holotype.registry.performance import PerformanceTracker
from holotype.registry.resolving import find_version
from holotype.registry.serving import MemoryPlan, Serving
from holotype.registry.validating import compare_labels, compare_vectors
from holotype.registry.versions import WITH_VECTORS, Activation, ModelVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchPlan:
    """What a switch would do; nothing was loaded, and nothing has changed.

    Attributes:
        kind: the kind.
        current: the version that is active; None if none is.
        version: the version that would be.
        checks: what can be known without loading it.
        memory: whether it fits; None if nothing here serves the kind.
        different_vectors: whether its vectors are others than those of the active version.
        comparison: what was measured of both; None if no version is active.
        serving: the names that would serve it.
        last_check: the last check of the version; None if it was never loaded.
    """

    kind: str
    current: ModelVersion | None
    version: ModelVersion
    checks: tuple[CheckResult, ...]
    memory: MemoryPlan | None
    different_vectors: bool
    comparison: Comparison | None
    serving: tuple[str, ...]
    last_check: VersionCheck | None


def plan_switch(
    registry: ModelRegistry,
    serving: Serving | None,
    kind: str,
    version: str,
    *,
    expected_generation: int | None,
    allow_different_vectors: bool,
) -> SwitchPlan:
    """Return what a switch would do; see `ModelSwitcher.plan`."""
    found = registry.get(kind, version)
    active = registry.active(kind)
    current = None if active is None else active.version
    known = last_checks(registry.database, [found.id, *([current.id] if current else ())])
    last = known.get(found.id)
    checks = [_check_generation(active, expected_generation), _check_files(found)]
    comparison = None
    if current is not None:
        checks += compare_vectors(found, current, allowed=allow_different_vectors)
        labels = (
            known[each.id].facts.get("labels") if each.id in known else None
            for each in (found, current)
        )
        checks.append(compare_labels(found, current, *labels, allowed=allow_different_vectors))
        comparison = PerformanceTracker(registry).compare(kind, current.name, found.name)
    memory = None if serving is None else serving.plan_memory(found)
    return SwitchPlan(
        kind=kind,
        current=current,
        version=found,
        checks=(*checks, _check_memory(memory), _check_last(last)),
        memory=memory,
        different_vectors=vectors_differ(found, current),
        comparison=comparison,
        serving=() if serving is None else tuple(serving.followers(kind)),
        last_check=last,
    )


def vectors_differ(version: ModelVersion, current: ModelVersion | None) -> bool:
    """Return whether a version makes other vectors than the active one; False if none is active."""
    if current is None or version.type not in WITH_VECTORS:
        return False
    return version.fingerprint != current.fingerprint


def _check_generation(active: Activation | None, expected: int | None) -> CheckResult:
    found = 0 if active is None else active.generation
    by = "" if active is None else f", made by {active.actor!r}"
    if expected is None or expected == found:
        return CheckResult(name="generation", outcome="passed", message=f"{found} is active{by}")
    return CheckResult(
        name="generation",
        outcome="failed",
        message=f"{found} is active{by}, not {expected}; look at the history, and expect {found} if "
        "the switch is still right",
    )


def _check_files(version: ModelVersion) -> CheckResult:
    try:
        folder = find_version(version)
    except (ArtifactError, OSError) as error:
        return CheckResult(name="files", outcome="failed", message=str(error))
    if folder is None:
        said = "they are not on this machine; the switch fetches them"
        if version.reference.startswith("local:"):
            said = f"there is no folder {version.reference.removeprefix('local:')!r}; bring it back"
            return CheckResult(name="files", outcome="failed", message=said)
        return CheckResult(name="files", outcome="skipped", message=said)
    said = f"the manifest in {folder} is as registered; the switch compares every byte"
    return CheckResult(name="files", outcome="passed", message=said)


def _check_memory(memory: MemoryPlan | None) -> CheckResult:
    if memory is None:
        said = "nothing here serves the kind"
        return CheckResult(name="memory", outcome="skipped", message=said)
    said = f"{memory.need_bytes:,} bytes are needed, {memory.free_bytes:,} are free"
    if memory.fits == "never":
        said += "; raise the budget of the pool, or unpin or shrink other models"
        return CheckResult(name="memory", outcome="failed", message=said)
    if memory.fits == "after_unloading":
        said += f"; {', '.join(memory.would_unload)} would be unloaded"
    return CheckResult(name="memory", outcome="passed", message=said)


def _check_last(last: VersionCheck | None) -> CheckResult:
    if last is None:
        said = "it was never loaded; the switch loads and checks it"
        return CheckResult(name="last check", outcome="skipped", message=said)
    when = last.at.isoformat(timespec="seconds").replace("+00:00", "Z")
    if last.outcome == "passed":
        return CheckResult(name="last check", outcome="passed", message=f"passed at {when}")
    found = "; ".join(f"{each.name}: {each.message}" for each in last.problems)
    return CheckResult(
        name="last check",
        outcome="failed",
        message=f"failed at {when}: {found}; the switch checks again",
    )
