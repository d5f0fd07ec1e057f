"""What every training stage asks of its data: what to learn from, and what they cannot teach."""

from dataclasses import replace

import numpy as np
from torch import nn

from benchmarks.statistics import paired
from compress.learning import options as training_options
from compress.learning.loading import Taken, TrainingImages
from compress.learning.loop.judging import Score, judged
from compress.learning.options import Training
from compress.learning.racing.scoring import Scorer, is_defined
from compress.learning.sampling import _measures
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.eval_file import EVAL_FILE, load_eval
from edgepress.core.hashing import value_hash
from edgepress.core.image_spec import ImageSpec
from edgepress.core.judging import Judged
from edgepress.core.labels import shares
from edgepress.data import pixels, views
from edgepress.data.context import Context, open_context
from edgepress.data.parts import Part
from edgepress.data.soft_labels import soft_targets

MOST_SHOWN = 10
"""Labels whose frequency is said."""


def training_images(context: Context, soft: bool = False) -> TrainingImages:
    """Return the decoded images of the training part with their targets, which may be soft.

    Raises:
        UserError: there are no soft ones.
    """
    rows, spec = context.rows("train"), context.spec
    targets = soft_targets(context.dataset) if soft else context.dataset.targets
    return TrainingImages(
        pixels=pixels.decoded(context.dataset, spec),
        targets=targets[rows],
        views=views.usable(context.dataset.views, spec),
        spec=spec,
        rows=rows,
        score=_score(context),
    )


def _score(context: Context) -> Score | None:
    """Return what measures a network on one view of the validation images, where that can be."""
    if not is_defined(context.targets("val")):
        return None
    scorer = Scorer(replace(context, views=1), context.spec)

    def score(network: nn.Module) -> float:
        found = scorer.evaluated(network, "val", "training").map
        assert found is not None  # `is_defined`
        return found

    return score


def named(options: Training, context: Context) -> dict[str, str]:
    """Return hashes of what a training takes by name, and of soft labels, where it learns them.

    Raises:
        UserError: there is no such thing, or validation images cannot tell what they are asked.
    """
    if options.judged:
        judged(_score(context), options.stop_early)
    found = training_options.identity(options)
    if options.soft_labels:
        found["soft labels"] = value_hash(soft_targets(context.dataset).tolist())
    return found


def lesson_images(context: Context, student: ImageSpec, soft: bool = False) -> TrainingImages:
    """Return the decoded images of the training part for a student and its teacher.

    Each gets the pixels that it sees when it is used, decoded to its own size from the file. They
    are in the context as the teacher takes them.
    """
    seen = training_images(context, soft)
    if student.same_pixels(context.spec):
        return seen
    own = training_images(replace(context, spec=student), soft)
    both = tuple(view for view in own.views if view in seen.views)
    return replace(own, views=both, teachers=Taken(seen.pixels, seen.spec))


def untaught(context: Context) -> tuple[str, ...]:
    """Return a sentence for each kind of label of which the training part shows too little."""
    return tuple(
        f"{what}: {', '.join(names)}; nothing can be learnt of that label from the images"
        for what, names in one_sided(context, "train").items()
    )


def one_sided(context: Context, part: Part) -> dict[str, tuple[str, ...]]:
    """Return the labels of which a part does not show both what has them and what lacks them.

    Ready-made splits and sparse tables have such labels, even where the whole data set does not.
    They are listed by what is wrong with them.
    """
    word = {"train": "training", "val": "validation", "test": "test"}[part]
    kinds = {
        f"of no {word} image is known whether it has": None,
        f"no {word} image has": 0.0,
        f"every {word} image has": 1.0,
    }
    pairs = tuple(zip(context.dataset.label_names, shares(context.targets(part)), strict=True))
    return {
        what: names
        for what, share in kinds.items()
        if (names := tuple(name for name, its in pairs if its == share))
    }


def say_imbalance(context: Context) -> None:
    """Print how frequent labels are in the training part, the rarest first."""
    has = _measures.present(context.targets("train"))
    counts, names = has.sum(axis=0), context.dataset.label_names
    if not counts.any():
        return
    ratios, mean = _measures.imbalance(counts), _measures.mean_imbalance(counts)
    console.say(f"labels of {len(has):,} training images, the rarest first (MeanIR {mean:.1f}):")
    order = np.argsort(counts, kind="stable")
    for place in order[:MOST_SHOWN]:
        share = 100 * counts[place] / len(has)
        said = f"{counts[place]:,} ({share:.1f}%), IRLbl {ratios[place]:.1f}"
        console.say(f"  {names[place]}: {said}")
    if len(names) > MOST_SHOWN:
        console.say(f"  and {len(names) - MOST_SHOWN:,} that are more frequent")


def _say_power(reference: Artifact, context: Context) -> None:
    """Print the smallest drop of mAP that the test part can certify, before work starts."""
    file = reference.file(EVAL_FILE)
    if file is None or context.judged != "test" or reference.manifest.judged_on != "test":
        return
    smallest = paired.certifiable_drop(load_eval(file))
    if smallest is not None:
        console.say(
            f"{len(context.rows('test'))} test images can certify a drop of mAP of about "
            f"{100 * smallest:.1f} points or more"
        )


def open_for(
    parents: tuple[Artifact, ...],
    source: str,
    skip_bad_images: bool,
    by_name: tuple[Artifact, ...] = (),
    judged: Judged = "test",
) -> Context:
    """Open data for a stage that works on existing models; some are asked for labels by name.

    Raises:
        UserError: unusable data, other labels than the models', or a leaking split.
    """
    context = replace(open_context(source, parents, skip_bad_images, by_name), judged=judged)
    context.dataset.check_ranges(context.spec.pixel_range)
    warn_untaught(context)
    _say_power(parents[0], context)
    return context


def require_known(context: Context) -> None:
    """Refuse a training part of which no label is known.

    Raises:
        UserError: it is so.
    """
    targets = context.targets("train")
    if np.isnan(targets).all():
        raise UserError(
            "No label is known of any training image, so there is nothing to learn",
            got=f"{len(targets)} training images of {context.dataset.source}",
            next_step="use another split, or fill in the table",
        )


def warn_untaught(context: Context) -> None:
    """Name the labels that the training part says nothing about, before work starts."""
    for sentence in untaught(context):
        console.warn(sentence)
