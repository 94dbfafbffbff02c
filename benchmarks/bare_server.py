"""sentence-transformers behind bare FastAPI, as many services are written: one call a request."""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from sentence_transformers import SentenceTransformer


class Body(BaseModel):
    """What OpenAI's clients send."""

    model: str
    input: list[str] | str
    encoding_format: str = "float"


app = FastAPI()
model = SentenceTransformer(sys.argv[1], device="cpu")


@app.post("/v1/embeddings")
def embeddings(body: Body) -> dict[str, object]:
    """Encode on a thread of the framework."""
    texts = [body.input] if isinstance(body.input, str) else body.input
    vectors = model.encode(texts, show_progress_bar=False).tolist()
    return {
        "object": "list",
        "model": body.model,
        "data": [
            {"object": "embedding", "index": at, "embedding": vector}
            for at, vector in enumerate(vectors)
        ],
    }


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), access_log=False)
