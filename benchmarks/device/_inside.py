"""Runs in a process with nothing but a bundle; measures its runtime's own share, prints JSON.

Started by path by `benchmarks.device`. Times are processor time, which other programs on the
machine do not change.
"""

import io
import json
import sys
import time
from importlib import import_module
from pathlib import Path

ROUNDS = 200


def main(folder: Path) -> None:
    """Time, in turn, the bare session, a decoding, and all that `predict` does for an image."""
    sys.path.insert(0, str(folder))
    before = set(sys.modules)  # a virtual environment has its own
    bundle = import_module("edgepress_device.bundle").open_folder(folder)
    images = import_module("edgepress_device.images")
    frames = import_module("edgepress_device.frames")
    predict = import_module("edgepress_device.predict")
    runner = import_module("edgepress_device.runner").FolderRunner(folder)
    session = import_module("edgepress_device.session").open_session(bundle)
    photo = folder / "golden" / "0.png"
    image, out = images.decode(photo), io.StringIO()

    def bare() -> None:
        session.run(["probs", "labels"], {"image": image})

    def whole() -> None:
        for frame in frames.from_files([photo]):
            out.write(json.dumps(predict.answer(frame, runner)[0]) + "\n")

    parts = {"run_s": bare, "decode_s": lambda: images.decode(photo), "whole_s": whole}
    times: dict[str, list[float]] = {name: [] for name in parts}
    for _ in range(ROUNDS):
        for name, part in parts.items():
            start = time.process_time()
            part()
            times[name].append(time.process_time() - start)
    print(json.dumps({"packages": packages(folder, before), **times}))


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
