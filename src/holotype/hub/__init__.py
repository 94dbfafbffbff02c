"""The catalogue against the checkpoints: read their small files, compare, and make entries.

Weights are never fetched: of a safetensors file only the header is read. Needs the extra ``hub``.
"""
