"""The embedding models that Acme runs; `acme_models.models` is generated from models.json."""
