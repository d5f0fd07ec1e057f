"""What the cell of a label column says: yes, no, or that it is not known."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from edgepress.core.errors import UserError
from edgepress.core.wording import short
from edgepress.data.formats._columns import Column, Columns
from edgepress.data.table import PROBABILITY

TRUTH_WORDS = {
    "true": 1.0, "false": 0.0, "wahr": 1.0, "falsch": 0.0, "vrai": 1.0, "faux": 0.0,
    "verdadero": 1.0, "falso": 0.0, "vero": 1.0, "verdadeiro": 1.0,
}  # fmt: skip
"""Truth values as pandas and spreadsheets write them."""
WORDS = {
    "yes": 1.0, "no": 0.0, "ja": 1.0, "nein": 0.0, "nee": 0.0, "oui": 1.0, "non": 0.0, "si": 1.0,
    "sí": 1.0, "sì": 1.0, "sim": 1.0, "não": 0.0, "positive": 1.0, "negative": 0.0, "pos": 1.0,
    "neg": 0.0, "present": 1.0, "absent": 0.0,
}  # fmt: skip
LETTERS = {"y": 1.0, "j": 1.0, "n": 0.0}
"""Short for yes and no where a column has both."""
SIGNS = {"+": 1.0, "-": 0.0}
CROSSES = ("x", "✓", "✔", "☑", "✅")
UNKNOWN_WORDS = (
    "nan", "na", "n/a", "#n/a", "#n/v", "<na>", "nat", "none", "null", "?", "-", "uncertain",
    "unknown",
)  # fmt: skip
NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)?(?:\.[0-9]*|,[0-9]{1,2})?(?:e[+-]?[0-9]+)?")
"""A number as it is written with a point, or with a comma and at most two digits: 1,000 may be a
thousand."""
FEW_VALUES = 3
SLIPS = 20
"""One row of so many may be a slip of the pen in a column of words."""


class Family(Enum):
    """What kind of text a cell holds."""

    DIGIT = auto()
    MINUS = auto()
    TRUTH = auto()
    WORD = auto()
    CROSS = auto()
    BLANK = auto()
    UNKNOWN = auto()
    NUMBER = auto()
    TEXT = auto()


NUMBERS = {Family.NUMBER, Family.DIGIT, Family.MINUS, Family.BLANK, Family.UNKNOWN}
OTHERS = (Family.NUMBER, Family.TEXT)


@dataclass(frozen=True)
class Cells:
    """What the distinct texts of a column say; those of no row are left out of the sets."""

    families: list[Family]
    values: list[float]
    """1, 0, or NaN for what says neither."""
    counts: NDArray[np.intp]
    """Rows of each text."""

    @property
    def present(self) -> set[Family]:
        """Families that some row has."""
        return {family for family, n in zip(self.families, self.counts, strict=True) if n}

    @property
    def said(self) -> set[float]:
        """The answers that some row gives: 0, 1, both or none."""
        pairs = zip(self.values, self.counts, strict=True)
        return {value for value, n in pairs if n and not np.isnan(value)}

    @property
    def kind(self) -> Family:
        """Digits, if there is one; else words or crosses; else truth values; else text."""
        if self.present & {Family.DIGIT, Family.MINUS}:
            return Family.DIGIT
        if self.present & {Family.WORD, Family.CROSS}:
            return Family.WORD
        return Family.TRUTH if Family.TRUTH in self.present else Family.TEXT


def cells(column: Column) -> Cells:
    """Return what a column says, text by text."""
    plain = [text.strip().lower() for text in column.values]
    short = _short_words(set(plain))
    pairs = [_answer(text, short) for text in plain]
    counts = np.bincount(column.codes, minlength=len(plain))
    return Cells([family for family, _ in pairs], [value for _, value in pairs], counts)


def _short_words(plain: set[str]) -> dict[str, float]:
    """Return the signs that mean yes and no where a column has both: y and n, x and -, + and -."""
    letters = LETTERS if "n" in plain and plain & {"y", "j"} else {}
    signs = "" not in plain and "-" in plain and plain & {"+", *CROSSES}
    return letters | (SIGNS if signs else {})


def family(text: str) -> Family:
    """Return what kind of text a cell holds."""
    return _answer(text.strip().lower(), {})[0]


def answer(text: str) -> bool | None:
    """Return whether a cell says yes or no, or None for what says neither."""
    value = _answer(text.strip().lower(), LETTERS)[1]
    return None if np.isnan(value) else bool(value)


def number(text: str) -> float | None:
    """Return the number that a text is, or None."""
    plain = text.strip().lower()
    if not NUMBER.fullmatch(plain) or not re.search("[0-9]", plain.partition("e")[0]):
        return None
    value = float(plain.replace(",", "."))
    return value if np.isfinite(value) else None


def _answer(plain: str, letters: dict[str, float]) -> tuple[Family, float]:
    words = WORDS | letters
    value = number(plain)
    if plain == "":
        return Family.BLANK, np.nan
    if value in (0, 1):
        return Family.DIGIT, float(value)
    if value is not None:
        return (Family.MINUS if value == -1 else Family.NUMBER), np.nan
    if plain in TRUTH_WORDS:
        return Family.TRUTH, TRUTH_WORDS[plain]
    if plain in words:
        return Family.WORD, words[plain]
    if plain in CROSSES:
        return Family.CROSS, 1.0
    return (Family.UNKNOWN if plain in UNKNOWN_WORDS else Family.TEXT), np.nan


def label_kind(columns: Columns, name: str) -> Family | None:
    """Return how a column says yes and no; None for one that is no label.

    Ages and counts hold 0 and 1 among many other numbers; a label with a slip of the pen holds one
    or two other texts, and is refused.

    Raises:
        UserError: a cell of a label is something else.
    """
    column = columns.by_name[name]
    found = cells(column)
    kind = found.kind
    if kind == Family.TEXT or (kind != Family.DIGIT and not _is_answered(found)):
        return None
    wrong = [
        code for code, each in enumerate(found.families) if each in OTHERS and found.counts[code]
    ]
    if not wrong:
        return kind
    rows, total = int(found.counts[wrong].sum()), int(found.counts.sum())
    many = len(wrong) >= FEW_VALUES or rows * 3 >= total
    numbers = all(found.families[code] == Family.NUMBER for code in wrong)
    if (many and numbers) or (kind != Family.DIGIT and (many or rows * SLIPS > total)):
        return None
    raise UserError(
        f"A label column holds something else than 0 or 1 at {columns.where(name, wrong[0])}",
        got=short(column.values[wrong[0]]),
        allowed="0, 1, or empty or -1 for unknown; or a single column 'labels' with names",
        next_step="mend the cell, or remove the column if it is no label",
    )


def _is_answered(found: Cells) -> bool:
    """Tell whether words say yes, and no or nothing: a column of one word is no label."""
    return 1 in found.said and (0 in found.said or Family.BLANK in found.present)


def example(column: Column) -> str:
    """Return a text of a column, one that is no label's if there is one."""
    others = (text for text in column.values if family(text) in OTHERS)
    return next(others, column.values[0])


def is_soft(columns: Columns, name: str) -> bool:
    """Tell whether a column holds annotators' probabilities of the label of another one."""
    return name.endswith(PROBABILITY) and name.removesuffix(PROBABILITY) in columns.by_name


def is_numeric(column: Column) -> bool:
    """Tell whether a column holds numbers only, as counts, probabilities and measurements do."""
    return {family(text) for text in column.values} <= NUMBERS


def blank_is_no(found: Sequence[Cells]) -> list[bool]:
    """Tell for each label whether an empty cell means no: where nothing else says so.

    Words and crosses are asked column by column. Digits are asked all together: in a table with a
    single 0 somewhere, an empty cell is not known, as in CheXpert.
    """
    digits = [cells for cells in found if cells.kind == Family.DIGIT]
    present = {family for cells in digits for family in cells.present}
    only_ones = Family.MINUS not in present and not any(0 in cells.said for cells in digits)
    return [
        Family.BLANK in cells.present
        and (only_ones if cells.kind == Family.DIGIT else 0 not in cells.said)
        for cells in found
    ]
