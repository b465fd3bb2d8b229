"""The two videos, made by scripts from real runs: ``make videos``."""
