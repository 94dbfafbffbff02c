"""Encoders wrapped for other libraries.

Each module needs its library, which the extra of the same name installs:
`holotype.adapters.langchain`, `holotype.adapters.llama_index`, `holotype.adapters.mteb`.
"""
