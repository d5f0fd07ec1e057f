"""Chooses what nobody has stated: from the data, the model, the budgets and this machine."""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.gates import budgets
from benchmarks.gates.budgets import Budgets
from compress.learning.methods import AUTO
from compress.planning.costing import room, times
from compress.planning.costing.speed import How, Named, measured
from compress.planning.data import limits, space
from compress.planning.derived import of_student
from compress.planning.facts import Choice, Facts, Start, facts_of
from compress.planning.findings import Findings, findings
from compress.planning.hours import going_on, schedule, stored
from compress.planning.hours.stored import Ledger
from compress.planning.options import Config
from compress.planning.settings import settings, teacher_rate
from compress.planning.starting import adoption
from compress.planning.students import stated
from compress.planning.students.gates import choose_gates
from compress.planning.students.student import choose_student
from compress.recipes import running
from compress.recipes.reading import Template
from compress.recipes.running import Place
from compress.recipes.variables import Values
from edgepress.core.hashing import file_sha256, value_hash
from edgepress.core.image_spec import ImageSpec
from edgepress.data import splitting
from edgepress.data.context import Context, open_context
from edgepress.data.dataset import open_data
from models import families, pretrained, stem

PRELIMINARY = ImageSpec(height=224, width=224)
MOST_SEARCH_S, QUICK_SEARCH_S = 180, 20
SEARCH_SHARE = 0.03
"""Of the hours, for each search for an int8 file and each measurement of latency, at most."""
TIMES = (
    *("teacher_epochs", "teacher_learning_rate", "prune_epochs", "student_epochs"),
    *("search_time", "latency_time"),
)
"""Values that hang on this machine and its pace: an earlier plan's are kept."""
STUDENT = ("student", "macs", "student_weights", "student_image_size")
"""Values that were measured for the budgets: an earlier plan's are kept for the same ones."""


@dataclass(frozen=True)
class Job:
    """What is to be chosen, and what is known of it."""

    config: Config
    template: Template
    place: Place
    known: Values
    """Stated values, and those that follow from the model."""
    start: Start


@dataclass(frozen=True)
class Chosen:
    """Every value of the recipe, and why."""

    values: Values
    ledger: Ledger
    findings: Findings


def choose(job: Job) -> Chosen:
    """Fill in every value that is not stated.

    Raises:
        UserError: data or a model that cannot be used, or too little time or space.
        GateFailed: no student keeps the budget, or an adopted model failed its gate.
        GateUndecided: the machine is too noisy to tell.
    """
    with tempfile.TemporaryDirectory(prefix="edgepress-plan-") as folder:
        # what is adopted for the plan stays, unless nothing is to be left
        adopting = replace(job.place, out=Path(folder)) if job.config.dry_run else job.place
        return _Choosing(job, adopting).chosen()


class _Choosing:
    """The values so far, and what they are chosen from."""

    def __init__(self, job: Job, adopting: Place) -> None:
        self.job, self.config, self.adopting = job, job.config, adopting
        self.values: dict[str, Any] = dict(job.known)
        self.choices: list[Choice] = []
        self.budgets: Budgets = budgets.parse(job.config.budget)

    def chosen(self) -> Chosen:
        """Return every value, with the plan to be stored."""
        out, facts = self.job.place.out, self._opened()
        key = self._key(facts)
        earlier = going_on.kept(stored.read(out), key, self.config.hours)
        facts = self._sized(facts, earlier)
        ledger = self._timed(facts, earlier, key)
        compared = self.values.get("compare_gates", ())
        limits.check_gates(facts.context, compared)
        space.check_space(space.disk_needed(facts, [facts.context.spec]), out)
        return Chosen(self.values, ledger, findings(facts, compared))

    def _take(self, choices: Iterable[Choice]) -> None:
        """Take values that nobody has stated."""
        for choice in choices:
            if choice.name not in self.values:
                self.values[choice.name] = choice.value
                self.choices.append(choice)

    def _opened(self) -> Facts:
        """Open data and model, and refuse what cannot be worked on; a file is adopted."""
        job, skip = self.job, self.config.skip_bad_images
        artifact = job.start.artifact
        if artifact is not None:
            context = open_context(self.config.data, (artifact,), skip)
        else:
            dataset = open_data(self.config.data, skip)
            limits.check_images(dataset)
            context = Context(
                dataset, splitting.split_by(dataset, self.config.splitting), PRELIMINARY
            )
        limits.check_parts(context)
        facts = facts_of(context.dataset, context.split, job.start, context.spec)
        self._take(choose_gates(self.config.gate, self.budgets, facts, self.config.quick))
        if job.start.origin != "file":
            return facts
        own = adoption.gates(self.values["teacher_gates"])
        self._put([Choice(name="teacher_gates", value=own, reason="of a file made elsewhere")])
        artifact = adoption.adopted(job.template, self.values, self.adopting)
        context = open_context(self.config.data, (artifact,), skip)
        start = replace(job.start, artifact=artifact)
        return facts_of(context.dataset, context.split, start, context.spec)

    def _key(self, facts: Facts) -> str:
        """Return a hash of what the times hang on; the hours are not in it."""
        start, said = facts.start, self.job.known
        artifact = start.artifact
        model = None if start.model is None or artifact else file_sha256(start.model)
        known = {name: value for name, value in said.items() if not name.endswith("_gates")}
        return value_hash(
            [
                facts.context.identity,
                artifact.manifest.id if artifact else model,
                repr(sorted(known.items(), key=str)),
                self.config.quick,
                str(self.job.template.raw),
            ]
        )

    def _sized(self, facts: Facts, earlier: Ledger | None) -> Facts:
        """Choose sizes, settings and the student; return the facts with the images as taken."""
        architecture, config = facts.start.architecture, self.config
        native = None if architecture is None else families.native_size(architecture)
        weights = self._weights(facts)
        usual = settings(facts, native, config.quick, weights)
        self._take([one for one in usual if one.name == "image_size"])
        facts = self._with_spec(facts)
        most = self._most_images(facts)
        self._take(settings(facts, native, config.quick, weights, most))
        if self.values["teacher_epochs"]:  # stated ones, perhaps
            self._put([self._rate(facts, self.values["teacher_epochs"])])
        if "student" not in self.values:
            self._take(self._student(facts, earlier))
        self._take(stated.values(self.values, facts.start))
        self.values |= of_student(self.values)
        macs = self.values.get("macs")
        self._take(
            [
                Choice(
                    name="prune_gates",
                    value=[f"macs ratio <= {macs}"],
                    reason="what pruning is asked for",
                )
            ]
        )
        return facts

    def _weights(self, facts: Facts) -> bool:
        """Choose what a teacher's training starts from; tell whether that has seen images."""
        start = facts.start
        if start.origin == "none" and start.architecture is not None:
            value, reason = pretrained.start_weights(start.architecture)
            self._take(
                [
                    Choice(name="arch", value=start.architecture.name, reason="the usual one"),
                    Choice(name="weights", value=value, reason=reason),
                ]
            )
            return bool(self.values["weights"] != "random")
        return True

    def _with_spec(self, facts: Facts) -> Facts:
        """Return the facts with the images that the first network takes."""
        start = facts.start
        if start.artifact is not None or start.architecture is None:
            return facts
        size = self.values["image_size"]
        spec = facts.context.spec.model_copy(update={"height": size, "width": size})
        architecture, channels = stem.resolved(start.architecture, spec, None)
        spec = spec.in_channels(channels)
        start = replace(start, architecture=architecture)
        return replace(facts, start=start, context=replace(facts.context, spec=spec))

    def _most_images(self, facts: Facts) -> int | None:
        if facts.start.architecture is None:
            return None
        labels = len(facts.context.dataset.label_names)
        network = families.build(facts.start.architecture, labels)
        return room.batch_limit(network, facts.context.spec, 64)

    def _student(self, facts: Facts, earlier: Ledger | None) -> tuple[Choice, ...]:
        if earlier is not None and earlier.budgets == self.config.budget:
            kept = tuple(one for one in earlier.choices if one.name in STUDENT)
            if kept:
                return kept
        return choose_student(facts, self.budgets, facts.context.spec.height, quantize=True)

    def _timed(self, facts: Facts, earlier: Ledger | None, key: str) -> Ledger:
        """Choose how long each training is, and return the plan with the times of its steps.

        The recipe is checked before anything is measured; what the hours change are numbers.
        """
        self._take(self._searches())
        standard = {one.name: one for one in self.choices if one.name in TIMES}
        if earlier is not None:
            self._put(one for one in earlier.choices if one.name in standard)
        recipe = self.job.template.filled(self.values)
        running.check(recipe, self.job.place)
        speeds = earlier.speeds if earlier else None
        if speeds is None:
            speeds = measured(facts, self._how(facts))
        if earlier is None and self.config.hours is not None:
            found = schedule.epochs(self.config.hours, times.costs(recipe, facts, speeds))
            fitting = (*found.choices(self.config.hours), self._rate(facts, found.teacher))
            self._put(one for one in fitting if one.name in standard)
            recipe = self.job.template.filled(self.values)
        ledger = earlier or Ledger(key=key, hours=self.config.hours)
        return ledger.model_copy(
            update={
                "choices": self._used(),
                "budgets": self.config.budget,
                "speeds": speeds,
                "expected_s": times.expected(recipe, facts, speeds),
                "epoch_s": times.epoch_seconds(recipe, facts, speeds),
            }
        )

    def _used(self) -> tuple[Choice, ...]:
        """Return the choices that the recipe has use for, as far as it goes."""
        used = self.job.template.used(self.values) | {"student"}
        return tuple(one for one in self.choices if one.name in used)

    def _rate(self, facts: Facts, epochs: int) -> Choice:
        """Choose the teacher's learning rate for epochs that are stated or set by the hours."""
        steps = epochs * (facts.images()[0] // self.values["batch_size"])
        return teacher_rate(steps, self.values.get("weights") != "random")

    def _put(self, choices: Iterable[Choice]) -> None:
        """Replace values that were chosen before."""
        chosen = {one.name for one in self.choices}
        for choice in choices:
            if choice.name in chosen:
                self.values[choice.name] = choice.value
                self.choices = [choice if one.name == choice.name else one for one in self.choices]

    def _searches(self) -> tuple[Choice, ...]:
        """Choose how long an int8 file is searched for, and latency measured, at most."""
        seconds, reason = MOST_SEARCH_S, "usual; it ends as soon as it is decided"
        if self.config.quick:
            seconds, reason = QUICK_SEARCH_S, "a quick run"
        elif self.config.hours is not None:
            seconds = min(seconds, max(10, int(3600 * self.config.hours * SEARCH_SHARE)))
            reason = f"at most {100 * SEARCH_SHARE:g}% of the time"
        names = ("search_time", "latency_time")
        return tuple(Choice(name=name, value=f"{seconds}s", reason=reason) for name in names)

    def _how(self, facts: Facts) -> How:
        values, start = self.values, facts.start
        student: float | Named | None = None
        if values["student_kind"] == "pruned":
            student = values["macs"]
        elif values["student_kind"] == "named":
            size = values["student_image_size"] or facts.context.spec.height
            student = Named(stated.architecture(values["student"]), size)
        return How(
            architecture=start.architecture,
            spec=facts.context.spec,
            batch_size=values["batch_size"],
            student=student,
            teacher=start.artifact,
            control=values.get("method", AUTO) == AUTO,
        )
