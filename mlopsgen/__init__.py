"""mlopsgen: from an idea to a machine-learning repository that trains by ``git push``."""

__version__ = "0.2.0"
