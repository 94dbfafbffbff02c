"""Check the catalogue against the checkpoints: read their small files, compare, write entries.

Of the weights, only the headers of safetensors files are read. Needs the extra ``hub``.
"""
