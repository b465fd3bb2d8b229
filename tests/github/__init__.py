"""A fake GitHub: its REST API behind real HTTP, joined to real git. ``with FakeGitHub() as github: ...``."""

from .fake import ContractViolation, FakeGitHub
from .faults import Kind, Record

__all__ = ["ContractViolation", "FakeGitHub", "Kind", "Record"]
