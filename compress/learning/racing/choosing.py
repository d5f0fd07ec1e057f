"""By which method a student is taught, and why."""

from collections.abc import Sequence

from pydantic import Field

from compress.learning import methods
from compress.learning.racing.halving import heats
from compress.learning.racing.race import Race, raced
from compress.learning.racing.scoring import is_defined
from compress.learning.teaching import Teaching, terms_of
from edgepress.core import console
from edgepress.core.distillation import Distillation, HeatResult
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun
from edgepress.core.wording import counted

UNRACED = "feature-maps"
"""The method of maps for a student with layers of its teacher; also where nothing is found out."""
ADAPTED = "fitnets"
"""The method of maps for any two networks, through learnt layers."""
OF_MAPS = (UNRACED, ADAPTED)
RACED = (*OF_MAPS, "soft-labels", "none")
"""The methods that `auto` may try; where two are as good the earlier one is taken."""
RACE_SHARE = 0.25


class MethodOptions(Noun):
    """By which method a student learns; stages that distil add these options to their own."""

    method: str = methods.AUTO
    """A file of compress/learning/methods, `none` for no teacher, or `auto`, where no option of the
    loss is given: a few of them race on validation images, and the winner's student is kept only if
    it is better there than its control."""
    race_share: float | None = Field(None, ge=0, le=1)
    """Epochs of the race, as a share of the student's; 0 is no race. Default: 0.25."""
    control: bool = False
    """Train the same student again without its teacher, and tell what the teacher gave; `auto`
    does where it can compare the two on validation images."""

    @property
    def raced_share(self) -> float:
        """Epochs of the race, as a share of the student's."""
        return RACE_SHARE if self.race_share is None else self.race_share


def check(options: MethodOptions, settings: Teaching) -> None:
    """Refuse a method that is not there, or what contradicts it.

    Raises:
        UserError: it is so.
    """
    stated, named = methods.stated(settings), options.method != methods.AUTO
    flags = [f"--{name.replace('_', '-')}" for name in stated]
    if named:
        methods.identity(options.method)
    if named and stated:
        raise UserError(
            "A method of distillation is values of the options of the loss",
            got=f"--method {options.method}, and {', '.join(flags)}",
            next_step="leave --method or the others out",
        )
    if options.race_share is not None and not races(options, settings):
        why = f"--method {options.method}" if named else ", ".join(flags)
        raise UserError(
            "There is no race whose share could be given",
            got=f"--race-share {options.race_share:g}, and {why}",
            next_step=f"leave --race-share or {why} out",
        )


def identity(options: MethodOptions, settings: Teaching) -> dict[str, str]:
    """Return hashes of the methods that may be taken."""
    if options.method != methods.AUTO:
        return {options.method: methods.identity(options.method)}
    return {} if methods.stated(settings) else {name: methods.identity(name) for name in RACED}


def races(options: MethodOptions, settings: Teaching) -> bool:
    """Return whether the method is found out."""
    return options.method == methods.AUTO and not methods.stated(settings)


def chosen(options: MethodOptions, race: Race) -> Distillation:
    """Return the method by which a student is to be taught; where it takes a race it is run.

    Raises:
        UserError: a training of the race fails.
    """
    if not race.settings.epochs:
        return Distillation(method=methods.NONE, reason="no epoch")
    if methods.stated(race.settings):
        alone = terms_of(race.settings) == terms_of(race.applied(methods.NONE))
        method = methods.NONE if alone else methods.STATED
        return Distillation(method=method, reason="options of the loss are given")
    if options.method != methods.AUTO:
        return Distillation(method=options.method, reason="--method")
    how = _by_validation(options, race) if can_score(race) else _unscored(race)
    console.say(f"the student learns by {how.method}: {how.reason}")
    return how


def can_score(race: Race) -> bool:
    """Return whether mAP is defined on the validation part."""
    return is_defined(race.scorer.context.targets("val"))


def _unscored(race: Race) -> Distillation:
    reason = "the validation part has no label with and without it, so there was no race"
    return Distillation(method=fitting(race)[0], reason=reason)


def _by_validation(options: MethodOptions, race: Race) -> Distillation:
    teacher, start = standing(race)
    measured = {"teacher_map": teacher, "start_map": start}
    if teacher <= start:
        reason = f"the teacher is no better than the student's start (mAP {start:.3f})"
        _advise(reason, teacher)
        return Distillation(method=methods.NONE, reason=reason, **measured)
    entries = fitting(race)
    plan = heats(len(entries), race.settings.epochs, options.raced_share)
    if not plan:
        epochs = counted(race.settings.epochs, "epoch")
        reason = f"{epochs} and --race-share {options.raced_share:g}: too few for a race"
        return Distillation(method=entries[0], reason=reason, **measured)
    few = "; the student has few layers of its teacher" if ADAPTED in entries else ""
    console.say(f"methods that race: {', '.join(entries)}{few}")
    results = raced(race, entries, plan)
    best = results[-1]
    _compare(results, teacher)
    reason = f"the best on validation after {counted(best.epochs, 'epoch')}"
    return Distillation(method=best.method, reason=reason, heats=results, **measured)


def standing(race: Race) -> tuple[float, float]:
    """Return mAP of the teacher and of the student's start on the validation part."""
    spec = race.images.for_teacher.spec
    teacher = race.scorer.seen_as(spec).evaluated(race.teacher.eval(), "val", "teacher").map
    start = race.scorer.evaluated(race.student().network.eval(), "val", "start").map
    assert teacher is not None  # `can_score`
    assert start is not None
    console.say(f"mAP on validation: teacher {teacher:.3f}, student before it learns {start:.3f}")
    return teacher, start


def fitting(race: Race) -> tuple[str, ...]:
    """Return the methods that race: the one of maps that fits the two networks, and the others.

    Layers of one name are compared as they are. A student of another architecture has hardly any:
    its maps are compared through learnt layers.
    """
    of_maps = (UNRACED if race.alike else ADAPTED,) if race.features else ()
    return (*of_maps, *(name for name in RACED if name not in OF_MAPS))


def _compare(results: Sequence[HeatResult], teacher: float) -> None:
    """Say so where a few epochs without the teacher are as good as the teacher is."""
    alone = max((one.map for one in results if one.method == methods.NONE), default=0.0)
    if alone >= teacher:
        _advise(f"a student reached mAP {alone:.3f} without it in the race", teacher)


def _advise(why: str, teacher: float) -> None:
    console.warn(
        f"the teacher has little to teach (mAP {teacher:.3f} on validation): {why}; train it "
        "longer, or take a better one"
    )
