"""Code that a checkpoint brings along: refused unless it is trusted, and never from elsewhere."""

from __future__ import annotations

from holotype.encoders.json_file import JsonFile
from holotype.errors import UnsafeCheckpointError


def own_classes(file: JsonFile) -> dict[str, object]:
    """Return the classes that a file names in the checkpoint's own Python files.

    Raises:
        UnsafeCheckpointError: it names classes of another repository, whose revision nothing pins.
    """
    classes = file.part("auto_map")
    if classes is None:
        return {}
    for reference in classes.values.values():
        if "--" in str(reference):
            raise UnsafeCheckpointError(
                file.location,
                f"runs code of another repository, {reference!r}, whose revision nothing pins; it "
                "is refused even with trust_remote_code=True",
            )
    return dict(classes.values)


def code_refused(location: str, what: str) -> UnsafeCheckpointError:
    """Return the error for code that is not trusted."""
    return UnsafeCheckpointError(
        location,
        f"{what} is Python code of the checkpoint, which runs with all your rights; it is refused "
        "unless you have read it and pass trust_remote_code=True",
    )
