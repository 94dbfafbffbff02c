"""How models are run, once their records and their checkpoints agree."""
