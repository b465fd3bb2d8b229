"""The plots of a report: the history of a metric, and what fits the task.

Each function makes one picture at one width in one theme; :func:`pictures` makes the set that a page needs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from helpers.report_curves import Confusion, Curves, classes, confusion, curves, thinned
from helpers.report_words import NOTHING, counted, moment, number
from helpers.svg import DARK, LIGHT, Drawing, Theme, frame, ticks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from helpers.records import Evaluation, HistoryPoint
    from helpers.report_curves import ClassCurve

WIDE, NARROW, HALF = 760, 360, 360
MOST_RUNS = 40
MOST_POINTS = 400
MOST_CLASSES = 20


@dataclass(frozen=True)
class Picture:
    """One plot with its words; ``wide`` is empty when the narrow one is shown everywhere."""

    title: str
    note: str
    alt: str
    light: str
    dark: str
    wide_light: str = ""
    wide_dark: str = ""
    width: int = HALF
    height: int = 0


def _picture(draw: Callable[[Theme, int], Drawing], *, title: str, note: str, alt: str, wide: bool = False) -> Picture:
    light = draw(LIGHT, NARROW)
    return Picture(
        title=title,
        note=note,
        alt=alt,
        light=light.address(),
        dark=draw(DARK, NARROW).address(),
        wide_light=draw(LIGHT, WIDE).address() if wide else "",
        wide_dark=draw(DARK, WIDE).address() if wide else "",
        width=WIDE if wide else HALF,
        height=light.height,
    )


def history(
    points: Sequence[HistoryPoint], metric: str, *, higher_is_better: bool, threshold: float | None, present: str
) -> Picture | None:
    """A metric over the runs of a branch; champions and refused runs have marks of their own.

    ``present`` is the identity of the run that the report is about.
    """
    kept = [
        (point, point.metrics[metric])
        for point in points
        if metric in point.metrics and math.isfinite(point.metrics[metric])
    ][-MOST_RUNS:]
    if len(kept) < 2:
        return None
    values = [value for _, value in kept]
    low, high = min(values), max(values)
    # A threshold far away from the values would flatten what the plot is for; it stands in the table anyway.
    reach = 2 * (high - low)
    limit = threshold if threshold is not None and low - reach <= threshold <= high + reach else None
    if limit is not None:
        low, high = min(low, limit), max(high, limit)

    def draw(theme: Theme, width: int) -> Drawing:
        drawing = Drawing(width, 210, theme)
        scale = ticks(low, high, 4)
        if low >= 0 and high <= 1 and len(scale) > 2:  # a share cannot be more than 1
            scale = [value for value in scale if value < 1 + 1e-9] or scale
        area = frame(drawing, x=(-0.4, len(kept) - 0.6), y=scale)
        if limit is not None:
            _, level = area.at(0, limit)
            drawing.line([(area.left, level), (area.right, level)], theme.warm, dash="5 4")
            # At the end where the values are farther away, on the side where they are not.
            ends = [sum(part) / len(part) - limit for part in (values[:3], values[-3:])]
            right = abs(ends[1]) > abs(ends[0])
            beneath = (ends[right] > 0 or level - area.top < 16) and area.bottom - level > 16
            label, place = f"required {number(limit, trim=True)}", area.right - 2 if right else area.left + 4
            anchor = "end" if right else "start"
            drawing.text(place, level + (14 if beneath else -5), label, colour=theme.warm, size=11, anchor=anchor)
        drawing.line(area.path(list(enumerate(values))), theme.mark, width=1.5)
        for index, (point, value) in enumerate(kept):
            x, y = area.at(index, value)
            if point.champion:
                drawing.diamond(x, y, 6.5, theme.mark)
            elif point.passed:
                drawing.dot(x, y, 3.5, theme.mark)
            else:
                drawing.dot(x, y, 4, theme.paper, stroke=theme.warm)
        x, y = area.at(len(kept) - 1, values[-1])
        # The line comes from above when the value fell: then its number stands beneath the mark.
        beneath = values[-2] > values[-1] and area.bottom - y > 18
        drawing.text(x + 7, y + (20 if beneath else -11), number(values[-1]), size=12, anchor="end", colour=theme.ink)
        first, _ = area.at(0, low)
        level = drawing.height - 8
        drawing.text(max(first, 22), level, moment(kept[0][0].started, "day"), size=11, anchor="middle")
        last = kept[-1][0]
        named = "this run" if last.run_id == present else moment(last.started, "day")
        drawing.text(min(x, width - 24), level, named, size=11, anchor="middle", colour=theme.ink)
        return drawing

    best = (max if higher_is_better else min)(values)
    champions = [number(value) for point, value in kept if point.champion]
    return _picture(
        draw,
        title=metric,
        note="higher is better" if higher_is_better else "lower is better",
        alt=f"{metric} over {counted(len(kept), 'run')}: from {number(values[0])} to {number(values[-1])}, "
        f"best {number(best)}." + (f" Champions: {', '.join(champions[-6:])}." if champions else ""),
        wide=True,
    )


def _numbers(values: Sequence[object]) -> list[float]:
    return [float(value) if isinstance(value, (int, float)) else math.nan for value in values]


def _sample(pairs: list[tuple[float, float]]) -> list[tuple[float, float]]:
    finite = [pair for pair in pairs if math.isfinite(pair[0]) and math.isfinite(pair[1])]
    return thinned(finite, MOST_POINTS)


def regression(evaluation: Evaluation) -> list[Picture]:
    """Predicted against actual, and what was left over."""
    rows = _sample(list(zip(_numbers(evaluation.actual), _numbers(evaluation.predicted), strict=False)))
    if len(rows) < 2:
        return []
    low, high = min(min(row) for row in rows), max(max(row) for row in rows)
    residuals = [(predicted, actual - predicted) for actual, predicted in rows]
    reach = max(abs(value) for _, value in residuals)

    def against(theme: Theme, width: int) -> Drawing:
        drawing = Drawing(width, 300, theme)
        scale = ticks(low, high, 4)
        area = frame(drawing, x=scale, y=scale, x_name="actual", y_name="predicted")
        drawing.line(area.path([(scale[0], scale[0]), (scale[-1], scale[-1])]), theme.muted, dash="5 4")
        for actual, predicted in rows:
            drawing.dot(*area.at(actual, predicted), 3, theme.mark, opacity=0.5)
        return drawing

    def left_over(theme: Theme, width: int) -> Drawing:
        drawing = Drawing(width, 300, theme)
        predictions = [predicted for predicted, _ in residuals]
        across, up = ticks(min(predictions), max(predictions), 4), ticks(-reach, reach, 4)
        area = frame(drawing, x=across, y=up, x_name="predicted", y_name="actual \u2212 predicted")
        drawing.line(area.path([(across[0], 0), (across[-1], 0)]), theme.muted, dash="5 4")
        for predicted, rest in residuals:
            drawing.dot(*area.at(predicted, rest), 3, theme.mark, opacity=0.5)
        return drawing

    bias = sum(rest for _, rest in residuals) / len(residuals)
    leaning = "too low" if bias > 0 else "too high"
    shown = counted(len(rows), "row")
    return [
        _picture(
            against,
            title="Predicted against actual",
            note="On the dashed line a prediction is right.",
            alt=f"Predicted against actual {evaluation.target} for {shown}, both from {number(low)} to {number(high)}.",
        ),
        _picture(
            left_over,
            title="Residuals",
            note=f"On average {number(abs(bias))} {leaning}; a pattern here is something the model has not learnt.",
            alt=f"Residuals over predictions for {shown}; the largest is {number(reach)}, the mean {number(bias)}.",
        ),
    ]


def _matrix(found: Confusion) -> Callable[[Theme, int], Drawing]:
    size = len(found.labels)
    longest = 9 if size > 6 else 12

    def short(label: str) -> str:
        return label if len(label) <= longest else label[: longest - 1] + "\u2026"

    def draw(theme: Theme, width: int) -> Drawing:
        names = [short(label) for label in found.labels]
        longest = max(len(name) for name in names) * 6.3
        left = 30 + longest
        side = (width - left - 4) / size
        turned = side < longest + 4
        if turned:  # the last label leans over the edge of the last column
            side = (width - left - 4 - longest * 0.72) / (size - 0.5)
        top = 24 + (longest * 0.76 + 8 if turned else 16)
        height = min(side, 44 if size > 6 else 220 / size)
        drawing = Drawing(width, round(top + height * size + 8), theme)
        drawing.text(left, 12, "predicted", size=12)
        drawing.text(11, top + height * size / 2, "actual", size=12, anchor="middle", turn=-90)
        letters = 12 if side >= 34 else 10 if side >= 22 else 8
        for row, counts in enumerate(found.counts):
            total = sum(counts) or 1
            y = top + row * height
            drawing.text(left - 6, y + height / 2 + 4, names[row], size=min(11, letters + 2), anchor="end")
            for column, count in enumerate(counts):
                x, share = left + column * side, count / total
                fill = theme.tint(0.04 + 0.96 * share)
                drawing.cell(x + 0.5, y + 0.5, side - 1, height - 1, fill)
                if count and side >= 6 * len(str(count)):
                    place = x + side / 2, y + height / 2 + 4
                    drawing.text(*place, str(count), size=letters, anchor="middle", colour=theme.on(fill))
        for column, name in enumerate(names):
            x = left + (column + 0.5) * side
            if turned:
                drawing.text(x + 2, top - 6, name, size=min(11, letters + 2), turn=-45)
            else:
                drawing.text(x, top - 6, name, size=11, anchor="middle")
        return drawing

    return draw


def _curve_plot(
    found: Sequence[ClassCurve], *, names: tuple[str, str], base: Sequence[tuple[float, float]]
) -> Callable[[Theme, int], Drawing]:
    scale = [0.0, 0.25, 0.5, 0.75, 1.0]

    def draw(theme: Theme, width: int) -> Drawing:
        drawing = Drawing(width, 300, theme)
        area = frame(drawing, x=scale, y=scale, x_name=names[0], y_name=names[1])
        if base:
            drawing.line(area.path(base), theme.muted, dash="5 4")
        alone = len(found) == 1
        least, best = min(curve.area for curve in found), max(curve.area for curve in found)
        for curve in found:
            weak = least < best and curve.area == least
            points = thinned(curve.points, 200 if alone else 100)
            drawing.line(area.path(points), theme.warm if weak else theme.mark, width=2 if alone or weak else 1)
        return drawing

    return draw


def _curve_picture(
    found: Sequence[ClassCurve], kind: str, base: Sequence[tuple[float, float]], axes: tuple[str, str]
) -> Picture:
    measure = "area under the curve" if kind == "ROC curve" else "average precision"
    if len(found) == 1:
        note = f"{measure.capitalize()} {number(found[0].area)} for the class {found[0].label[:60]}."
    else:
        mean = sum(curve.area for curve in found) / len(found)
        total, found = len(found), sorted(found, key=lambda curve: curve.area)[:MOST_CLASSES]
        weakest = found[0]
        shown = f"The {MOST_CLASSES} weakest of {total} classes, each" if total > MOST_CLASSES else "Each class"
        note = f"{shown} against the rest: mean {measure} {number(mean)}"
        if weakest.area < mean:
            note += f"; the weakest class, {weakest.label[:60]}, has {number(weakest.area)} (the thick line)"
        note += "."
    return _picture(_curve_plot(found, names=axes, base=base), title=kind, note=note, alt=f"{kind}. {note}")


def classification(evaluation: Evaluation) -> list[Picture]:
    """The confusion matrix, and the curves where there are scores."""
    if not evaluation.actual or not evaluation.predicted:
        return []
    found = confusion(evaluation, MOST_CLASSES)
    right = sum(found.counts[index][index] for index in range(len(found.labels)))
    rows = sum(sum(row) for row in found.counts)
    many = " The most frequent classes; the others are one row." if len(evaluation.labels) > MOST_CLASSES else ""
    found_pictures = [
        _picture(
            _matrix(found),
            title="Confusion matrix",
            note=f"The stronger a cell's colour, the larger its share of its row.{many}",
            alt=f"Confusion matrix of {counted(len(evaluation.labels) or len(found.labels), 'class', 'classes')}: "
            f"{right:,} of {counted(rows, 'row')} are on the diagonal.",
            wide=len(found.labels) > 6,
        )
    ]
    lines: Curves = curves(evaluation)
    guess = [(0.0, lines.base_rate), (1.0, lines.base_rate)] if len(evaluation.labels) == 2 else []
    if lines.roc:
        axes = ("false positive rate", "true positive rate")
        found_pictures.append(_curve_picture(lines.roc, "ROC curve", [(0.0, 0.0), (1.0, 1.0)], axes))
    if lines.precision_recall:
        found_pictures.append(
            _curve_picture(lines.precision_recall, "Precision and recall", guess, ("recall", "precision"))
        )
    return found_pictures


def task_pictures(evaluation: Evaluation | None) -> list[Picture]:
    """The plots that fit the task; none without an evaluation."""
    if evaluation is None:
        return []
    return regression(evaluation) if evaluation.task == "regression" else classification(evaluation)


def class_rows(evaluation: Evaluation | None, most: int = MOST_CLASSES) -> list[tuple[str, str, str, int]]:
    """For each class: its name, precision, recall and number of rows; weakest recall first, the rest left out."""
    if evaluation is None or evaluation.task == "regression" or not evaluation.actual:
        return []
    found = confusion(evaluation, most=len(classes(evaluation)))
    lines = []
    for index, label in enumerate(found.labels):
        precision, recall = found.precision(index), found.recall(index)
        rows = sum(found.counts[index])
        order = (recall is None, recall or 0.0, label)
        shown = tuple(NOTHING if share is None else number(share) for share in (precision, recall))
        lines.append((order, (label, shown[0], shown[1], rows)))
    return [line for _, line in sorted(lines, key=lambda pair: pair[0])][:most]
