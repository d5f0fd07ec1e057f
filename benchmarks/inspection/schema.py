"""`data.json`: what an inspection has found, as plain numbers and names."""

from typing import Any, Literal

from pydantic import Field

from edgepress.core.noun import Noun


class LabelFacts(Noun):
    """One label, over the images that can be read."""

    name: str
    positives: int
    unknown: int
    prevalence: float | None
    """Share of the images whose value is known; `None` where none is."""
    ir_lbl: float | None
    """How many times as often the most frequent label occurs; `None` where this one never does."""


class Cooccurrence(Noun):
    """How many images have both of two labels, the most frequent labels first."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    """`[labels, labels]`; on the diagonal the images with the label."""


class SizeCount(Noun):
    """How many images have one size, in pixels."""

    width: int
    height: int
    images: int


class Unreadable(Noun):
    """A file that is no usable image."""

    file: str
    reason: str


class Member(Noun):
    """One image of a group of copies."""

    file: str
    labels: tuple[str, ...]
    """The labels that it has."""
    split: str | None
    """What the data set's own split column says; `None` without one."""


class Copies(Noun):
    """Images that show the same."""

    exact: bool
    """The files are the same byte for byte; else their thumbnails correlate."""
    n_images: int
    images: tuple[Member, ...]
    """The first of them."""
    different_labels: tuple[str, ...]
    """Labels that some of the images have and others have not."""
    splits: tuple[str, ...]
    """Parts of the ready-made split that they lie in, where that is more than one."""


class CopyCounts(Noun):
    """How many groups of copies there are, and what is wrong with them."""

    groups: int
    images: int
    with_different_labels: int
    across_splits: int


class Duplicates(Noun):
    """All copies; the groups with something wrong come first, and only so many are listed."""

    split_column: str | None
    exact: CopyCounts
    near: CopyCounts
    groups: tuple[Copies, ...]


class SearchedLabel(Noun):
    """Whether a label's values were checked against a classifier."""

    name: str
    images: int
    """Images with a known value and a probability."""
    auc: float | None
    """How well the probabilities tell it: 1 is always, 0.5 never."""
    suspects: int | None
    """`None` where it was not searched."""
    why_not: str | None


class Suspect(Noun):
    """A label value that the probabilities speak against."""

    file: str
    label: str
    given: bool
    """What the data set says."""
    probability: float
    """Probability of the label."""


class Suspects(Noun):
    """Values that may be wrong (confident learning, Northcutt et al. 2021, by cleanlab)."""

    method: Literal["scores", "cross-validation"] | None
    """Where the probabilities are from; `None` where there are none."""
    told: str
    """The same in a sentence."""
    labels: tuple[SearchedLabel, ...]
    n_suspects: int
    most_suspicious: tuple[Suspect, ...]


class Certifiable(Noun):
    """The smallest drop of mAP that these test images can certify."""

    n_images: int | None
    drop: float | None
    """In mAP from 0 to 1."""
    told: str


class FlatImages(Noun):
    """Images that show next to nothing: their samples lie within 16 of 256 grey levels."""

    n_constant: int
    """Those that have one level."""
    files: tuple[str, ...]


class DataReport(Noun):
    """Everything that was found in one data set."""

    schema_version: int = 1
    source: str
    format: str
    folder: str
    """Where the files lie that are named here."""
    findings: tuple[str, ...]
    """What should be looked at before training."""
    n_rows: int
    """Images that the data set names."""
    n_images: int
    """Those that can be read; everything below is of them."""
    n_unknown: int
    labels: tuple[LabelFacts, ...]
    cardinality: float | None
    """Mean number of labels of an image."""
    images_by_labels: tuple[int, ...]
    """Images with no label, with one, with two, ..."""
    mean_ir: float | None
    """Mean of `ir_lbl` over the labels that occur."""
    cooccurrence: Cooccurrence
    n_grey: int
    n_sizes: int
    sizes: tuple[SizeCount, ...]
    """The most frequent sizes."""
    size_grid: tuple[SizeCount, ...]
    """All images by the largest powers of two that are not above their width and height."""
    unreadable: tuple[Unreadable, ...]
    flat: FlatImages
    n_deep: int
    """Images of more than 8 bits."""
    n_several: int
    """Files of several pictures, of which the first is taken."""
    n_transparent: int
    """Images that are transparent in places, whose colours are taken without that."""
    unknown_range: str | None
    """What is not known of the samples of images of more than 8 bits; training asks for it."""
    duplicates: Duplicates
    suspects: Suspects
    certifiable: Certifiable
    environment: dict[str, Any] = Field(default_factory=dict)

    @property
    def title(self) -> str:
        """What stands above the page."""
        return f"Data: {self.source}"
