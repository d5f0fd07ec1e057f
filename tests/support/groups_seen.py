"""Which groups of images every evaluation is given."""

import pytest

from benchmarks.evaluation import evaluation
from edgepress.core.results import EvalResult


def spy_on_groups(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Return a list that collects the groups of everything that is measured."""
    seen: list[tuple[int, ...]] = []
    inner = evaluation.with_metrics

    def spy(result: EvalResult, labels: object) -> EvalResult:
        seen.append(result.groups)
        return inner(result, labels)

    monkeypatch.setattr(evaluation, "with_metrics", spy)
    return seen
