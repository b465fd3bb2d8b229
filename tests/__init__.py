"""Tests of the tool; helpers are imported as ``tests.<module>``."""
