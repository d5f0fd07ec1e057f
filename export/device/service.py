"""What the server answers with: the model, its limits and its counters."""

import threading
from dataclasses import dataclass
from typing import Any

from .images import decode
from .metrics import Metrics
from .predict import as_json
from .runner import Runner
from .watching import Watching


@dataclass(frozen=True)
class Limits:
    """What clients may use."""

    connections: int
    """Open at once; the next ones are turned away with 503."""
    predictions: int
    """Running at once; others wait for their turn."""
    body_bytes: int
    pixels: int
    seconds: float
    """For one request, from its first line to the end of the response."""


class Service:
    """The model behind the server, and what it counts; used by several threads at once."""

    def __init__(self, runner: Runner, watch: Watching | None, limits: Limits) -> None:
        self.limits = limits
        self.metrics = Metrics()
        self._runner = runner
        self._watch = watch
        self._watch_lock = threading.Lock()
        self._turn = threading.BoundedSemaphore(limits.predictions)

    def predict(self, body: bytes) -> dict[str, Any]:
        """Return the answer to an image file.

        Raises:
            TimeoutError: its turn did not come in half the time of a request.
            DeviceError: a bad image, or the model failed.
        """
        if not self._turn.acquire(timeout=self.limits.seconds / 2):
            raise TimeoutError
        try:
            declared = self._runner.predictor.bundle.pixel_range
            image = decode(body, self.limits.pixels, declared)
            prediction = self._runner.predict(image)
        finally:
            self._turn.release()
        if self._watch is not None:
            with self._watch_lock:  # it may be opened anew for another release
                self._watch.observe(image, prediction)
        self.metrics.predicted(prediction)
        return as_json(prediction)

    def health(self) -> dict[str, Any]:
        """Return which release answers."""
        manifest = self._runner.predictor.bundle.manifest
        return {"status": "ok", **{key: manifest[key] for key in ("name", "release", "id")}}

    def counters(self) -> str:
        """Return the counters as Prometheus reads them."""
        return self.metrics.text(self._runner.predictor.bundle)
