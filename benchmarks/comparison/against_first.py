"""What the entry of a model says against the first model of the bench, image by image."""

from benchmarks.comparison.bench import Bench
from benchmarks.report.schema import AgreementEntry, FlipEntry, LabelDrop
from benchmarks.statistics import paired
from benchmarks.statistics.agreement import Agreement, Flip, agreement
from benchmarks.statistics.labels import drop_p_values, holm
from edgepress.core.errors import UserError
from edgepress.core.results import EvalResult

MOST_FLIPS = 24


def against_first(bench: Bench, row: int) -> dict[str, object]:
    """Return the drop of mAP and of each label, and the agreement, as fields of a `ModelEntry`.

    Empty for the first model itself, and where the two cannot be compared image by image.
    """
    if row == 0 or not bench.evaluations:
        return {}
    ours, first = bench.evaluations[row], bench.evaluations[0]
    if not _paired(ours, first):
        return {}
    found = agreement((bench.models[row], ours), (bench.models[0], first))
    return {
        "map_drop_ci95": paired.interval_of(paired.map_drop(ours, first)),
        "label_drops": label_drops(ours, first),
        "agreement": _agreement(found),
    }


def _paired(ours: EvalResult, first: EvalResult) -> bool:
    try:
        paired.check_paired(ours, first)
    except UserError:
        return False
    return True


def label_drops(ours: EvalResult, first: EvalResult) -> dict[str, LabelDrop | None]:
    """Return what each label's AP lost against another result, `None` where it is undefined.

    Raises:
        UserError: the two were not measured on the same images, labels and views.
    """
    ranks = paired.drops(ours, first)
    drops = [ranks.label(column) for column in range(len(ours.label_names))]
    p_values = holm(drop_p_values(drops))
    return {
        name: None
        if drop is None
        else LabelDrop(drop=drop.value, ci95=drop.interval(), p_holm=float(p_value))
        for name, drop, p_value in zip(ours.label_names, drops, p_values, strict=True)
    }


def _agreement(found: Agreement) -> AgreementEntry:
    known = [flip for flip in found.flips if flip.target is not None]
    right = sum(flip.decided == flip.target for flip in known)
    return AgreementEntry(
        share=found.share,
        ci95=found.ci95,
        n_flips=len(found.flips),
        n_now_right=right,
        n_now_wrong=len(known) - right,
        flips=tuple(flip_entry(flip) for flip in found.flips[:MOST_FLIPS]),
    )


def flip_entry(flip: Flip) -> FlipEntry:
    """Return a changed decision as the report shows it."""
    return FlipEntry(
        image_id=flip.image_id,
        label=flip.label,
        target=flip.target,
        decided=flip.decided,
        before=round(flip.prob_reference, 4),
        after=round(flip.prob_candidate, 4),
    )
