"""What the server answers with: the model, its limits and its counters."""

import threading
from typing import Any

from .images import decode
from .limits import Limits
from .metrics import Metrics
from .predict import as_json
from .runner import Runner
from .watching import Watching


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
            image = decode(body, self.limits.pixels)
            prediction = self._runner.predict(image)
            bundle = self._runner.predictor.bundle
        finally:
            self._turn.release()
        if self._watch is not None:
            with self._watch_lock:  # it may be opened anew for another release
                self._watch.observe(bundle, image, prediction)
        self.metrics.predicted(prediction)
        return as_json(prediction, bundle.names)

    def health(self) -> dict[str, Any]:
        """Return which release answers."""
        manifest = self._runner.predictor.bundle.manifest
        return {"status": "ok", **{key: manifest[key] for key in ("name", "release", "id")}}

    def counters(self) -> str:
        """Return the counters as Prometheus reads them."""
        return self.metrics.text(self._runner.predictor.bundle)
