"""The steps of the pipelines: plain typed functions, yours to edit."""
