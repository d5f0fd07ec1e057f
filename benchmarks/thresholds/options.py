"""The options about thresholds that every stage has which makes a model."""

from collections.abc import Sequence
from typing import Annotated

import tyro
from numpy.typing import ArrayLike

from benchmarks.thresholds.demands import check_demands
from compress.core.errors import UserError
from compress.core.labels import Labels, Method, ThresholdSettings
from compress.core.noun import Noun


class ThresholdOptions(Noun):
    """How the thresholds of a model are learnt; the stages add these options to their own."""

    thresholds: Method | None = None
    """How decision thresholds are learnt on validation images. `f1`: one for each label, with its
    highest F1; `global`: one for all labels; `scutfbr`: as f1, held back where that F1 may be luck;
    `fixed`: as they are, 0.5 in training. Default: as the model that this one is made from, with
    its demands, else f1 (exports of a model that does not tell: fixed)."""
    demand: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """What the threshold of a label must keep on validation images instead, e.g. `recall[LABEL] >=
    0.98` or `precision[LABEL] >= 0.9`; give it as often as needed. One that no threshold keeps is a
    failed gate. Either option, given, replaces all settings of the model that it is made from."""


def chosen(options: ThresholdOptions, parent: Labels | None) -> ThresholdSettings | None:
    """Return the settings that are named, else those of the parent, `None` if it has none."""
    if options.thresholds is not None or options.demand:
        return ThresholdSettings(method=options.thresholds or "f1", demands=options.demand)
    return parent.learning.settings if parent is not None and parent.learning else None


def check(settings: ThresholdSettings, label_names: Sequence[str], targets: ArrayLike) -> None:
    """Refuse demands that the validation part cannot tell anything of, before any work.

    Args:
        settings: How thresholds are to be learnt.
        label_names: Names of the labels, in output order.
        targets: `[n, labels]` of the validation images.

    Raises:
        UserError: a demand that cannot be read or checked.
    """
    if settings.demands and not len(targets):  # type: ignore[arg-type]  # an array has a length
        raise UserError(
            "Demands are kept on validation images, and there are none",
            got=", ".join(settings.demands),
            next_step="use data with a validation part (--val-share when training).",
        )
    check_demands(settings.demands, label_names, targets)
