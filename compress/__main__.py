"""`python -m compress` takes your data, and a model if there is one, to a gated int8 file."""

import sys
import time
from functools import partial

from compress.planning import shown
from compress.planning.hours.pace import Keeper
from compress.planning.options import Config
from compress.planning.plan import Planned, best_of, check_place, plan
from compress.recipes import execution, handing_over, reporting
from compress.recipes.execution import Done
from compress.recipes.reporting import Reported
from edgepress.core import console, ending, place
from edgepress.core.cli import main
from edgepress.core.errors import EdgepressError


def run(config: Config) -> None:
    """Plan, run every step of the recipe, gate each, write the report and the bundle.

    One command at a time works in a folder: a second would plan over the first and take its steps.

    Raises:
        UserError: bad recipe, options or input, or another command is at work there.
        GateFailed: a gate was not met, or no student keeps the budget.
        GateUndecided: a gate could not be decided.
    """
    if config.dry_run:
        shown.show(plan(config))
        return
    check_place(config)
    with place.occupied(config.folder):
        _work(config)


def _work(config: Config) -> None:
    """Plan and do it.

    What is unchanged since the last run is not made again. It stops at the first step whose gate is
    not met, reports on the models made so far, and ends by the worst verdict of all steps and of
    the report.
    """
    started = time.monotonic()
    planned = plan(config)
    shown.show(planned)
    keeper = Keeper(planned.place.out, planned.ledger, planned.recipe.step)
    keeper.planned(time.monotonic() - started)
    done = execution.execute(planned.recipe, planned.place, keeper, partial(best_of, planned.place))
    reported = _reported(planned, done, keeper)
    findings = (*done.findings, *reported.findings)
    bundle = None
    if planned.recipe.bundle is not None and all(one.outcome == "pass" for one in findings):
        with keeper.timing("bundle", handing_over.archive(planned.place)):
            bundle = handing_over.bundled(
                planned.recipe.bundle, planned.place, done.made, config.sign
            )
    keeper.ended(done)
    if planned.recipe.bundle is not None:
        for line in handing_over.lines(reported.report, findings, bundle, planned.place):
            console.result(line)
    ending.end_by(findings)


def _reported(planned: Planned, done: Done, keeper: Keeper) -> Reported:
    """Compare the models; an error of the report does not hide what stopped the recipe."""
    with keeper.timing("report", planned.place.out / reporting.REPORT):
        try:
            return reporting.compared(planned.recipe, planned.place, done.made, done.whole)
        except EdgepressError as error:
            if done.whole:
                raise
            console.warn(f"no report: {error}")  # what stopped the recipe is told, not this
            return Reported(None)


if __name__ == "__main__":
    sys.exit(main(Config, run))
