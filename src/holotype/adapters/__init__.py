"""Encoders in the shape that other libraries expect.

Each module needs its library, which an extra of the same name brings: `holotype.adapters.langchain`,
`holotype.adapters.llama_index`, `holotype.adapters.mteb`.
"""
