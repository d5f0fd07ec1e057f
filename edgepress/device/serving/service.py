"""What the server answers with: the model, its limits and its counters."""

import threading
from typing import Any

from ..images import need
from ..images.decoding import check_memory, decode, opened
from ..model import memory
from ..model.session import KEPT_BYTES
from ..running.predict import as_json
from ..running.runner import Runner
from ..running.watching import Watching
from .budget import Budget
from .limits import Limits
from .metrics import Metrics


class Service:
    """The model behind the server, and what it counts; used by several threads at once."""

    def __init__(self, runner: Runner, watch: Watching | None, limits: Limits) -> None:
        self.limits = limits
        self.metrics = Metrics()
        self._runner = runner
        self._watch = watch
        self._watch_lock = threading.Lock()
        self._budget = Budget(limits.photo_bytes, limits.predictions)

    def predict(self, body: bytes) -> dict[str, Any]:
        """Return the answer to an image file.

        Raises:
            TimeoutError: its turn did not come in half the time of a request.
            TooLarge: it takes more than is allowed.
            MemoryError: the system has less than is allowed.
            DeviceError: another bad image, or the model failed.
        """
        wanted_bytes = self._need_bytes(body)
        with self._budget.taken(wanted_bytes, self.limits.seconds / 2):
            try:
                return self._answer(body, is_large=wanted_bytes > KEPT_BYTES)
            finally:
                if wanted_bytes > KEPT_BYTES:
                    memory.give_back()

    def _need_bytes(self, body: bytes) -> int:
        """Return the memory that a photograph takes, and refuse one that takes too much."""
        allowed, predictor = self.limits.photo_bytes, self._runner.predictor
        with (
            self._budget.taken(need.head(len(body)), self.limits.seconds / 2),
            opened(body, self.limits.pixels, allowed, predictor.bundle.pixel_range) as photo,
        ):
            for height, width in photo.shapes:
                check_memory(predictor.need_bytes(height, width), height, width, allowed)
            return max(photo.need_bytes, *(predictor.need_bytes(*one) for one in photo.shapes))

    def _answer(self, body: bytes, is_large: bool) -> dict[str, Any]:
        declared = self._runner.predictor.bundle.pixel_range
        image = decode(body, self.limits.pixels, self.limits.photo_bytes, declared)
        if is_large:
            memory.give_back()  # the decoder's part, before the model takes its own
        prediction = self._runner.predict(image)
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
