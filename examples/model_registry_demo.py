"""Query the catalogue, without torch and without a network."""

import time

started = time.perf_counter()

import holotype  # noqa: E402
from holotype import ModelType, get_model, list_model_ids, models_by_type, select  # noqa: E402
from holotype.models import BGE_M3, JINA_COLBERT_V2  # noqa: E402

took_ms = (time.perf_counter() - started) * 1000


def main() -> None:
    """Query the catalogue and print the results."""
    print(f"{len(holotype.MODEL_REGISTRY)} models, imported in {took_ms:.0f} ms\n")
    for kind in ModelType:
        models = models_by_type(kind)
        examples = ", ".join(model.id for model in models[:3])
        print(f"  {len(models):4} {kind:<14} {examples}, ...")

    print("\nGerman, Apache-2.0, at most 768 dimensions, best measured first:")
    found = select(
        type=ModelType.DENSE,
        language="de",
        license="apache-2.0",
        max_embedding_dim=768,
        sort_by="beir_avg",
        descending=True,
    )
    for model in found[:5]:
        score = "not measured" if model.beir_avg is None else f"BEIR {model.beir_avg:.3f}"
        print(f"  {model.id:<40} {model.embedding_dim:5} dimensions  {score}")

    print(f"\n{JINA_COLBERT_V2.name}: how to run it")
    print(f"  tokens in a query      {JINA_COLBERT_V2.query_length}")
    print(f"  can be truncated to    {JINA_COLBERT_V2.matryoshka_dims}")
    print(f"  licence                {JINA_COLBERT_V2.license}")
    print(f"  pinned to              {JINA_COLBERT_V2.revision}")

    print(f"\nWhere {BGE_M3.name}'s facts come from:")
    for field in ("embedding_dim", "pooling", "context_length"):
        print(f"  {field:<16} {getattr(BGE_M3, field)!s:<6} {BGE_M3.source_of(field)}")

    print("\nA misspelt name:")
    try:
        get_model("bge-m4")  # type: ignore[call-overload]  # the mistake to show
    except holotype.ModelNotFoundError as error:
        print(f"  {error}")
    print("\nids like *-small-*:", ", ".join(list_model_ids("*-small-*")[:5]), "...")


if __name__ == "__main__":
    main()
