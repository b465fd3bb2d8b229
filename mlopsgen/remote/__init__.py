"""Desired state, observed state, the pure plan between them, and its application."""
