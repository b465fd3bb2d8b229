"""Pipelines as text (`pipeline.yaml`) and one folder for each branch."""
