"""Deployments in AWS Systems Manager Parameter Store."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from holotype.deployment.reading import Document
from holotype.deployment.snapshots import (
    MAX_DOCUMENTS,
    DeploymentSourceError,
    Snapshot,
    snapshot,
)
from holotype.errors import MissingExtraError, printable

STANDARD_BYTES = 4_096
"""The longest value of a standard parameter."""
ADVANCED_BYTES = 8_192
"""The longest value of an advanced parameter."""

_NAME = re.compile(r"(/[A-Za-z0-9_.-]+)+(?P<path>/)?(?::(?P<version>[A-Za-z0-9_.-]+))?")
_ADVICE: Mapping[str, str] = {
    "ParameterNotFound": "there is no such parameter; correct the name, or put one there",
    "ParameterVersionNotFound": "the parameter has no such version or label; see: aws ssm "
    "get-parameter-history",
    "AccessDeniedException": "access is denied; allow ssm:GetParameter, ssm:GetParametersByPath and, "
    "for a SecureString, kms:Decrypt",
    "ThrottlingException": "the store throttles; it is asked again later, and seldomer with a longer "
    "poll",
    "NoCredentialsError": "no credentials of AWS were found; set AWS_PROFILE, or give the machine a "
    "role",
    "NoRegionError": "no region is set; set AWS_DEFAULT_REGION",
}


def ssm_tier(text: str, name: str) -> Literal["Standard", "Advanced"]:
    """Return the tier of parameters that has room for a text.

    Raises:
        DeploymentSourceError: none has.
    """
    n_bytes = len(text.encode("utf-8", "surrogatepass"))
    if n_bytes > ADVANCED_BYTES:
        raise DeploymentSourceError(
            name,
            f"has {n_bytes:,} bytes, and a parameter has room for {ADVANCED_BYTES:,} (advanced) or "
            f"{STANDARD_BYTES:,} (standard); split it into several parameters under one path, and "
            "read them with ssm:/PATH/",
        )
    return "Standard" if n_bytes <= STANDARD_BYTES else "Advanced"


def open_ssm(location: str, *, allow_code: bool = False) -> SsmSource:
    """Return the source of ``ssm:/NAME``, ``ssm:/NAME:VERSION`` or ``ssm:/PATH/``.

    Args:
        location: the location.
        allow_code: whether what is there may name code to run.

    Raises:
        DeploymentSourceError: the location is malformed.
    """
    name = location.removeprefix("ssm:")
    match = _NAME.fullmatch(name)
    if match is None or (match["path"] and match["version"]):
        raise DeploymentSourceError(
            location, "is no parameter; write ssm:/NAME, ssm:/NAME:VERSION or ssm:/PATH/"
        )
    return SsmSource(name=name, allow_code=allow_code)


@dataclass(slots=True)
class SsmSource:
    """A parameter, or all parameters directly under a path.

    Attributes:
        name: the name of the parameter, perhaps with its version or label; a path ends with a
            slash.
        allow_code: whether the deployment may name code to run.
        client: the client of boto3; None until the first request.
    """

    name: str
    allow_code: bool = False
    client: Any = None

    @property
    def location(self) -> str:
        """The location, such as ``ssm:/holotype/production``."""
        return f"ssm:{self.name}"

    @property
    def folder(self) -> None:
        """There is nothing to watch."""
        return

    def fetch(self) -> Snapshot:
        """Return the parameters, decrypted.

        Raises:
            DeploymentSourceError: there are none, or the store does not answer or denies them.
            MissingExtraError: boto3 is not installed.
        """
        if self.client is None:
            self.client = _make_client(self.location)
        errors = _errors()
        try:
            found = sorted(self._parameters(), key=lambda each: str(each["Name"]))
        except errors as error:
            raise DeploymentSourceError(self.location, _explain(error)) from error
        if not found:
            raise DeploymentSourceError(
                self.location, "there are no parameters directly under this path; put one there"
            )
        if not self.name.endswith("/"):
            return snapshot([self._document(found[0])], str(found[0]["Version"]))
        versions = ",".join(f"{each['Name'][len(self.name) :]}:{each['Version']}" for each in found)
        return snapshot(map(self._document, found), versions)

    def _parameters(self) -> Iterator[Mapping[str, Any]]:
        if not self.name.endswith("/"):
            yield self.client.get_parameter(Name=self.name, WithDecryption=True)["Parameter"]
            return
        pages = self.client.get_paginator("get_parameters_by_path").paginate(
            Path=self.name, Recursive=False, WithDecryption=True
        )
        n_found = 0
        for page in pages:
            for parameter in page["Parameters"]:
                n_found += 1
                if n_found > MAX_DOCUMENTS:
                    raise DeploymentSourceError(
                        self.location, f"has more than {MAX_DOCUMENTS:,} parameters; join some"
                    )
                yield parameter

    def _document(self, parameter: Mapping[str, Any]) -> Document:
        name, text = f"ssm:{parameter['Name']}", str(parameter["Value"])
        if parameter.get("Type") == "StringList":
            raise DeploymentSourceError(
                name, "is a StringList; put the deployment there as a String or a SecureString"
            )
        ssm_tier(text, name)
        return Document(name=name, text=text, allow_code=self.allow_code)


def _make_client(location: str) -> Any:
    try:
        boto3: Any = importlib.import_module("boto3")
        config: Any = importlib.import_module("botocore.config")
    except ModuleNotFoundError:
        raise MissingExtraError("aws", "boto3", f"reading {location}") from None
    settings = config.Config(
        connect_timeout=5,
        read_timeout=10,
        retries={"mode": "standard", "total_max_attempts": 4},
    )
    try:
        return boto3.session.Session().client("ssm", config=settings)
    except _errors() as error:
        raise DeploymentSourceError(location, _explain(error)) from error


def _errors() -> tuple[type[Exception], ...]:
    exceptions: Any = importlib.import_module("botocore.exceptions")
    return (exceptions.BotoCoreError, exceptions.ClientError)


def _explain(error: Exception) -> str:
    response: Any = getattr(error, "response", None) or {}
    code = str(response.get("Error", {}).get("Code") or type(error).__name__)
    known = _ADVICE.get(code)
    if known is not None:
        return known
    return f"the store cannot be asked: {code}: {printable(str(error))[:300]}"
