"""From a model's probabilities to the report of its errors."""

from dataclasses import dataclass
from itertools import chain, zip_longest

from benchmarks import metrics
from benchmarks.errors import confidence, grouping, label_errors, worst
from benchmarks.errors.curves import curves
from benchmarks.errors.grouping import Grouping
from benchmarks.errors.judged import NEAR, Judged, judge
from benchmarks.errors.pairs import error_pairs
from benchmarks.errors.properties import look
from benchmarks.errors.reliability import reliability
from benchmarks.errors.schema import ErrorReport, Estimate, LabelErrors
from benchmarks.errors.slices import slices
from benchmarks.errors.worst import Names, worst_images, worst_rows
from benchmarks.statistics import paired
from edgepress.core.artifact import Artifact
from edgepress.core.results import EvalResult
from edgepress.data.dataset import Dataset
from edgepress.data.grouping import Rows


@dataclass(frozen=True)
class Subject:
    """A model, and what it said of the rows of a data set."""

    model: Artifact
    result: EvalResult
    dataset: Dataset
    rows: Rows

    @property
    def judged(self) -> Judged:
        """The decisions held against the truth."""
        return judge(self.model, self.result)

    @property
    def named(self) -> Names:
        """What the images are called."""
        paths = [self.dataset.paths[row] for row in self.rows]
        return worst.names(self.result.image_ids, paths)


def analyse(subject: Subject, columns: tuple[str, ...], most_worst: int) -> ErrorReport:
    """Return the report, but for what it says of other models and of where the network looks."""
    judged, manifest, result = subject.judged, subject.model.manifest, subject.result
    groups, ranks = _grouping(subject, columns), paired.ranks(result)
    return ErrorReport(
        title=f"Errors of {subject.model.name}",
        command="",
        model=subject.model.name,
        path=str(subject.model.path),
        kind=manifest.kind,
        precision=manifest.precision,
        calibration=manifest.labels.calibration and manifest.labels.calibration.method,
        data={},
        environment={},
        n=len(subject.rows),
        n_wrong=int(judged.wrong.any(axis=1).sum()),
        map=Estimate(value=result.map, ci95=paired.interval_of(ranks.mean())),
        f1_macro=metrics.f1_macro(judged.targets, judged.probs, judged.thresholds),
        near=NEAR,
        labels=label_reports(judged, result, subject.named, most_worst),
        pairs=error_pairs(judged),
        slices=slices(judged, groups.groups),
        slice_notes=groups.notes,
    )


def label_reports(
    judged: Judged, result: EvalResult, named: Names, most_worst: int
) -> tuple[LabelErrors, ...]:
    """Return how each label fails, with so many of its worst images of each kind."""
    found = []
    for label, estimates in enumerate(label_errors.estimates(judged)):
        near, negatives = confidence.near_misses(judged, label)
        alarms = worst_rows(judged, label, "false alarm")[:most_worst]
        misses = worst_rows(judged, label, "miss")[:most_worst]
        found.append(
            LabelErrors(
                name=judged.label_names[label],
                threshold=judged.thresholds[label],
                known=int(judged.known[:, label].sum()),
                counts=label_errors.counts(judged, label),
                undefined=label_errors.undefined(judged, label),
                ap=label_errors.average_precision(result, label),
                **estimates,
                curves=curves(judged, label),
                confidence=confidence.confidence(judged, label),
                reliability=reliability(judged, label),
                near_misses=near,
                near_negatives=negatives,
                sure_errors=confidence.sure_errors(judged, label),
                false_alarms=worst_images(judged, named, alarms),
                misses=worst_images(judged, named, misses),
            )
        )
    return tuple(found)


def shown_images(report: ErrorReport) -> list[str]:
    """Return the images of the lists of worst images, the worst of every label first."""
    lists = chain.from_iterable((label.false_alarms, label.misses) for label in report.labels)
    ranks = zip_longest(*lists)
    return [image.image_id for rank in ranks for image in rank if image is not None]


def _grouping(subject: Subject, columns: tuple[str, ...]) -> Grouping:
    spec = subject.model.manifest.image
    return grouping.joined(
        grouping.by_properties(look(subject.dataset, subject.rows, spec)),
        *(grouping.by_column(subject.dataset.table, name, subject.rows) for name in columns),
    )
