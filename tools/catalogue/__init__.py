"""From fact files to `models.json`: the pipeline that maintainers run (docs/catalogue-pipeline.md)."""
