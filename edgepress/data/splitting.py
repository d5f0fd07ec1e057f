"""The options that say how data are split, and the split that they make."""

from pydantic import Field

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.core.manifest import Split, SplitBy
from edgepress.core.noun import Noun
from edgepress.data import random_split, split, spread
from edgepress.data.brought import brought
from edgepress.data.dataset import Dataset


class Splitting(Noun):
    """How images are divided into a training, a validation and a test part."""

    test_share: float | None = Field(None, gt=0, lt=1)
    """Share of images in the test part (default: the split that the data bring, else 0.4)."""
    fold: str | None = None
    """K/N, e.g. 2/5: the test part is fold K of N instead of a share (`--test-share` is not used).
    `python -m benchmarks.out_of_fold` puts the N models together."""
    val_share: float = Field(random_split.VAL_SHARE, ge=0, lt=1)
    """Share of images in the validation part, on which thresholds are tuned."""
    group_column: str | None = None
    """Column of the data's table (patient, module, ...): images with one value stay in one part."""
    split_column: str | None = None
    """Column of the data's table that holds a ready-made split: `train`, `val` and `test`, or marks
    of one part (`is_valid`, `is_test`, `is_train`). Without `val`, that part is taken from the
    training part. A column of names is taken by itself, unless `--test-share`, `--fold` or
    `--group-column` asks for another split."""
    split_seed: int = random_split.SEED
    """Seed of the split."""


def check(options: Splitting) -> None:
    """Refuse options that contradict each other.

    Raises:
        UserError: they do, or the fold is none.
    """
    if options.fold is not None:
        random_split.parse_fold(options.fold)
    others = {
        "--fold": (options.fold, "the column has one test part, not N folds"),
        "--test-share": (options.test_share, "the column says which images are tested"),
        "--group-column": (options.group_column, "the column's parts are taken as they are"),
    }
    for name, (value, reason) in others.items():
        if options.split_column is not None and value is not None:
            raise UserError(
                f"--split-column and {name} exclude each other: {reason}",
                got=f"--split-column {options.split_column} {name} {value}",
                next_step="leave one of them out",
            )


def split_by(dataset: Dataset, options: Splitting) -> Split:
    """Split a data set as the options say; where they say nothing, as the data do.

    Raises:
        UserError: options that exclude each other, no such column or fold, several splits in the
            data that differ, or images that cannot be split so.
    """
    check(options)
    column = options.split_column or _column(dataset, options)
    how = SplitBy(
        seed=options.split_seed,
        val_share=options.val_share,
        test_share=options.test_share,
        fold=options.fold,
        group_column=options.group_column,
        split_column=column,
    )
    made = split.made(dataset, how)
    spread.say(dataset, made, column is not None or options.group_column is not None)
    return made


def _column(dataset: Dataset, options: Splitting) -> str | None:
    """Return the column of the split that the data bring, if nothing else is asked for; says it.

    Raises:
        UserError: they bring several, which differ.
    """
    found = brought(dataset.table)
    if any(each is not None for each in (options.fold, options.test_share, options.group_column)):
        columns = found.columns + found.asked
        if columns:
            console.say_once(found.passed_over(columns))
        return None
    if not found.agree:
        raise found.unclear()
    for sentence in found.told:
        console.say_once(sentence)
    return found.column
