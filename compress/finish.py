"""The last part of every training stage: thresholds, measurements, gates, manifest."""

from dataclasses import dataclass

import numpy as np
from torch import nn

from benchmarks import gates
from benchmarks.evaluation import EvalSettings, evaluate, stored_or_evaluated
from benchmarks.metrics import best_thresholds
from compress.context import Context
from compress.core.artifact import Artifact
from compress.core.eval_file import save_eval
from compress.core.labels import Labels
from compress.core.manifest import Architecture, Manifest, Measurements
from compress.core.results import EvalResult
from compress.core.stage import Plan, manifest_base
from models.stored import count_macs, count_params, save_network


@dataclass(frozen=True)
class Trained:
    """A trained network and what it was made from."""

    network: nn.Module
    architecture: Architecture
    reference: Artifact | None
    """The model that the gates compare with: the teacher or the unpruned parent."""


def finish(plan: Plan, trained: Trained, context: Context, wanted: tuple[str, ...]) -> Manifest:
    """Write weights and evaluation into the plan's work folder and return the manifest.

    Thresholds are tuned on the validation part; measurements and gates use the test part.

    Raises:
        UserError: a gate that cannot be understood.
    """
    files = plan.workdir / "files"
    save_network(trained.network, files)
    draft = Artifact(files, _draft_manifest(plan, trained, context))
    draft = _with_thresholds(draft, context)
    rows = context.rows("test")
    settings = EvalSettings(provider="torch", views=context.views)
    result = evaluate(draft, context.dataset, rows, settings)
    save_eval(result, files)
    draft = _updated(draft, measurements=_measure(trained, context, result))
    reference = None
    if trained.reference is not None:
        before = stored_or_evaluated(trained.reference, context.dataset, rows, settings)
        reference = gates.Subject(trained.reference, before)
    verdicts = gates.check_all(wanted, gates.Subject(draft, result), reference)
    return _updated(draft, verdicts=verdicts).manifest


def _draft_manifest(plan: Plan, trained: Trained, context: Context) -> Manifest:
    names = context.dataset.label_names
    targets = context.dataset.targets[context.rows("train")]
    return Manifest(
        **manifest_base(plan),
        kind="torch",
        architecture=trained.architecture,
        image=context.spec,
        labels=Labels(
            names=names,
            thresholds=(0.5,) * len(names),
            prevalence=tuple(np.nanmean(targets, axis=0).tolist()),
        ),
        data=context.reference(),
    )


def _with_thresholds(draft: Artifact, context: Context) -> Artifact:
    rows = context.rows("val")
    if not len(rows):
        return draft
    settings = EvalSettings(provider="torch", part="val", views=1)
    found = evaluate(draft, context.dataset, rows, settings)
    thresholds = best_thresholds(found.targets, found.scores[0])
    labels = draft.manifest.labels.model_copy(update={"thresholds": thresholds})
    return _updated(draft, labels=labels)


def _measure(trained: Trained, context: Context, result: EvalResult) -> Measurements:
    return Measurements(
        params=count_params(trained.network),
        macs=count_macs(trained.network, context.spec.height, context.spec.width),
        map=result.map,
    )


def _updated(draft: Artifact, **fields: object) -> Artifact:
    return Artifact(draft.path, draft.manifest.model_copy(update=fields))
