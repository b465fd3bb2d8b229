"""MLflow's own pages, of the real server that the trainings log to."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

from .browser import Browser

SCROLL = "text => [...document.querySelectorAll('a')].find(a => a.innerText === text).scrollIntoView({block: 'center'})"
CLOSE, NARROW = "button[aria-label='Close']", "button[aria-label='Toggle sidebar']"


def newest_run(server: str) -> str:
    """The page of the newest training."""
    experiments = _ask(server, "experiments/search", {"max_results": 100})["experiments"]
    (training,) = [one["experiment_id"] for one in experiments if "training" in one["name"]]
    asked = {"experiment_ids": [training], "order_by": ["attributes.start_time DESC"], "max_results": 1}
    (run,) = _ask(server, "runs/search", asked)["runs"]
    return f"/#/experiments/{training}/runs/{run['info']['run_id']}"


def model(server: str) -> str:
    """The page of the registered model."""
    with urllib.request.urlopen(f"{server}/api/2.0/mlflow/registered-models/search?max_results=10") as answer:
        (found,) = json.load(answer)["registered_models"]
    return f"/#/models/{found['name']}"


def picture(browser: Browser, server: str, path: str, target: Path, *, first: bool = False, show: str = "") -> Path:
    """A picture of a page; the assistant and the side bar are put away, and the link with the text ``show`` is seen."""
    page = browser.page("mlflow", server + path)
    page.rest(seconds=5)
    if first:
        page.click(selector=CLOSE)
        page.click(selector=NARROW)
        page.rest(seconds=2)
    if show:
        page.run(script=SCROLL, value=show)
        page.rest(seconds=0.5)
    return page.shot(target)


def _ask(server: str, path: str, body: dict[str, object]) -> Any:
    request = urllib.request.Request(
        f"{server}/api/2.0/mlflow/{path}", data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
