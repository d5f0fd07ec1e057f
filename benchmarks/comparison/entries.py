"""From a bench to the entries of a report."""

from benchmarks import metrics
from benchmarks.comparison.against_first import against_first
from benchmarks.comparison.bench import Bench
from benchmarks.comparison.decision_entries import decision_entries, metrics_entry
from benchmarks.comparison.widths import widths_of
from benchmarks.gates.standing import certified
from benchmarks.report.schema import (
    ConvsEntry,
    GateEntry,
    Interval,
    LatencyEntry,
    ModelEntry,
    PrCurve,
    SpeedupEntry,
    ThroughputEntry,
)
from benchmarks.statistics import paired
from benchmarks.timing.percentiles import p50_s, p90_s, setting
from edgepress.core.artifact import Artifact
from edgepress.core.commands import made_by
from edgepress.core.distillation import Distillation
from edgepress.core.gates import Verdict
from edgepress.core.manifest import Manifest
from edgepress.core.results import EvalResult, LatencyResult
from edgepress.data.origin import UNKNOWN


def model_entry(bench: Bench, row: int, verdicts: tuple[Verdict, ...]) -> ModelEntry:
    """Return the entry of one model; `verdicts` are the new ones beside those in its manifest."""
    subject = bench.subject(row)
    manifest, result = subject.artifact.manifest, subject.evaluation
    return ModelEntry(
        name=bench.names[row],
        stage=manifest.stage,
        parent=_parent(bench, manifest.parents),
        path=str(subject.artifact.path),
        kind=manifest.kind,
        precision=manifest.precision,
        target=manifest.target,
        params=manifest.measurements.params,
        macs=manifest.measurements.macs,
        size_bytes=subject.artifact.size_bytes,
        int8_convs=_convs(subject.artifact),
        qdq_nodes=manifest.measurements.qdq_nodes,
        time_shares=manifest.measurements.time_shares,
        gates=_gates(certified(manifest), verdicts),
        notes=_notes(manifest.notes, result),
        latency_failure=_failure(bench, row),
        made_by=made_by(manifest),
        throughput=_throughput(bench, bench.names[row]),
        search=manifest.search,
        distillation=_taught(manifest),
        widths=widths_of(subject.artifact),
        pruning=manifest.pruning,
        decisions=decision_entries(manifest.labels, result) if result else {},
        metrics=metrics_entry(manifest.labels, result) if result else None,
        **against_first(bench, row),
        **_accuracy(result),
        **_latency(bench, row),
    )


def speedup_entry(
    result: LatencyResult, measured: tuple[float, Interval]
) -> dict[str, SpeedupEntry]:
    """Return a speed-up under the key of its setting."""
    return {setting(result): SpeedupEntry(ratio=measured[0], ci95=measured[1])}


def _notes(stored: tuple[str, ...], result: EvalResult | None) -> tuple[str, ...]:
    """Return a model's notes, and that its training images are not known where they are not."""
    return stored if result is None or result.trained_on_known else (*stored, UNKNOWN)


def _accuracy(result: EvalResult | None) -> dict[str, object]:
    if result is None:
        return {"map": None, "map_ci95": None, "ap": {}, "ap_ci95": {}, "f1_macro": None,
                "ece": None, "pr_curves": {}}  # fmt: skip
    ranks = paired.ranks(result)
    names = result.label_names
    return {
        "map": result.map,
        "map_ci95": paired.interval_of(ranks.mean()),
        "ap": result.ap,
        "ap_ci95": {
            name: paired.interval_of(ranks.label(column)) for column, name in enumerate(names)
        },
        "f1_macro": result.f1_macro,
        "ece": result.ece,
        "pr_curves": _pr_curves(result),
    }


def _pr_curves(result: EvalResult) -> dict[str, PrCurve]:
    """Return the curve of each defined label, on the first view."""
    curves = {}
    for column, name in enumerate(result.label_names):
        points = metrics.precision_recall_curve(
            result.targets[:, column], result.scores[0, :, column]
        )
        if points is not None:
            recall, precision = (tuple(axis.round(4).tolist()) for axis in points)
            curves[name] = PrCurve(recall=recall, precision=precision)
    return curves


def _latency(bench: Bench, row: int) -> dict[str, object]:
    """Return times, speed-up against the first timed model, and memory."""
    result, tournament = bench.subject(row).latency, bench.tournament
    if result is None or tournament is None:
        return {"latency_s": {}, "latency_samples_s": {}, "speedup": {}, "peak_rss_bytes": None}
    measured = tournament.speedup(bench.timed.index(row))
    key = setting(result)
    entry = LatencyEntry(
        p50=p50_s(result),
        p90=p90_s(result),
        n=len(result.samples_s),
        load=result.load_s,
        first_inference=result.first_inference_s,
    )
    return {
        "latency_s": {key: entry},
        "latency_samples_s": {key: result.block_medians_s},
        "speedup": speedup_entry(result, measured) if measured else {},
        "peak_rss_bytes": result.peak_rss_bytes,
    }


def _taught(manifest: Manifest) -> Distillation | None:
    """Return how a student was taught; what validation images say of its teacher's gain is not."""
    how = manifest.distillation
    if how is None or manifest.judged_on == "test":
        return how
    return how.model_copy(update={"gain": None})


def _failure(bench: Bench, row: int) -> str | None:
    """Return why a model that should have been timed has no latency."""
    if bench.tournament is None or row not in bench.timed:
        return None
    return bench.tournament.failures[bench.timed.index(row)]


def _throughput(bench: Bench, name: str) -> tuple[ThroughputEntry, ...]:
    """Return the figures of one model, none where it was not in the pass or there was none."""
    found = bench.throughput
    if found is None:
        return ()
    entries = []
    for rate in found.rates:
        if rate.model == name:
            value, ci95 = rate.measured or (None, None)
            ratio = found.ratio(rate)
            entries.append(
                ThroughputEntry(
                    threads=rate.threads,
                    batch=rate.batch,
                    images_per_s=value,
                    ci95=ci95,
                    n=len(rate.images_per_s),
                    provider_opened=rate.provider_opened,
                    against_first=SpeedupEntry(ratio=ratio[0], ci95=ratio[1]) if ratio else None,
                    failure=rate.failure,
                )
            )
    return tuple(entries)


def _convs(model: Artifact) -> ConvsEntry | None:
    found = model.manifest.measurements
    if found.int8_convs_fused is None or found.convs_total is None:
        return None
    return ConvsEntry(
        fused=found.int8_convs_fused,
        total=found.convs_total,
        kept_float=found.convs_kept_float,
    )


def _parent(bench: Bench, parents: tuple[str, ...]) -> str | None:
    """Return the name of the first model of the bench that this one was made from."""
    for name, model in zip(bench.names, bench.models, strict=True):
        if model.manifest.id in parents:
            return name
    return None


def _gates(stored: tuple[Verdict, ...], new: tuple[Verdict, ...]) -> tuple[GateEntry, ...]:
    """Return stored verdicts and new ones; a new one replaces the stored one of the same gate."""
    again = {(verdict.gate, verdict.against) for verdict in new}
    kept = [verdict for verdict in stored if (verdict.gate, verdict.against) not in again]
    return tuple(gate_entry(verdict) for verdict in (*kept, *new))


def gate_entry(verdict: Verdict) -> GateEntry:
    """Return a verdict as the report shows it."""
    return GateEntry(
        gate=verdict.gate,
        against=verdict.against,
        measured=verdict.measured,
        ci95=verdict.ci95,
        verdict=verdict.outcome,
        reason=verdict.reason,
    )
