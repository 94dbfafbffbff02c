"""`holotype pool`: what a running server has loaded, and what an operator may do with it."""

from __future__ import annotations

import http.client
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from typing import Annotated, Any, TypeAlias

import typer

from holotype.cli.groups import Command
from holotype.cli.output import fail, note, write_json, write_row, write_rows
from holotype.cli.wording import UNKNOWN
from holotype.errors import reason_of

KEY = "HOLOTYPE_API_KEY"
"""The environment variable with the key."""

_MIB = 1024 * 1024
_TIMEOUT_S = 30.0
_LONGEST_ANSWER = 64 * _MIB

Url: TypeAlias = Annotated[
    str,
    typer.Option(
        "--url",
        metavar="URL",
        envvar="HOLOTYPE_URL",
        help=f"The server; its key is taken from {KEY}.",
    ),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name: TypeAlias = Annotated[
    str, typer.Argument(metavar="NAME", help="The name of a model in the deployment.")
]
_HERE = "http://127.0.0.1:8080"
_HEADINGS = (
    *("name", "variant", "copy", "state", "version", "device", "MiB"),
    *("calls", "idle s", "pinned", "reference", "last error"),
)


def status(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only this name.")] = None,
    url: Url = _HERE,
    as_json: AsJson = False,
) -> None:
    """Show what a running server has loaded, and what that takes.

    If stdout is not a terminal, each line has these tab-separated fields: name, variant, copy,
    state, version, device, memory in MiB, calls that run, seconds since the last call, pinned or
    not, reference, and why the last load failed. Devices follow on stderr.
    """
    found = _request(url, "GET", "/api/pool")
    try:
        models = [one for one in found["models"] if name in (None, one["name"])]
        rows = [_fields(one) for one in models]
        devices = [_device_line(one) for one in found["devices"]]
    except (KeyError, TypeError, ValueError) as error:
        fail(f"{url}/api/pool is no status of a pool ({error!r}); is this a server of holotype?")
    if name is not None and not models and name not in found.get("ensembles", ()):
        names = ", ".join(dict.fromkeys(one["name"] for one in found["models"]))
        fail(f"{name!r} is no model of this server; it has {names or 'none'}")
    if as_json:
        write_json(found)
        return
    write_rows(_HEADINGS, rows)
    for line in devices:
        note(line)


def load(name: Name, url: Url = _HERE) -> None:
    """Load a model of a running server; prints the number of the job that does it."""
    _operate(url, name, "load")


def unload(name: Name, url: Url = _HERE) -> None:
    """Unload a model once its calls have ended; the next call loads it again."""
    _operate(url, name, "unload")


def pin(name: Name, url: Url = _HERE) -> None:
    """Keep a model loaded although others need the memory, or nobody calls."""
    _operate(url, name, "pin")


def unpin(name: Name, url: Url = _HERE) -> None:
    """Let a model be unloaded for others again."""
    _operate(url, name, "unpin")


def reload(url: Url = _HERE) -> None:
    """Let a running server read its deployment again, and print what has changed as JSON.

    Where a name could not be changed, the command fails; the name serves what it served before. It
    fails, too, where a name serves nothing, and its folder or alias is not there.
    """
    found = _request(url, "POST", "/api/reload")
    write_json(found)
    answer = found if isinstance(found, dict) else {}
    failed, missing = answer.get("failed") or {}, answer.get("missing") or {}
    told = [f"{name} was not changed: {why}" for name, why in failed.items()]
    told += [f"{name} cannot be loaded: {why}" for name, why in missing.items()]
    if told:
        fail("; ".join(told))


COMMANDS = (
    Command(
        "status",
        status,
        "Show what a running server has loaded.",
        ("holotype pool status", "holotype pool status search --url http://models:8080"),
    ),
    Command("load", load, "Load a model.", ("holotype pool load search",)),
    Command("unload", unload, "Unload a model.", ("holotype pool unload search",)),
    Command("pin", pin, "Keep a model loaded.", ("holotype pool pin search",)),
    Command("unpin", unpin, "Let a model be unloaded again.", ("holotype pool unpin search",)),
    Command("reload", reload, "Read the deployment again.", ("holotype pool reload",)),
)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect is an error: the key is for the server that was named."""

    def redirect_request(
        self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any
    ) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


def _operate(url: str, name: str, what: str) -> None:
    found = _request(url, "POST", f"/api/pool/{urllib.parse.quote(name, safe='')}/{what}")
    job = found.get("id") if isinstance(found, dict) else None
    write_row((name, what, UNKNOWN if job is None else str(job)))


def _fields(one: dict[str, Any]) -> list[str]:
    version, idle_s = one["version"], one["idle_for_s"]
    return [
        str(one["name"]),
        str(one["variant"]),
        str(one.get("copy", 1)),
        str(one["state"]),
        UNKNOWN if version is None else str(version["number"]),
        UNKNOWN if version is None else str(version["device"]),
        _mib(one["memory_bytes"]),
        str(one["n_leases"]),
        UNKNOWN if idle_s is None else f"{idle_s:.0f}",
        "pinned" if one["pinned"] else UNKNOWN,
        str(one["reference"]),
        UNKNOWN if one["last_error"] is None else str(one["last_error"]),
    ]


def _device_line(one: dict[str, Any]) -> str:
    line = (
        f"{one['name']}: {_mib(one['held_bytes'])} of {_mib(one['budget_bytes'])} MiB held, "
        f"{_mib(one['available_bytes'])} MiB available"
    )
    if one["unreturned_bytes"]:
        line += f", {_mib(one['unreturned_bytes'])} MiB not returned"
    if one.get("loading"):
        line += f"; loading {one['loading']} for {one['loading_for_s'] or 0:.0f} s"
    return line


def _mib(n_bytes: int) -> str:
    return f"{n_bytes / _MIB:.1f}"


def _request(url: str, method: str, path: str) -> Any:
    """Ask a server, and return its JSON; whatever goes wrong ends the command with a message."""
    where = url.rstrip("/")
    if urllib.parse.urlsplit(where).scheme not in ("http", "https"):
        fail(f"{url!r} is no address of a server; write one such as {_HERE}")
    headers = {"accept": "application/json"}
    key = os.environ.get(KEY)
    if key:
        headers["authorization"] = f"Bearer {key}"
    try:
        request = urllib.request.Request(  # noqa: S310 -- http and https only, as checked
            where + path, method=method, headers=headers, data=b"" if method == "POST" else None
        )
        with _OPENER.open(request, timeout=_TIMEOUT_S) as answer:
            content = answer.read(_LONGEST_ANSWER)
    except urllib.error.HTTPError as error:
        with error:
            fail(f"{where}{path} answers {error.code}: {_problem(error, key)}")
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        said = reason_of(reason) if isinstance(reason, OSError) else reason
        fail(f"{where} does not answer: {said}; start it with holotype serve, or pass --url")
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        fail(f"{where}{path} answers something else than JSON; is this a server of holotype?")


def _problem(error: urllib.error.HTTPError, key: str | None) -> str:
    try:
        found = json.loads(error.read(_LONGEST_ANSWER))
        text = str(found["detail"])
    except (ValueError, KeyError, TypeError, OSError, RecursionError):
        text = str(error.reason)
    if error.code in (401, 403) and not key:
        text += f"; put a key into {KEY}"
    return text
