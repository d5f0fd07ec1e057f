"""The options about thresholds and calibration that every stage has which makes a model."""

from collections.abc import Sequence
from typing import Literal

from numpy.typing import ArrayLike

from benchmarks.thresholds.demands import check_demands
from benchmarks.thresholds.models import Learning
from edgepress.core.errors import UserError
from edgepress.core.labels import Labels, Method, ThresholdSettings
from edgepress.core.noun import Noun


class ThresholdOptions(Noun):
    """How a model is calibrated and decides; the stages add these options to their own."""

    thresholds: Method | None = None
    """How decision thresholds are learnt on validation images. `f1`: one for each label, with its
    highest F1; `global`: one for all labels; `fixed`: the same numbers, 0.5 in training. Default:
    as the model that this one is made from, with its demands, else f1 (exports of a model that does
    not tell: the same decisions)."""
    demand: tuple[str, ...] = ()
    """What the threshold of a label must keep on validation images instead, e.g. `recall[LABEL] >=
    0.98` or `precision[LABEL] >= 0.9`; give it as often as needed. One that no threshold keeps is a
    failed gate. Either option, given, replaces all settings of the model that it is made from."""
    calibrate: Literal["none", "temperature", "platt"] | None = None
    """How probabilities are made to mean what they say, label by label, on validation images and
    before thresholds are learnt: by one number (`temperature`) or two (`platt`). AP stays the same.
    Default: as the model that this one is made from, else none."""

    @property
    def named(self) -> bool:
        """Whether any of these options was given."""
        return self.thresholds is not None or bool(self.demand) or self.calibrate is not None


def chosen(
    options: ThresholdOptions, parent: Labels | None, default: ThresholdSettings | None = None
) -> Learning:
    """Return what is named, else what the parent tells of itself, else the default."""
    settings = parent.learning.settings if parent is not None and parent.learning else default
    if options.thresholds is not None or options.demand:
        settings = ThresholdSettings(method=options.thresholds or "f1", demands=options.demand)
    if options.calibrate is not None:
        return Learning(settings, None if options.calibrate == "none" else options.calibrate)
    method = parent.calibration.method if parent is not None and parent.calibration else None
    return Learning(settings, method)


def check(wanted: Learning, label_names: Sequence[str], targets: ArrayLike) -> None:
    """Refuse what the validation part cannot tell anything of, before any work.

    Args:
        wanted: What is to be learnt.
        label_names: Names of the labels, in output order.
        targets: `[n, labels]` of the validation images.

    Raises:
        UserError: a demand that cannot be read or checked.
    """
    demands = wanted.thresholds.demands if wanted.thresholds else ()
    asked = (*demands, f"--calibrate {wanted.calibrate}") if wanted.calibrate else demands
    if asked and not len(targets):  # type: ignore[arg-type]  # an array has a length
        raise UserError(
            "Demands and calibration need validation images, and there are none",
            got=", ".join(asked),
            next_step="use data with a validation part (--val-share when training), or leave them "
            "out (--calibrate none).",
        )
    check_demands(demands, label_names, targets)
