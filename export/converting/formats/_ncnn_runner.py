"""Runs an ncnn model on images, in a process of its own: ncnn ends it where a layer is amiss.

python _ncnn_runner.py MODEL.param MODEL.bin INPUTS.npy PROBS.npy
"""

import sys
from collections.abc import Iterator

import ncnn
import numpy as np
from numpy.typing import NDArray

INPUT, OUTPUT = "in0", "out0"
"""Blob names that pnnx gives."""


def answers(param: str, weights: str, images: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """Yield the probabilities `[labels]` of images `[n, channels, h, w]`; exit where it fails."""
    with ncnn.Net() as net:
        net.opt.num_threads = 1
        _done(net.load_param(param), "it does not read the structure")
        _done(net.load_model(weights), "it does not read the weights")
        for image in images:
            with net.create_extractor() as extractor:
                fed = extractor.input(INPUT, ncnn.Mat(np.ascontiguousarray(image)))
                _done(fed, "it does not take the image")
                code, made = extractor.extract(OUTPUT)
                _done(code, "it does not compute an answer")
                yield np.array(made).reshape(-1).astype(np.float32)


def _done(code: int, otherwise: str) -> None:
    if code:
        sys.exit(f"{otherwise} (code {code})")


if __name__ == "__main__":
    _, param, weights, inputs, probs = sys.argv
    np.save(probs, np.stack(list(answers(param, weights, np.load(inputs)))))
