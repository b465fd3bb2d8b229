"""The class behind every model in the registry. MLflow copies this file into the model, so it imports nothing of ours.

The output contract, version 1: a table with the column ``prediction``; for a classification also one column
``score_<label>`` for each class, which holds its probability. Nobody gets the winning class alone.
"""

from pathlib import Path
from typing import Any

import joblib
import mlflow
import numpy as np
import pandas as pd

MISSING = "(missing)"


class ServedModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Predicts with a scikit-learn pipeline and answers by the output contract."""

    def load_context(self, context: Any) -> None:
        """Reads the fitted pipeline and what it was trained on."""
        bundle = joblib.load(Path(context.artifacts["pipeline"]))
        self.pipeline = bundle["pipeline"]
        self.columns: dict[str, str] = bundle["columns"]
        self.labels: list[str] = bundle["labels"]

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:  # noqa: ARG002
        """Predicts for each row; columns may come in any order, values may be missing."""
        features = as_features(model_input, self.columns)
        if not self.labels:
            return pd.DataFrame({"prediction": np.asarray(self.pipeline.predict(features), dtype="float64")})
        scores = np.asarray(self.pipeline.predict_proba(features), dtype="float64")
        answer = pd.DataFrame({"prediction": self.pipeline.classes_[scores.argmax(axis=1)]})
        for index, label in enumerate(self.labels):
            answer[f"score_{label}"] = scores[:, index]
        return answer


def as_features(frame: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    """The columns that the pipeline knows, in its order and types."""
    features = {}
    for name, kind in columns.items():
        values = frame[name]
        if kind == "categorical":
            # A missing text is a category of its own: that it is missing may mean something.
            features[name] = values.astype("object").where(values.notna(), MISSING).map(str).astype("object")
        else:
            features[name] = pd.to_numeric(values.astype("float64" if kind == "numeric" else "bool")).astype("float64")
    return pd.DataFrame(features, index=frame.index)


mlflow.models.set_model(ServedModel())
