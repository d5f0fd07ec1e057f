"""On which part of the data a model is judged: test, or validation while many are tried."""

from typing import Literal

from edgepress.core.noun import Noun

Judged = Literal["test", "val"]
IN_WORDS: dict[Judged, str] = {"test": "test", "val": "validation"}


class JudgingOptions(Noun):
    """Where figures are from; the stages that make models add this option to their own."""

    judged_on: Judged = "test"
    """Part of the data that accuracy is measured and gated on. `val` is for trying many models: the
    test part stays unseen for the few that are chosen, and figures of a model that was chosen on
    these very images flatter it. Such a model is measured anew in a comparison, and not bundled."""
