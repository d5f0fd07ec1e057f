"""Fit the scaling of every label's probabilities, or say why a label is left as it is."""

from collections.abc import Callable, Mapping

from numpy.typing import ArrayLike

from benchmarks import metrics
from benchmarks.metrics._targets import Array, table
from benchmarks.thresholds.scaling import (
    TEMPERATURES,
    platt_scaling,
    scaled,
    temperature_scaling,
)
from edgepress.core.labels import Labels
from edgepress.core.results import EvalResult
from edgepress.core.scaling import (
    Calibration,
    CalibrationMethod,
    LabelCalibration,
    Scaling,
    Scalings,
    inverses,
)

LEAST: Mapping[CalibrationMethod, int] = {"temperature": 10, "platt": 20}
"""Images with a label, and images without it, that a scaling needs: ten for each number that is
fitted (Peduzzi et al. 1996, "A simulation study of the number of events per variable in logistic
regression analysis")."""
_FIT: Mapping[CalibrationMethod, Callable[[ArrayLike, ArrayLike], Scalings]] = {
    "temperature": temperature_scaling,
    "platt": platt_scaling,
}
_AT_AN_END = 1.001
"""Within this factor of an end of `TEMPERATURES` the search has stopped there."""
NOTE = "calibration of "
"""Begins a note on a label's calibration."""


def calibration(targets: ArrayLike, probs: ArrayLike, method: CalibrationMethod) -> Calibration:
    """Return the scaling of each label that validation images tell.

    A label with too few images of either class is left as it is, and so is one whose scores are in
    the wrong order or, by temperature, part the classes wholly: no temperature is best then.

    Args:
        targets: `[n, labels]`, 0, 1 or NaN, of validation images.
        probs: `[n, labels]`, of the very network that is to be calibrated, as it gives them.
        method: One number per label, or two.

    Raises:
        ValueError: the shapes differ.
    """
    all_targets, all_probs = table(targets, probs)
    found = _FIT[method](all_targets, all_probs)
    return Calibration(
        method=method,
        labels=tuple(
            _label(column, scores, scaling, method)
            for column, scores, scaling in zip(all_targets.T, all_probs.T, found, strict=True)
        ),
    )


def carried(labels: Labels, new: Calibration | None) -> tuple[float, ...]:
    """Return the thresholds that decide on newly scaled probabilities as `labels` decides now.

    A threshold that no probability reaches, or every one, stays.
    """
    then = new.scalings if new else (None,) * len(labels.names)
    if labels.scalings == then:
        return labels.thresholds
    raw = scaled([labels.thresholds], inverses(labels.scalings))
    moved = scaled(raw, then)[0].tolist()
    return tuple(
        there if 0 < here < 1 else here
        for here, there in zip(labels.thresholds, moved, strict=True)
    )


def calibration_notes(labels: Labels, test: EvalResult) -> tuple[str, ...]:
    """Return for each label its scaling, and its calibration error without and with it.

    Args:
        labels: Those of the model.
        test: Its probabilities on the test part, as it gives them.
    """
    if labels.calibration is None:
        return ()
    targets, after = test.targets.astype(float), test.scores[0].astype(float)
    before, tested = scaled(after, inverses(labels.scalings)), not test.on_validation
    return tuple(
        _note(name, label)
        + (_tested(label, targets[:, row], before[:, row], after[:, row]) if tested else "")
        for row, (name, label) in enumerate(
            zip(labels.names, labels.calibration.labels, strict=True)
        )
    )


def _note(name: str, label: LabelCalibration) -> str:
    if label.scaling is None:
        return f"{NOTE}{name}: left as it is ({label.left})"
    slope, offset = label.scaling.slope, label.scaling.offset
    how = f"slope {slope:.3f}, offset {offset:+.3f}" if offset else f"temperature {1 / slope:.3f}"
    return (
        f"{NOTE}{name}: {how}; calibration error {_change(label.ece_before, label.ece_after)} on "
        "the validation part that it was fitted on"
    )


def _tested(label: LabelCalibration, targets: Array, *probs: Array) -> str:
    """Return its calibration error on the test part, with the probabilities before and after."""
    if label.scaling is None:
        return ""
    errors = [metrics.calibration_error(targets, each) for each in probs]
    return f", {_change(*errors)} on the test part"


def _change(before: float | None, after: float | None) -> str:
    return " to ".join("undefined" if e is None else f"{100 * e:.2f}%" for e in (before, after))


def _label(
    targets: Array, probs: Array, found: Scaling | None, method: CalibrationMethod
) -> LabelCalibration:
    positives, negatives = int((targets == 1).sum()), int((targets == 0).sum())
    left = _why_left(min(positives, negatives), found, method)
    scaling = None if left else found
    return LabelCalibration(
        scaling=scaling,
        left=left,
        positives=positives,
        negatives=negatives,
        ece_before=metrics.calibration_error(targets, probs),
        ece_after=metrics.calibration_error(targets, scaled(probs[:, None], [scaling])[:, 0]),
    )


def _why_left(rarer: int, found: Scaling | None, method: CalibrationMethod) -> str | None:
    if rarer < LEAST[method]:
        return (
            f"only {rarer} validation images of its rarer class, and {method} needs {LEAST[method]}"
        )
    if found is None or (method == "temperature" and found.temperature > _highest()):
        return "the images with it score no higher than those without"
    if method == "temperature" and found.temperature < TEMPERATURES[0] * _AT_AN_END:
        return "its scores part the classes wholly, so that no temperature is best; try platt"
    return None


def _highest() -> float:
    return TEMPERATURES[1] / _AT_AN_END
