"""Runs in a process with nothing but a bundle; measures its runtime's own share, prints JSON.

Started by path by `benchmarks.claims.device`. Times are processor time, which other programs on the
machine do not change.
"""

import io
import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROUNDS = 200


def main(folder: Path) -> None:
    """Predict an image again and again, with a clock at its decoding and at the session's run."""
    sys.path.insert(0, str(folder))
    before = set(sys.modules)  # a virtual environment has its own
    frames, predict = _module(folder, "frames"), _module(folder, "predict")
    runner = _module(folder, "runner").FolderRunner(folder)
    decode, session = Clock(frames.decode), runner.predictor._session
    run = Clock(session.run)
    runner.predictor._session = SimpleNamespace(run=run)
    photo, out = folder / "golden" / "0.png", io.StringIO()

    def whole() -> None:
        for frame in frames.from_files([photo], decode):
            out.write(json.dumps(predict.answer(frame, runner)[0]) + "\n")

    clock = Clock(whole)
    for _ in range(ROUNDS):
        clock()
    times = {"run_s": run.times_s, "decode_s": decode.times_s, "whole_s": clock.times_s}
    print(json.dumps({"packages": packages(folder, before), **times}))


def _module(folder: Path, name: str) -> Any:
    """Return a module of a bundle's runtime, which may be an older one with other folders."""
    file = next((folder / "edgepress_device").rglob(f"{name}.py"))
    return import_module(".".join(file.relative_to(folder).with_suffix("").parts))


class Clock:
    """A function that notes the processor time of each of its calls."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.times_s: list[float] = []
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        """Call the function."""
        start = time.process_time()
        found = self._function(*arguments)
        self.times_s.append(time.process_time() - start)
        return found


def packages(folder: Path, before: set[str]) -> list[str]:
    """Return the installed packages that were imported since."""
    files = {
        name: getattr(sys.modules[name], "__file__", None) for name in set(sys.modules) - before
    }
    return sorted(
        {
            name.partition(".")[0]
            for name, file in files.items()
            if file and "site-packages" in file and not Path(file).is_relative_to(folder)
        }
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
