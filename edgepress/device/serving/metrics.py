"""What a server counts, in the text format of Prometheus (version 0.0.4)."""

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator

from ..bundle.manifest import Bundle
from ..model import memory
from ..model.session import Prediction

BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class Metrics:
    """Counters since the process began; may be used by several threads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._responses: Counter[int] = Counter()
        self._labels: Counter[str] = Counter()
        self._buckets = [0] * (len(BUCKETS_S) + 1)
        self._seconds = 0.0

    def answered(self, status: int) -> None:
        """Count a response."""
        with self._lock:
            self._responses[status] += 1

    def predicted(self, prediction: Prediction) -> None:
        """Count a prediction."""
        with self._lock:
            self._buckets[bisect_left(BUCKETS_S, prediction.seconds)] += 1
            self._seconds += prediction.seconds
            self._labels.update(prediction.labels)

    def text(self, bundle: Bundle) -> str:
        """Return everything as Prometheus reads it."""
        with self._lock:
            return "\n".join(self._lines(bundle)) + "\n"

    def _lines(self, bundle: Bundle) -> Iterator[str]:
        told = bundle.manifest
        yield "# TYPE edgepress_model_info gauge"
        info = _labels(name=told["name"], release=str(told["release"]), id=told["id"])
        yield f"edgepress_model_info{info} 1"
        yield "# TYPE edgepress_responses_total counter"
        for status, count in sorted(self._responses.items()):
            yield f"edgepress_responses_total{_labels(code=str(status))} {count}"
        yield "# TYPE edgepress_predicted_labels_total counter"
        for name in bundle.names:
            yield f"edgepress_predicted_labels_total{_labels(label=name)} {self._labels[name]}"
        yield from self._histogram()
        resident = memory.resident_bytes()
        if resident is not None:
            yield "# TYPE edgepress_resident_memory_bytes gauge"
            yield f"edgepress_resident_memory_bytes {resident}"

    def _histogram(self) -> Iterator[str]:
        name, so_far = "edgepress_inference_seconds", 0
        yield f"# TYPE {name} histogram"
        for limit, count in zip((*map(str, BUCKETS_S), "+Inf"), self._buckets, strict=True):
            so_far += count
            yield f"{name}_bucket{_labels(le=limit)} {so_far}"
        yield f"{name}_sum {self._seconds}"
        yield f"{name}_count {so_far}"


def _labels(**values: str) -> str:
    """Return labels in braces, escaped as the format demands."""
    pairs = []
    for key, value in values.items():
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        pairs.append(f'{key}="{escaped}"')
    return "{" + ",".join(pairs) + "}"
