"""Which choices the next trial is made of: Optuna's multi-objective TPE over what was tried.

Ozaki et al. 2022 (doi 10.1613/jair.1.13188). mAP is to be high; the latency and the size, as shares
of the teacher's fp32 file, low: in logarithms, for half of a fiftieth is worth as much as half of a
fifth. The sampler sees the records and nothing else, and draws by the seed and the number of the
trial, so that the same records give the same choices, however often a search was stopped; shares
are rounded to two digits, since no two measurements are the same.
"""

import math
import warnings
from collections.abc import Iterable, Sequence

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from compress.searching.space import Choices, Dimension, Space, Value
from edgepress.core.hashing import value_hash
from edgepress.core.search import TrialRecord

DIRECTIONS = (StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE, StudyDirection.MINIMIZE)
"""Of mAP, and of the logarithms of the shares of latency and size."""
STATES = {
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "infeasible": TrialState.PRUNED,
    "failed": TrialState.FAIL,
    "running": TrialState.RUNNING,
}
RANDOM = 10
"""Trials that are drawn at random before the sampler looks at what was tried."""
DRAWS = 64
"""Tries to draw what was not tried before; the later half of them at random."""


def proposed(
    space: Space, records: Sequence[TrialRecord], seed: int, number: int
) -> Choices | None:
    """Return the choices of a trial; `None` where all that is drawn was tried.

    Args:
        space: What may be chosen.
        records: Of the other trials, as this machine sees them.
        seed: Of the search.
        number: Of the trial.
    """
    tried = {_key(one.choices) for one in records}
    for draw in range(DRAWS):
        drawn = int(value_hash([seed, number, draw]), 16) % 2**32
        if number == 0 and draw == 0:
            choices = _chosen(space, None)
        else:
            choices = _chosen(space, _asked(records, space, _sampler(drawn, draw, records)))
        if _key(choices) not in tried:
            return choices
    return None


def _sampler(drawn: int, draw: int, records: Sequence[TrialRecord]) -> BaseSampler:
    if draw >= DRAWS // 2 or len(records) < RANDOM:
        return RandomSampler(seed=drawn)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return TPESampler(seed=drawn, multivariate=True, group=True, n_startup_trials=0)


def _asked(records: Iterable[TrialRecord], space: Space, sampler: BaseSampler) -> optuna.Trial:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(directions=DIRECTIONS, sampler=sampler)
    for one in records:
        if one.choices and one.state != "failed":
            study.add_trial(as_trial(one, space))
    return study.ask()


def _chosen(space: Space, trial: optuna.Trial | None) -> Choices:
    """Return a value of each dimension that applies; without a trial, the first of each."""
    choices: Choices = {}
    for name, one in space.items():
        if not one.applies(choices):
            continue
        if one.value is not None:
            choices[name] = one.value
        elif trial is None:
            choices[name] = one.start
        else:
            choices[name] = _suggested(trial, name, distribution(one))
    return choices


def _suggested(trial: optuna.Trial, name: str, one: BaseDistribution) -> Value:
    if isinstance(one, CategoricalDistribution):
        found = trial.suggest_categorical(name, one.choices)
        assert found is not None  # no dimension has such a value
        return found
    if isinstance(one, IntDistribution):
        return trial.suggest_int(name, one.low, one.high, log=one.log, step=one.step)
    assert isinstance(one, FloatDistribution)
    return trial.suggest_float(name, one.low, one.high, log=one.log, step=one.step)


def distribution(one: Dimension) -> BaseDistribution:
    """Return a dimension that is not fixed as Optuna has it."""
    if one.low is None or one.high is None:
        return CategoricalDistribution(one.known)
    if isinstance(one.low, int) and isinstance(one.high, int):
        return IntDistribution(one.low, one.high, log=one.log, step=int(one.step or 1))
    return FloatDistribution(one.low, one.high, log=one.log, step=one.step)


def as_trial(record: TrialRecord, space: Space) -> FrozenTrial:
    """Return a record as Optuna has it, without the dimensions that are fixed."""
    free = {n: distribution(one) for n, one in space.items() if one.value is None}
    params = {name: value for name, value in record.choices.items() if name in free}
    return create_trial(
        state=STATES[record.state],
        values=values(record),
        params=params,
        distributions={name: free[name] for name in params},
        constraints=dict(record.excess) if record.state != "running" else None,
    )


def values(record: TrialRecord) -> list[float] | None:
    """Return what a complete trial is judged by, as in `DIRECTIONS`; `None` of any other."""
    if record.state != "complete" or record.map is None:
        return None
    return [record.map, _rounded(record.latency_ratio), _rounded(record.size_ratio)]


def _rounded(share: float | None) -> float:
    return math.log2(float(f"{share or 1.0:.2g}"))


def _key(choices: Choices) -> str:
    return value_hash(sorted(choices.items()))
