"""Licence ids that the Hugging Face Hub has besides those of SPDX.

Source: https://huggingface.co/docs/hub/repositories-licenses. Left out are the ids that are SPDX identifiers in
another letter case, since any SPDX expression is accepted, and `unknown`, which a catalogue writes as null.
"""

HUB_LICENCES = frozenset(
    {
        "apple-amlr",
        "apple-ascl",
        "bigcode-openrail-m",
        "bigscience-bloom-rail-1.0",
        "bigscience-openrail-m",
        "bsd",
        "c-uda",
        "cc",
        "creativeml-openrail-m",
        "deepfloyd-if-license",
        "fair-noncommercial-research-license",
        "gemma",
        "gfdl",
        "gpl",
        "grok2-community",
        "h-research",
        "intel-research",
        "lgpl",
        "lgpl-lr",
        "llama2",
        "llama3",
        "llama3.1",
        "llama3.2",
        "llama3.3",
        "llama4",
        "odbl",
        "odc-by",
        "open-mdw",
        "openrail",
        "openrail++",
        "other",
        "pddl",
    }
)
