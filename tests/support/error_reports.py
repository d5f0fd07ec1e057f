"""Decisions and reports of errors that no model has made, to be analysed and rendered."""

from typing import Any

import numpy as np

from benchmarks.errors import slices
from benchmarks.errors.analysis import label_reports
from benchmarks.errors.changes import changes
from benchmarks.errors.grouping import thirds
from benchmarks.errors.judged import NEAR, Judged, judge
from benchmarks.errors.next_steps import next_steps
from benchmarks.errors.pairs import error_pairs
from benchmarks.errors.schema import ErrorReport, Estimate, Explanation, LabelErrors
from benchmarks.errors.worst import Names
from benchmarks.evaluation.evaluation import with_metrics
from edgepress.core.artifact import Artifact
from edgepress.core.labels import Labels
from edgepress.core.results import EvalResult

UNKNOWN = float("nan")


def judged(targets: Any, probs: Any, thresholds: Any = None) -> Judged:
    """Return decisions on labels called a, b, c, ..., by default at thresholds of 1/2."""
    truth, scores = np.asarray(targets, float), np.asarray(probs, float)
    cuts = tuple(thresholds or (0.5,) * truth.shape[1])
    names = tuple("abcdefghijklmnop"[: truth.shape[1]])
    return Judged(names, cuts, scores, truth, scores >= np.asarray(cuts))


def result(targets: Any, probs: Any, names: tuple[str, ...]) -> EvalResult:
    """Return a result of one view with its metrics, at thresholds of 1/2."""
    truth, scores = np.asarray(targets, np.float32), np.asarray(probs, np.float32)
    bare = EvalResult(
        data_id="data:test",
        label_names=names,
        image_ids=tuple(f"{row:016x}" for row in range(len(truth))),
        view_names=("identity",),
        scores=scores[None],
        targets=truth,
        ap={},
        map=None,
        f1_macro=None,
        ece=None,
    )
    return with_metrics(bare, labels(names))


def labels(names: tuple[str, ...]) -> Labels:
    """Return labels with thresholds of 1/2."""
    return Labels(names=names, thresholds=(0.5,) * len(names), prevalence=(0.5,) * len(names))


def named(n: int) -> Names:
    """Return names of `n` images."""
    return Names(
        tuple(f"{row:016x}" for row in range(n)), tuple(f"cells/{row}.png" for row in range(n))
    )


def label_errors(targets: Any, probs: Any, name: str = "crack", **changes: Any) -> LabelErrors:
    """Return the report of one label; `changes` overwrite its fields."""
    found = result(np.asarray(targets)[:, None], np.asarray(probs)[:, None], (name,))
    truth, scores = found.targets.astype(float), found.scores[0].astype(float)
    one = Judged((name,), (0.5,), scores, truth, scores >= 0.5)
    return label_reports(one, found, named(len(truth)), 3)[0].model_copy(update=changes)


def report(*found: LabelErrors, **changes: Any) -> ErrorReport:
    """Return a report of these labels and of nothing else."""
    values: dict[str, Any] = {
        "title": "Errors of model",
        "command": "python -m benchmarks.errors",
        "model": "model",
        "path": "runs/model",
        "kind": "onnx",
        "precision": "int8",
        "data": {},
        "environment": {},
        "n": 100,
        "n_wrong": 10,
        "map": Estimate(value=0.9, ci95=(0.88, 0.92)),
        "f1_macro": 0.8,
        "near": NEAR,
        "labels": found,
        "pairs": (),
        "slices": (),
        "slice_notes": (),
    }
    return ErrorReport(**{**values, **changes})


def random_scores(n_labels: int, n: int, noise: float, seed: int = 0) -> tuple[Any, Any]:
    """Return targets and probabilities `[n, labels]` of a model that is fairly right."""
    draw = np.random.default_rng(seed)
    targets = (draw.random((n, n_labels)) < 0.3).astype(float)
    logits = 4 * (targets - 0.5) + np.random.default_rng(seed + 1).normal(0, 2, targets.shape)
    logits += np.random.default_rng(seed + 2).normal(0, noise, targets.shape)
    return targets, 1 / (1 + np.exp(-logits))


def full(names: tuple[str, ...], artifact: Any, n: int = 300) -> ErrorReport:
    """Return a report with something in every section; `artifact` makes a model of a name."""
    targets, probs = random_scores(len(names), n, 0.0)
    targets[::7, 0] = UNKNOWN
    targets[:, -1] = 0
    ours, other = (result(targets, p, names) for p in (probs, random_scores(len(names), n, 2.0)[1]))
    models: tuple[Artifact, Artifact] = artifact("ours", names), artifact("other", names)
    found = judge(models[0], ours)
    groups = thirds("brightness", np.linspace(0, 1, n), "{:.2f}").groups
    pictures = {"image": "look-0-image", "occlusion": "look-0-occlusion"}
    made = report(
        *label_reports(found, ours, named(n), 4),
        n=n,
        n_wrong=int(found.wrong.any(axis=1).sum()),
        data={"source": "test", "label_names": list(names)},
        environment={"cpu": "none"},
        pairs=error_pairs(found),
        slices=slices.slices(found, groups),
        slice_notes=("size: all images have 16 x 16 pixels",),
        changes=changes((models[0], ours), (models[1], other), "other", named(n), 4),
        explanations=(
            Explanation(
                image_id=ours.image_ids[0], file="cells/0.png", label=names[0], kind="miss",
                prob=0.1, strongest=-1.5, pictures=pictures,
            ),
        ),
        explain_notes=("Grad-CAM needs captum.",),
    )  # fmt: skip
    return made.model_copy(update={"next_steps": next_steps(made)})
