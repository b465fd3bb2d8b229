"""Wines that are made up: what the tests and pull requests train on. `python tests/wine.py` writes the sample again."""

from __future__ import annotations

import random
from pathlib import Path

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "sample" / "wine.csv"

# Of each measurement: where the middle lies, how far values scatter, the lowest and the highest one, and decimals.
MEASUREMENTS = {
    "fixed acidity": (8.3, 1.7, 4.6, 15.9, 1),
    "volatile acidity": (0.53, 0.18, 0.12, 1.58, 2),
    "citric acid": (0.27, 0.19, 0.0, 1.0, 2),
    "residual sugar": (2.5, 1.4, 0.9, 15.5, 1),
    "chlorides": (0.088, 0.04, 0.012, 0.61, 3),
    "free sulfur dioxide": (16, 10, 1, 72, 0),
    "total sulfur dioxide": (46, 33, 6, 289, 0),
    "density": (0.9967, 0.0019, 0.99, 1.0037, 5),
    "pH": (3.31, 0.15, 2.74, 4.01, 2),
    "sulphates": (0.66, 0.17, 0.33, 2.0, 2),
    "alcohol": (10.4, 1.07, 8.4, 14.9, 1),
}


def made_up(rows: int, seed: int = 1) -> str:
    """A file like that of the university: semicolons, quotes around the names, and here and there a wine twice.

    The mark follows alcohol, volatile acidity and sulphates, and the product of alcohol and sulphates.
    """
    generator = random.Random(seed)
    lines = [";".join(f'"{name}"' for name in [*MEASUREMENTS, "quality"])]
    while len(lines) <= rows:
        wine = {}
        for name, (middle, scatter, lowest, highest, decimals) in MEASUREMENTS.items():
            wine[name] = round(min(highest, max(lowest, generator.gauss(middle, scatter))), decimals)
        alcohol, sulphates = (wine["alcohol"] - 10.4) / 1.07, (wine["sulphates"] - 0.66) / 0.17
        acid = (wine["volatile acidity"] - 0.53) / 0.18
        mark = 5.6 + 0.35 * alcohol - 0.25 * acid + 0.2 * sulphates + 0.3 * alcohol * sulphates
        mark = min(8, max(3, round(mark + generator.gauss(0, 0.45))))
        line = ";".join([*(f"{value:g}" for value in wine.values()), str(mark)])
        lines += [line] * (2 if generator.random() < 0.1 else 1)
    return "\n".join(lines[: rows + 1]) + "\n"


if __name__ == "__main__":
    SAMPLE.write_text(made_up(400), encoding="utf-8")
