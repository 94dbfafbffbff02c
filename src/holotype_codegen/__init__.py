"""The generator: validates a `models.json` and renders it as a typed Python module.

It runs at build time and never imports `holotype`.
"""

__version__ = "0.1.0"
