"""Olive: a workflow of one pass, `OnnxStaticQuantization`, with nothing but its data.

The workflow of https://microsoft.github.io/Olive/features/quantization.html ("Quantize with
onnxruntime") and the data set of its page "How to configure data", run by `olive.run`.

Run it in its own environment: `python olive_.py --fp32 IN --calibration NPY --out OUT`.
"""

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx

DATA = "calibration_images"


class Images:
    """Rows of `[{input name: image}, label]`, as Olive's data loader takes them."""

    def __init__(self, name: str, images: Any) -> None:
        self._name, self._images = name, images

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, row: int) -> tuple[dict[str, Any], int]:
        if row >= len(self):
            raise IndexError(row)
        return {self._name: self._images[row]}, 0


def workflow(fp32: Path, folder: Path) -> dict[str, Any]:
    """Return the run config; `folder` takes the result and the cache."""
    return {
        "input_model": {"type": "ONNXModel", "model_path": str(fp32)},
        "data_configs": [{"name": DATA, "load_dataset_config": {"type": DATA}}],
        "passes": {"quantize": {"type": "OnnxStaticQuantization", "data_config": DATA}},
        "output_dir": str(folder / "made"),
        "cache_dir": str(folder / "cache"),
    }


def quantize(fp32: Path, calibration: Path, out: Path) -> None:
    """Write the int8 file of an fp32 file."""
    import olive
    from olive.data.registry import Registry

    name, images = onnx.load(fp32).graph.input[0].name, np.load(calibration)
    Registry.register_dataset(DATA)(lambda **_: Images(name, images))
    with tempfile.TemporaryDirectory() as folder:
        result = olive.run(workflow(fp32, Path(folder)))
        shutil.copyfile(result.get_best_candidate().model_path, out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Quantize by Olive")
    for option in ("--fp32", "--calibration", "--out"):
        parser.add_argument(option, type=Path, required=True)
    quantize(**vars(parser.parse_args()))
