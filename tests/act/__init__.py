"""Workflows that run: what a repository on the fake GitHub starts is executed by ``act`` on this machine."""

from .hosted import GitHubActions
from .runs import Job, Run, Step

__all__ = ["GitHubActions", "Job", "Run", "Step"]
