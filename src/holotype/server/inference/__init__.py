"""What runs models: the shapes of OpenAI, Jina, Cohere, Infinity and Text Embeddings Inference."""

from __future__ import annotations

from fastapi import APIRouter

from holotype.server.inference import captions, classify, openai, rerank, tei

router = APIRouter()
for each in (openai.router, captions.router, rerank.router, classify.router, tei.router):
    router.include_router(each)
