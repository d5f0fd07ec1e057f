"""What the test part can certify, before there is a model: measured of one at hand, or assumed.

Without a model the scores are drawn. They are normal, of two models that find each label equally
well and differ image by image; how well, and how much, is taken from the embedded solar cells,
where a student of 29% of the teacher's cost could certify 0.57 points (its bound less its drop)
and drawn scores 0.58, over 30 draws 0.53 to 0.62. Labels count as independent of each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from benchmarks.gates.text import base_metric, label_of, parse
from benchmarks.statistics.certifiable import expected_drops, smallest_certifiable_drop
from benchmarks.statistics.rank_statistics import Ranks
from compress.planning.facts import Facts
from edgepress.core.eval_file import EVAL_FILE, load_eval
from edgepress.core.gates import Gate
from edgepress.core.results import EvalResult, Targets

AUC = 0.95
"""How often the assumed teacher ranks an image with a label above one without it."""
CORRELATION = 0.88
"""Of the two models' scores, among the images with a label and among those without it."""
ASSUMED = (
    f"assumed: a teacher with an AUC of {AUC:g}, and a student whose scores correlate with its by "
    f"{CORRELATION:g}"
)
MEASURED = "by the stored scores of the model: a student that differs as half of its views do"
WORK = 1_000_000
"""Test images times labels that are ranked; of more labels a sample stands for all."""
FEWEST_LABELS = 10

Counts = NDArray[np.intp]


@dataclass(frozen=True)
class Power:
    """What a test part can certify."""

    names: tuple[str, ...]
    """Of all labels."""
    units: tuple[Counts, Counts]
    """Images (or groups) with each label, and with the rarer of having and lacking it, `[labels]`;
    0 where the test part does not show both."""
    n_images: int
    basis: str
    """Whose scores they are."""
    drops: Ranks | None
    """Of a candidate that is as good as its reference; `None` where nothing can be measured."""
    ranked: tuple[int, ...]
    """Labels of `drops`: the rarest, those of gates, and of all others as many as the work lets."""

    @property
    def map_drop(self) -> float | None:
        """The smallest drop of mAP that can be certified, `None` where mAP is undefined."""
        drop = None if self.drops is None else self.drops.mean()
        if drop is None:
            return None
        labels = int((self.units[1] > 0).sum())
        spread = drop.se * np.sqrt(len(self.ranked) / labels)
        return smallest_certifiable_drop(replace(drop, se=float(spread), share=1 / labels))

    @property
    def sentence(self) -> str:
        """Say what the test part can certify, and whose scores that is by."""
        drop = self.map_drop
        if drop is None:
            return f"{self.n_images:,} test images can certify no drop of mAP: it is undefined"
        return (
            f"{self.n_images:,} test images can certify a drop of mAP of about {100 * drop:.1f} "
            f"points or more ({self.basis})"
        )

    def smallest(self, gate: Gate) -> float | None:
        """Return the smallest limit of a gate's kind that can be certified.

        `None` where the gate is not on a drop of mAP or AP, or nothing can be measured.
        """
        metric = base_metric(gate) if gate.form == "drop" else ""
        if metric == "map":
            return self.map_drop
        each = [self._of_label(column) for column in self._concerned(metric, label_of(gate))]
        return max((one for one in each if one is not None), default=None)

    def _concerned(self, metric: str, label: str | None) -> tuple[int, ...]:
        one = tuple(column for column in self.ranked if self.names[column] == label)
        return {"worst_ap": self.ranked, "ap": one}.get(metric, ())

    def _of_label(self, column: int) -> float | None:
        drop = None if self.drops is None else self.drops.label(self.ranked.index(column))
        return None if drop is None else smallest_certifiable_drop(drop)


def power_of(facts: Facts, gates: Sequence[str]) -> Power:
    """Return what the test part can certify of mAP, and of the labels that gates name.

    Raises:
        UserError: a gate that cannot be read.
    """
    context = facts.context
    names, images = context.dataset.label_names, context.images("test")
    targets = context.dataset.targets[images.rows]
    unit = np.unique(images.groups, return_inverse=True)[1] if images.groups else None
    units = _units(targets, np.arange(len(images)) if unit is None else unit)
    gated = {label_of(parse(gate)) for gate in gates}
    ranked = _ranked(
        units[1], {row for row, name in enumerate(names) if name in gated}, len(images)
    )
    stored = _stored(facts)
    if not ranked:
        drops = None
    elif stored is None:
        drops = expected_drops(_drawn(targets[:, ranked], images.groups))
    else:
        drops = expected_drops(_chosen(stored, ranked))
    basis = ASSUMED if stored is None else MEASURED
    return Power(names, units, len(images), basis, drops, ranked)


def _units(targets: Targets, unit: Counts) -> tuple[Counts, Counts]:
    """Return how many units have each label, and the rarer class, `[labels]`."""
    order = np.argsort(unit, kind="stable")
    starts = np.unique(unit[order], return_index=True)[1]
    held = [
        np.logical_or.reduceat((targets == value)[order], starts).sum(axis=0) for value in (1, 0)
    ]
    rarer = np.minimum(*held)
    return np.where(rarer > 0, held[0], 0), rarer


def _ranked(rarer: Counts, gated: set[int], n: int) -> tuple[int, ...]:
    """Return the labels that are looked at, from the rarest to the most frequent ones evenly."""
    order = np.argsort(rarer, kind="stable")
    order = order[rarer[order] > 0]
    most = min(len(order), max(FEWEST_LABELS, WORK // n))
    even = order[np.linspace(0, max(len(order) - 1, 0), most).astype(int)]
    return tuple(sorted({*even.tolist(), *(gated & {*order.tolist()})}))


def _stored(facts: Facts) -> EvalResult | None:
    """Return the model's own evaluation of this test part in several views, if there is one."""
    model, context = facts.start.artifact, facts.context
    file = None if model is None else model.file(EVAL_FILE)
    if file is None:
        return None
    result = load_eval(file)
    tested = sorted(context.dataset.image_ids[row] for row in context.rows("test"))
    fits = result.label_names == context.dataset.label_names and len(result.view_names) > 1
    return result if fits and sorted(result.image_ids) == tested else None


def _chosen(result: EvalResult, columns: tuple[int, ...]) -> EvalResult:
    names = tuple(result.label_names[column] for column in columns)
    scores, targets = result.scores[:, :, columns], result.targets[:, columns]
    return result.model_copy(update={"label_names": names, "scores": scores, "targets": targets})


def _drawn(targets: Targets, groups: tuple[int, ...]) -> EvalResult:
    """Return scores of two models on these images; those of a group are answered alike."""
    n, labels = targets.shape
    unit = np.unique(groups, return_inverse=True)[1] if groups else np.arange(n)
    random = np.random.default_rng(0)
    common, *own = random.standard_normal((3, int(unit.max()) + 1, labels), np.float32)[:, unit]
    apart = np.float32(np.sqrt(2) * ndtri(AUC)) * (targets == 1)
    kept, new = np.sqrt(np.array([CORRELATION, 1 - CORRELATION], np.float32))
    scores = np.stack([kept * common + new * noise + apart for noise in own])
    return EvalResult(
        data_id="drawn",
        label_names=tuple(map(str, range(labels))),
        image_ids=tuple(map(str, range(n))),
        view_names=("teacher", "student"),
        scores=scores,
        targets=targets,
        ap={},
        map=None,
        f1_macro=None,
        ece=None,
        groups=groups,
    )
