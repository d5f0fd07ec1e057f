"""What is most serious about the data, before anything is trained on them."""

from collections.abc import Iterable, Sequence
from typing import get_args

from benchmarks.inspection import remarks
from benchmarks.inspection.remarks import Remark, Severity
from compress.planning.data.parts import about_parts, about_power
from compress.planning.data.power import Power, power_of
from compress.planning.facts import Facts
from edgepress.core.noun import Noun
from edgepress.core.wording import counted
from edgepress.data import duplicates

MOST = 5
"""Remarks that a plan shows."""


class Findings(Noun):
    """The most serious remarks on the data, the worst first, and how many more there are."""

    remarks: tuple[Remark, ...]
    n_more: int
    source: str
    map_drop: float | None
    """The smallest drop of mAP, from 0 to 1, that the test part can certify; `None` where mAP is
    undefined."""
    certifiable: str
    """The same in a sentence."""

    @property
    def lines(self) -> tuple[str, ...]:
        """Return a line for each remark, and one that says where to look for the others."""
        more = (
            f"{counted(self.n_more, 'more remark')}, and pictures: "
            f"python -m benchmarks.inspection {self.source}"
        )
        return (*map(str, self.remarks), *([more] if self.n_more else []))


def findings(facts: Facts, gates: Sequence[str]) -> Findings:
    """Return what somebody should know of the data before they are trained on.

    Every part that is trained on or tested has an image at least (`compress.planning.data.limits`).

    Raises:
        UserError: a gate that cannot be read.
    """
    ranks, power = get_args(Severity), power_of(facts, gates)
    found = sorted(_every(facts, gates, power), key=lambda one: ranks.index(one.severity))
    return Findings(
        remarks=tuple(found[:MOST]),
        n_more=max(0, len(found) - MOST),
        source=facts.context.dataset.source,
        map_drop=power.map_drop,
        certifiable=power.sentence,
    )


def _every(facts: Facts, gates: Sequence[str], power: Power) -> Iterable[Remark]:
    """Yield all remarks; of equally serious ones those on what is measured come first."""
    context = facts.context
    dataset, spec = context.dataset, context.spec
    group = duplicates.groups(dataset.thumbnails)
    yield from about_parts(context)
    yield from about_power(context, power, gates)
    yield from remarks.about_copies(group, dataset.label_names, dataset.targets)
    yield from remarks.about_labels(dataset.label_names, dataset.targets)
    if dataset.ranges is not None:
        paths = dataset.paths
        yield from remarks.about_samples(
            dataset.ranges, spec.pixel_range, lambda row: paths[row].name
        )
    yield from remarks.stretched(facts.sizes, spec)
    yield from remarks.enlarged(facts.sizes, spec)
