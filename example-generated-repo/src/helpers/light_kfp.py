"""Imports kfp without its client for clusters, which nothing here needs.

``import kfp`` brings in its client, and with it the whole Kubernetes client: four fifths of the second that it takes.
While kfp is imported, an empty module stands in the client's place; afterwards ``kfp.client`` can be imported as usual.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

CLIENT = "kfp.client"


def import_kfp() -> ModuleType:
    """The module kfp; when somebody imported it before, as it is."""
    if "kfp" in sys.modules or CLIENT in sys.modules:
        return importlib.import_module("kfp")
    stand_in = ModuleType(CLIENT)
    stand_in.Client = None  # type: ignore[attr-defined]
    sys.modules[CLIENT] = stand_in
    try:
        kfp = importlib.import_module("kfp")
    finally:
        del sys.modules[CLIENT]
    for name in ("Client", "client"):
        if vars(kfp).get(name) in (None, stand_in):
            vars(kfp).pop(name, None)
    return kfp


kfp = import_kfp()
