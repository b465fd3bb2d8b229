"""A fake Kubeflow Pipelines behind real HTTP or HTTPS, with the login that Kubeflow puts in front of it.

``with FakeKubeflow() as kubeflow: ... kubeflow.address``. Every request and answer is validated against Kubeflow's own
description; it behaves as the real server and the real login chain were measured to.
"""

from .fake import ContractViolation, FakeKubeflow
from .faults import Fault
from .plays import Play, failing, held, succeeding

__all__ = ["ContractViolation", "FakeKubeflow", "Fault", "Play", "failing", "held", "succeeding"]
