"""The last part of every training stage: calibration, thresholds, measurements, gates, manifest."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import nn

from benchmarks import thresholds
from benchmarks.evaluation.evaluation import (
    EvalSettings,
    evaluate,
    stored_or_evaluated,
)
from benchmarks.gates import verdicts as gates
from benchmarks.gates.text import tells_accuracy
from compress.learning.training_data import untaught
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.eval_file import save_eval
from edgepress.core.gates import Verdict
from edgepress.core.judging import IN_WORDS
from edgepress.core.labels import Labels, ThresholdSettings, shares
from edgepress.core.manifest import Architecture, Manifest, Measurements
from edgepress.core.pruning import Pruning
from edgepress.core.results import EvalResult
from edgepress.core.source import source_hash
from edgepress.core.stage import Plan, manifest_base
from edgepress.data import probe
from edgepress.data.context import Context
from models import families, pretrained
from models.stored import count_macs, count_params, logits, save_network


@dataclass(frozen=True)
class Trained:
    """A trained network and what it was made from."""

    network: nn.Module
    architecture: Architecture
    reference: Artifact | None
    """The model that the gates compare with: the teacher or the unpruned parent."""
    waiting_share: float | None = None
    """Share of the training in which it waited for images; `None` is not known."""
    notes: tuple[str, ...] = ()
    """What was said of it on the way, for the manifest."""
    pruning: Pruning | None = None
    """What was looked at before it was pruned, where it was."""
    verdicts: tuple[Verdict, ...] = ()
    """On what was demanded of the way, and is not measured at its end."""


@dataclass(frozen=True)
class Wanted:
    """What the model is to keep, and how its decisions are to be made."""

    gates: tuple[str, ...]
    learning: thresholds.Learning


def wanted_of(
    gate: tuple[str, ...],
    options: thresholds.ThresholdOptions,
    context: Context,
    parent: Labels | None = None,
) -> Wanted:
    """Return what is asked of a model; by default it learns what the parent has learnt.

    Raises:
        UserError: a demand that cannot be read, what the validation part cannot tell, or a part
            that is empty.
    """
    context.require(context.judged)
    learning = thresholds.chosen(options, parent, ThresholdSettings())
    thresholds.check(learning, context.dataset.label_names, context.targets("val"))
    return Wanted(gate, learning)


def chosen(architecture: Architecture, weights: str | None = None) -> dict[str, str]:
    """Return the hashes of what a training chooses by name: a network, a runtime, weights.

    Raises:
        UserError: no such network or weights.
    """
    found = {
        "network": families.identity(architecture.name, architecture.rewrites),
        "runtime": source_hash("benchmarks.runtimes.torch_"),
    }
    if weights is not None:
        found["weights"] = pretrained.identity(architecture.name, weights)
    return found


def finish(plan: Plan, trained: Trained, context: Context, wanted: Wanted) -> Manifest:
    """Write weights and evaluation into the plan's work folder and return the manifest.

    Probabilities are calibrated and thresholds tuned on the validation part; measurements and gates
    use the part that the context says. A demand that no threshold keeps is a verdict too: what was
    trained is not lost for it.

    Raises:
        UserError: a gate that cannot be understood.
    """
    files = plan.workdir / "files"
    draft = drafted(plan, trained, context, files)
    validation = context.rows("val")
    if len(validation):
        torch = EvalSettings(provider="torch")
        draft = thresholds.learnt(draft, context.dataset, validation, torch, wanted.learning)
    images = context.images(context.judged)
    settings = EvalSettings(views=context.views)
    result = evaluate(draft, context.dataset, images, settings)
    save_eval(result, files)
    draft = _updated(draft, measurements=_measure(trained, context, result))
    reference = _reference(trained, wanted, context)
    labels = draft.manifest.labels
    shown = "not defined" if result.map is None else f"{result.map:.4f}"
    console.say(f"mAP on {len(result.image_ids):,} {IN_WORDS[context.judged]} images: {shown}")
    if not any(map(tells_accuracy, wanted.gates)):
        console.say("no accuracy gate: whether the model is good enough is not judged here")
    verdicts = gates.check_all(wanted.gates, gates.Subject(draft, result), reference)
    told = thresholds.told(labels, result)
    for note in told:
        console.say(note)
    # all but the last were said before the work
    notes = (*untaught(context), *trained.notes, *told)
    verdicts += (*trained.verdicts, *thresholds.unkept(labels))
    return _updated(draft, verdicts=verdicts, notes=notes).manifest


def _reference(trained: Trained, wanted: Wanted, context: Context) -> gates.Subject | None:
    """Return what the gates compare with, evaluated where one of them is about accuracy."""
    model = trained.reference
    if model is None or not any(map(gates.needs_accuracy, gates.parse_all(wanted.gates))):
        return None if model is None else gates.Subject(model)
    images, settings = context.images(context.judged), EvalSettings(views=context.views)
    before = stored_or_evaluated(model, context.dataset, images, settings)
    return gates.Subject(model, before)


def drafted(plan: Plan, trained: Trained, context: Context, files: Path) -> Artifact:
    """Write a network into a folder as an artifact of which nothing is measured yet."""
    save_network(trained.network, files)
    _store_answers(trained, context, files)
    return Artifact(files, _draft_manifest(plan, trained, context))


def _store_answers(trained: Trained, context: Context, folder: Path) -> None:
    """Store what the network answers, by which it is known again when it is rebuilt by name."""
    run = partial(logits, trained.network.eval())
    probe.write(run, probe.images(context), context.spec, folder)


def _draft_manifest(plan: Plan, trained: Trained, context: Context) -> Manifest:
    names = context.dataset.label_names
    return Manifest(
        **manifest_base(plan),
        kind="torch",
        architecture=trained.architecture,
        image=context.spec,
        labels=Labels(
            names=names,
            thresholds=(0.5,) * len(names),
            prevalence=shares(context.targets("train")),
        ),
        data=context.reference(),
        pruning=trained.pruning,
    )


def _measure(trained: Trained, context: Context, result: EvalResult) -> Measurements:
    return Measurements(
        params=count_params(trained.network),
        macs=count_macs(trained.network, context.spec),
        map=result.map,
        waiting_share=trained.waiting_share,
    )


def _updated(draft: Artifact, **fields: object) -> Artifact:
    return Artifact(draft.path, draft.manifest.model_copy(update=fields))
