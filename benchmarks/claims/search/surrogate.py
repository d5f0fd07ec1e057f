"""What a trial would have come to, told by trials that were recorded: hours become milliseconds.

As in surrogate benchmarks of architecture search (Eggensperger et al. 2015, "Efficient benchmarking
of hyperparameter optimizers via surrogates"), but by Gaussian processes: a few hundred trials are
too few for forests, which told 83% of the differences of mAP where these told 97% (made-up trials,
five folds).
"""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from edgepress.core.errors import UserError
from edgepress.core.search import SearchRecord, TrialRecord

FEWEST = 30
"""Trials at their end, below which a surrogate tells nothing."""
FOLDS = 5
_ABSENT = -1.0
"""Of a choice that another one leaves no room for."""
Value = str | int | float | bool


class Surrogate:
    """Recorded trials, asked about others."""

    def __init__(self, record: SearchRecord) -> None:
        """Learn accuracy from the trials that came to their end, and costs from all measured ones.

        Raises:
            UserError: they are too few.
        """
        self._record = record
        measured = [one for one in record.trials if one.latency_ratio and one.size_ratio]
        trials = [one for one in measured if one.state == "complete"]
        if len(trials) < FEWEST:
            raise UserError(
                "Too few trials have come to their end to tell of others",
                got=len(trials),
                allowed=f"{FEWEST} or more",
            )
        self._words = _words(record.trials)
        self._trials = trials
        self._learnt = self._fitted(trials, _learnt)
        self._costs = self._fitted(measured, self._logs)
        short = [one.seconds for one in record.trials if one.state == "infeasible"]
        self.infeasible_s = float(np.median(short)) if short else 60.0

    def trial(self, number: int, choices: Mapping[str, Value]) -> TrialRecord:
        """Return what a trial of these choices would be: over the budget, or at its end."""
        inputs = self._inputs([choices])
        accuracy, seconds = self._learnt.predict(inputs)[0].tolist()
        latency, size, *used = np.exp2(self._costs.predict(inputs)[0]).tolist()
        excess = {name: share - 1 for name, share in zip(self.budgets, used, strict=True)}
        over = any(value > 0 for value in excess.values())
        return TrialRecord(
            number=number,
            state="infeasible" if over else "complete",
            choices=dict(choices),
            map=None if over else accuracy,
            latency_ratio=latency,
            size_ratio=size,
            excess=excess,
            seconds=self.infeasible_s if over else 2**seconds,
        )

    @property
    def budgets(self) -> tuple[str, ...]:
        """What limits the trials."""
        return self._record.budgets

    def _fitted(
        self, trials: Sequence[TrialRecord], told: Callable[[TrialRecord], list[float]]
    ) -> Pipeline:
        inputs = self._inputs([one.choices for one in trials])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return _process(inputs.shape[1]).fit(inputs, np.array([told(one) for one in trials]))

    @cached_property
    def explained(self) -> float:
        """The share of the differences of mAP that is told of trials that were left out."""
        inputs = self._inputs([one.choices for one in self._trials])
        wanted = np.array([one.map or 0.0 for one in self._trials])
        folds = KFold(FOLDS, shuffle=True, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            found = cross_val_predict(_process(inputs.shape[1]), inputs, wanted, cv=folds)
        return float(1 - ((found - wanted) ** 2).sum() / ((wanted - wanted.mean()) ** 2).sum())

    def _logs(self, one: TrialRecord) -> list[float]:
        """Return the logarithms of its latency and size, and of what it uses of each budget."""
        used = (1 + one.excess.get(name, 0.0) for name in self.budgets)
        return [math.log2(share or 1.0) for share in (one.latency_ratio, one.size_ratio, *used)]

    def _inputs(self, many: Sequence[Mapping[str, Value]]) -> NDArray[np.float64]:
        """Return choices as numbers `[n, choices]`: words by how accurate their trials were."""
        return np.array([[self._number(n, one.get(n)) for n in self._words] for one in many])

    def _number(self, name: str, value: Any) -> float:
        if value is None:
            return _ABSENT
        known = self._words[name]
        if known:
            return known.get(value, float(len(known)))
        return math.log2(value) if value > 0 else 0.0


def _process(choices: int) -> Pipeline:
    """Return a process whose every choice has a scale of its own; what it cannot tell is noise."""
    smooth = ConstantKernel(1.0) * Matern(np.full(choices, 2.0), (0.3, 1e3), nu=2.5)
    kernel = smooth + WhiteKernel(0.05, (1e-4, 1.0))
    return make_pipeline(StandardScaler(), GaussianProcessRegressor(kernel, normalize_y=True))


def _learnt(one: TrialRecord) -> list[float]:
    """Return its mAP, and the logarithm of the seconds that it took."""
    return [one.map or 0.0, math.log2(max(one.seconds, 1.0))]


def _words(trials: Sequence[TrialRecord]) -> dict[str, dict[Value, float]]:
    """Return the places of the values of each choice of words; none of one of numbers."""
    names = dict.fromkeys(name for one in trials for name in one.choices)
    return {name: _places(name, trials) for name in names}


def _places(name: str, trials: Sequence[TrialRecord]) -> dict[Value, float]:
    reached: dict[Value, list[float]] = {}
    for one in trials:
        if name in one.choices:
            found = reached.setdefault(one.choices[name], [])
            found += [one.map] if one.map is not None else []
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in reached):
        return {}
    order = sorted(reached, key=lambda value: (float(np.mean(reached[value] or [0.0])), str(value)))
    return {value: float(place) for place, value in enumerate(order)}
