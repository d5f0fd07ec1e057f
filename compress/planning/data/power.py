"""What the test part can certify, before there is a model: measured of one at hand, or assumed.

Without a model the scores are drawn. They are normal, of two models that find each label equally
well and differ image by image; how well, and how much, is taken from the embedded solar cells,
where a student of 29% of the teacher's cost could certify 0.57 points (its bound less its drop)
and the drawn scores 0.58. Labels count as independent of each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from benchmarks.gates.text import base_metric, label_of
from benchmarks.statistics.certifiable import expected_drops, smallest_certifiable_drop
from benchmarks.statistics.rank_statistics import Ranks
from compress.planning.facts import Facts
from edgepress.core.eval_file import EVAL_FILE, load_eval
from edgepress.core.gates import Gate
from edgepress.core.results import EvalResult, Targets

AUC = 0.95
"""How often the assumed teacher ranks an image with a label above one without it."""
CORRELATION = 0.9
"""Of the two models' scores, among the images with a label and among those without it."""
ASSUMED = (
    f"assumed: a teacher with an AUC of {AUC:g}, and a student whose scores correlate with its by "
    f"{CORRELATION:g}"
)
MEASURED = "by the stored scores of the model: a student that differs as half of its views do"


@dataclass(frozen=True)
class Power:
    """What a test part can certify."""

    drops: Ranks
    """Of a candidate that is as good as its reference, label by label."""
    names: tuple[str, ...]
    basis: str
    """Whose scores they are."""
    units: tuple[NDArray[np.intp], NDArray[np.intp]]
    """Images (or groups) with each label, and with the rarer of having and lacking it, `[labels]`;
    0 where one of both is never seen."""

    @property
    def map_drop(self) -> float | None:
        """The smallest drop of mAP that can be certified, `None` where mAP is undefined."""
        return self._smallest(self.drops.defined)

    @property
    def sentence(self) -> str:
        """Say what the test part can certify, and whose scores that is by."""
        n, drop = len(self.drops.design.unit), self.map_drop
        if drop is None:
            return f"{n:,} test images can certify no drop of mAP: no label has both classes there"
        return (
            f"{n:,} test images can certify a drop of mAP of about {100 * drop:.1f} points or more "
            f"({self.basis})"
        )

    def smallest(self, gate: Gate) -> float | None:
        """Return the smallest limit of a gate's kind that can be certified.

        `None` where the gate is not on a drop of mAP or AP, or nothing can be measured.
        """
        metric, label = base_metric(gate), label_of(gate)
        if gate.form != "drop":
            return None
        if metric == "map":
            return self.map_drop
        if metric == "worst_ap":
            each = [self._smallest(np.array([column])) for column in self.drops.defined]
            return max((one for one in each if one is not None), default=None)
        if metric == "ap" and label in self.names:
            return self._smallest(np.array([self.names.index(label)]))
        return None

    def _smallest(self, columns: NDArray[np.intp]) -> float | None:
        drop = self.drops.mean(columns)
        return None if drop is None else smallest_certifiable_drop(drop)


def power_of(facts: Facts) -> Power:
    """Return what the test part can certify; it has an image at least."""
    context = facts.context
    names = context.dataset.label_names
    stored = _stored(facts)
    found, basis = stored, MEASURED
    if found is None:
        images = context.images("test")
        found = _drawn(names, context.dataset.targets[images.rows], images.groups)
        basis = ASSUMED
    drops = expected_drops(found)
    assert drops is not None  # of two views at least
    return Power(drops, names, basis, drops.design.units_by_label)


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


def _drawn(names: tuple[str, ...], targets: Targets, groups: Sequence[int]) -> EvalResult:
    """Return scores of two models on these images; those of a group are answered alike."""
    n, labels = targets.shape
    unit = np.unique(groups, return_inverse=True)[1] if groups else np.arange(n)
    random = np.random.default_rng(0)
    shape = (3, int(unit.max()) + 1, labels)
    common, *own = random.standard_normal(shape, np.float32)[:, unit]
    apart = np.float32(np.sqrt(2) * ndtri(AUC)) * (targets == 1)
    kept, new = np.sqrt(np.array([CORRELATION, 1 - CORRELATION], np.float32))
    scores = np.stack([kept * common + new * noise + apart for noise in own])
    return EvalResult(
        data_id="drawn",
        label_names=names,
        image_ids=tuple(map(str, range(n))),
        view_names=("teacher", "student"),
        scores=scores.astype(np.float32),
        targets=targets,
        ap={},
        map=None,
        f1_macro=None,
        ece=None,
        groups=tuple(groups),
    )
