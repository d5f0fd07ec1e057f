"""How many views of a training image a teacher answers once for all, and what that allows."""

from collections.abc import Sequence
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field

from compress.learning import terms
from compress.learning.options import Training
from compress.learning.terms import Weighted
from edgepress.core.errors import UserError

ENOUGH = 50
"""Views from which on more bring nothing (apple/ml-dr: 50 are as good as 400)."""


MOST = 10_000


def _countable(views: int | str) -> int | str:
    if isinstance(views, int) and not 0 <= views <= MOST:
        raise ValueError(f"It should be 0 to {MOST:,}, or auto")
    return views


class ViewOptions(Training):
    """How a network is trained, and how often a teacher is asked for that."""

    teacher_views: Annotated[int | Literal["auto"], AfterValidator(_countable)] = 0
    """Views of each image whose answers by the teacher are stored and shown in turn; `auto` is as
    many as --teacher-views-mb holds, up to 50; 0 is new views in each epoch, and the teacher runs
    in every step. Needs a loss without features."""
    teacher_views_mb: float = Field(1000, gt=0)
    """Megabytes of stored answers that `auto` allows."""
    patience: float = Field(1.0, ge=1, le=1000)
    """Factor of --epochs: with stored answers an epoch costs less."""


def stores(options: ViewOptions, wanted: Sequence[Weighted]) -> bool:
    """Tell whether a teacher's answers can be stored: where some are needed, and no feature."""
    asked = terms.by_teacher(wanted)
    return bool(options.teacher_views and asked) and not terms.observe(wanted)


def check_patience(options: ViewOptions, wanted: Sequence[Weighted]) -> None:
    """Refuse a longer schedule where the teacher would have to run in every step of it.

    Raises:
        UserError: it is so.
    """
    if options.patience == 1 or not terms.by_teacher(wanted) or stores(options, wanted):
        return
    observed = terms.observe(wanted)
    raise UserError(
        "--patience is for answers of the teacher that are stored",
        got="a loss with the teacher's features" if observed else "--teacher-views 0",
        next_step="a method that asks for no features, such as --method soft-labels, or "
        "--feature-weight 0 without terms of features; and --teacher-views auto"
        if observed
        else "add --teacher-views auto",
    )


def chosen(options: ViewOptions, view_bytes: int) -> int:
    """Return how many views of all images, of so many bytes each, are stored; 0 is none.

    More than there are epochs would never be shown.
    """
    if options.teacher_views == "auto":
        most = min(ENOUGH, int(options.teacher_views_mb * 1e6 // view_bytes))
    else:
        most = options.teacher_views
    return min(most, options.epochs)


Options = TypeVar("Options", bound=ViewOptions)


def longer(options: Options) -> Options:
    """Return options with the epochs that --patience makes of them."""
    epochs = round(options.epochs * options.patience)
    return options.model_copy(update={"epochs": epochs, "patience": 1.0})
