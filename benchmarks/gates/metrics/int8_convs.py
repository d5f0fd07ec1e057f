"""Share of the layers with weights that should compute with integers and do."""

from benchmarks.gates.evidence import Evidence, Finding
from benchmarks.gates.metrics._metric import PLAIN, Form, Metric
from edgepress.core.gates import Gate


def find(_: Gate, evidence: Evidence) -> Finding | None:
    """Return the share of the layers with weights that should compute with integers and do.

    Where all are float on purpose, nothing is missing: 1, and the sentence says so.
    """
    found = evidence.candidate.artifact.manifest.measurements
    if found.int8_convs_fused is None or found.convs_total is None:
        return None
    total = found.convs_total + (found.dense_total or 0)
    kept = (found.convs_kept_float or 0) + (found.dense_kept_float or 0)
    done, wanted = found.int8_convs_fused + (found.dense_int8 or 0), total - kept
    if wanted <= 0:
        reason = f"no convolution or dense layer should run in int8, of {total}"
        return Finding(1.0, (1.0, 1.0), None, reason)
    share = done / wanted
    reason = (
        f"{done} of the {wanted} convolutions and dense layers that should run in int8 do "
        f"({100 * share:.4g}%), of {total} in all"
    )
    return Finding(share, (share, share), None, reason)


METRIC = Metric(
    about="cost",
    needs="integers",
    forms={"value": Form(">=", find, PLAIN)},
    examples=("int8_convs >= 1",),
    advice="see in the notes which convolutions stayed float, and why",
)
