"""The JSON Schema of deployments, for editors."""

from __future__ import annotations

import json
from importlib import resources

from holotype.deployment.fields import DEPLOYMENT, MODEL, ONLY_OF_LOADED

FILE = "deployment.schema.json"
"""The name of the published schema in this package."""


def make_schema() -> str:
    """Return the schema as JSON text; `read_schema` returns the same, published."""
    model = MODEL.schema()
    model["oneOf"] = [{"required": [one]} for one in ("source", "variants", "ensemble")]
    model["if"] = {"required": ["ensemble"]}
    model["then"] = {"properties": dict.fromkeys(ONLY_OF_LOADED, False)}
    made = DEPLOYMENT.schema()
    models = made["properties"]["models"]
    models["additionalProperties"] = {"$ref": "#/$defs/model"}
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A deployment of holotype",
        "description": "Which models run, and how. See docs/deployment.md.",
    }
    return json.dumps({**head, **made, "$defs": {"model": model}}, indent=2) + "\n"


def read_schema() -> str:
    """Return the published schema as JSON text."""
    return resources.files("holotype.deployment").joinpath(FILE).read_text(encoding="utf-8")
