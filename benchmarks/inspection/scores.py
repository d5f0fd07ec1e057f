"""A model's stored probabilities, brought to the rows of the data set."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.inspection.opened import Opened
from benchmarks.inspection.schema import Certifiable
from benchmarks.statistics.certifiable import certifiable_drop
from edgepress.core.errors import UserError
from edgepress.core.eval_file import EVAL_FILE, load_eval
from edgepress.core.labels import check_same
from edgepress.core.results import EvalResult


def load_scores(path: Path) -> EvalResult:
    """Read the evaluation at `path`, a file or an artifact.

    Raises:
        UserError: there is none, or it is of images that the model was trained on.
    """
    result = load_eval(path / EVAL_FILE if path.is_dir() else path)
    if result.data_id.endswith(":train"):
        raise UserError(
            "The scores are of images that the model was trained on, which it knows by heart",
            got=path,
            allowed="scores of a validation or test part",
        )
    return result


def check_fit(opened: Opened, result: EvalResult) -> None:
    """Refuse scores that are not of these data.

    Raises:
        UserError: the scores are of other labels, or of none of the images.
    """
    check_same(result.label_names, opened.table.label_names, "of the scores", opened.source)
    if set(result.image_ids).isdisjoint(opened.image_ids):
        raise UserError(
            "The scores are of none of the images of the data",
            got=f"{len(result.image_ids)} scored images",
            next_step="give the evaluation of a model trained on these data",
        )


def probabilities(opened: Opened, result: EvalResult) -> NDArray[np.float32]:
    """Return the mean over views for each image and label `[n, labels]`, NaN where there is none.

    The scores are those of the data's labels, in whatever order.
    """
    place = {image_id: row for row, image_id in enumerate(result.image_ids)}
    found = np.array([place.get(image_id, -1) for image_id in opened.image_ids], int)
    columns = [result.label_names.index(name) for name in opened.table.label_names]
    mean = result.scores.mean(axis=0)[:, columns]
    return np.where(found[:, None] >= 0, mean[found], np.float32(np.nan))


def certifiable(result: EvalResult | None) -> Certifiable:
    """Return the smallest drop of mAP that the scored images can certify."""
    if result is None:
        told = (
            "Not known: it takes a model's probabilities for the test part. Train one and give "
            "its artifact: --scores DIR."
        )
        return Certifiable(n_images=None, drop=None, told=told)
    n = len(result.image_ids)
    drop = certifiable_drop(result)
    if drop is None:
        told = (
            f"Not known: {n} images were scored in {len(result.view_names)} view, and how much "
            "two models differ is told from two views or more."
        )
        return Certifiable(n_images=n, drop=None, told=told)
    told = (
        f"{n:,} scored images can certify a drop of mAP of about {100 * drop:.1f} points or more, "
        "for a candidate that differs from the model as much as half of the model's views from "
        "the other half."
    )
    return Certifiable(n_images=n, drop=drop, told=told)
