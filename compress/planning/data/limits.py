"""What cannot be worked on, refused before any work: parts that show too little, hopeless gates."""

from collections.abc import Sequence

import numpy as np

from benchmarks.gates.text import base_metric, label_of, parse
from compress.learning.loading import require_batch
from compress.learning.training_data import one_sided, require_known
from edgepress.core.errors import UserError
from edgepress.core.wording import counted, listed
from edgepress.data.context import Context
from edgepress.data.dataset import Dataset
from edgepress.data.parts import PARTS

SMALLEST_BATCH = 2
"""Images that batch normalisation needs."""
MOST_LABELS = 10
PURPOSES = {"train": ("learnt", "training"), "test": ("measured", "test")}


def check_images(dataset: Dataset) -> None:
    """Refuse a data set that is too small to be split, before it is.

    Raises:
        UserError: fewer images than a batch, and one each to validate and to test on.
    """
    if len(dataset.paths) < SMALLEST_BATCH + 2:
        raise _too_few(
            "There are too few images for a training, a validation and a test part",
            dataset,
            f"{SMALLEST_BATCH + 2} images; hundreds to learn much and to certify it",
        )


def check_parts(context: Context, batch_size: int = SMALLEST_BATCH) -> None:
    """Refuse parts in which nothing can be learnt or nothing measured.

    A label that a part does not show is no reason, as long as it shows others (it is a remark of
    `compress.planning.findings`).

    Args:
        context: The data, split.
        batch_size: Images of a training step.

    Raises:
        UserError: fewer training images than a batch, no test image, samples of unknown range, or
            no label of which the training or the test part shows what has it and what lacks it.
    """
    context.dataset.check_ranges(context.spec.pixel_range)
    context.require("test")
    _require_smallest(context)
    require_batch(len(context.rows("train")), batch_size)
    require_known(context)
    for part in ("train", "test"):
        lacking = one_sided(context, part)
        if sum(map(len, lacking.values())) == len(context.dataset.label_names):
            purpose, word = PURPOSES[part]
            raise _too_few(
                f"No label can be {purpose}: of none does the {word} part show both images that "
                "have it and images that lack it",
                context.dataset,
                f"{len(PARTS)} images or more that have one label, and {len(PARTS)} that lack it: "
                "one for each part",
            )


def _require_smallest(context: Context) -> None:
    count = len(context.rows("train"))
    if count < SMALLEST_BATCH:
        raise _too_few(
            f"There are too few images to train on: the training part has {count:,}",
            context.dataset,
            f"{SMALLEST_BATCH} training images, the smallest batch; hundreds to learn much",
        )


def _too_few(what: str, dataset: Dataset, allowed: str) -> UserError:
    positives = (dataset.targets == 1).sum(axis=0)
    order = np.argsort(positives, kind="stable").tolist()
    counts = [f"{dataset.label_names[row]} {positives[row]:,}" for row in order]
    return UserError(
        what,
        got=f"of {counted(len(dataset.paths), 'image')} of {dataset.source} so many have each "
        f"label: {listed(counts, MOST_LABELS)}",
        allowed=allowed,
        next_step="add images, put labels together into fewer, or name a split that spreads them: "
        "--split-column",
    )


def check_gates(context: Context, gates: Sequence[str]) -> None:
    """Refuse gates on what the test part cannot show: they could only fail.

    Raises:
        UserError: there is one, or one cannot be read.
    """
    lacking = one_sided(context, "test")
    reasons = {name: f"{why}: {name}" for why, names in lacking.items() for name in names}
    for text in gates:
        gate = parse(text)
        metric, label = base_metric(gate), label_of(gate)
        concerned = reasons if metric == "worst_ap" else {label} if metric == "ap" else ()
        why = [reasons[name] for name in concerned if name in reasons]
        if why:
            raise UserError(
                f"A gate could only fail, since {listed(why, MOST_LABELS)}",
                got=text,
                next_step="add such images to the test part, leave the label out of the data, or "
                "gate other labels",
            )
