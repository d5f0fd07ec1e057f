"""The search for an int8 file that is neither slower nor worse than the float one.

It starts from the target's best-known setting. Parts that are slower as integers on this runtime
go back to float first, since float costs no accuracy, and what is faster at some cost in accuracy
is done where it does no harm: one range for what meets in a concatenation, the convolution of the
image in integers (`faster`). Then, while accuracy is missed, biases are corrected, other
ways to calibrate are tried, and the parts that do most harm go back to float, one after the other
(`accurate`). Accuracy is judged on the validation part, never on the test part, and by
its upper bound: a file whose scores are noisy may look as good as any on few images.

What is float in the file need not be float when it runs: ONNX Runtime may quantize a lone float
convolution between integers again, with one scale per tensor (its `WeightBiasQuantization`). Times
and accuracy are those of what runs, and the audit counts it.
"""

from dataclasses import dataclass
from pathlib import Path

from edgepress.core.manifest import SearchStep
from export.graph.audit import Audit, audit
from export.making.int8.accurate import accurate
from export.making.int8.faster import faster
from export.making.int8.quantize import Workshop, first_setting
from export.making.int8.setting import Setting
from export.making.int8.trials import Demands, Judges, Trials, Tried


@dataclass(frozen=True)
class Found:
    """The best file, how it was made, and what else was tried."""

    path: Path
    setting: Setting
    audited: Audit | None
    """What ONNX Runtime's CPU provider makes of it; `None` where the file is for another one."""
    steps: tuple[SearchStep, ...]


@dataclass(frozen=True)
class Search:
    """One search; `run` is its story."""

    workshop: Workshop
    judges: Judges
    demands: Demands
    start: Setting | None = None
    """What an earlier search on the same layers has found to be fast, which is then not looked for
    again; `None` starts from the target's best-known setting."""

    def run(self) -> Found:
        """Return the best file found within the budget.

        Raises:
            UserError: the runtime cannot open or run a file.
        """
        trials = Trials(self.workshop, self.judges, self.demands)
        best = self._first(trials)
        if self.demands.budget_s:
            best = best if self.start else faster(trials, best)
            best = accurate(trials, best)
        return Found(best.path, best.setting, self._audit(best), tuple(trials.steps))

    def _first(self, trials: Trials) -> Tried:
        start = trials.start()
        best = trials.make(self.start or first_setting(self.workshop))
        if self.demands.budget_s:
            best.speedup = trials.speedup(best)
        trials.note("the target's best-known setting", best, kept=True, start=start)
        return best

    def _audit(self, best: Tried) -> Audit | None:
        target = self.workshop.target
        if target.provider != "cpu":
            return None
        stopwatch = self.judges.stopwatch
        times = stopwatch.node_times(best.path) if stopwatch else ()
        return audit(best.path, target.session_config, best.setting.kept_float, times)
