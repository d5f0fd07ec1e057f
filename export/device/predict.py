"""Predicts labels of photographs: `python predict.py model.onnx photo.png ...`.

Needs numpy, Pillow and onnxruntime only. Prints one JSON line per photograph. Everything that it
has to know (labels, thresholds, preprocessing) is in the metadata of the ONNX file.
"""

import json
import sys
from typing import Any

import numpy as np
import onnxruntime as ort
from PIL import Image, ImageOps

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "PPM")
PREFIX = "edgepress."
FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def facts(session: ort.InferenceSession) -> dict[str, Any]:
    """Return what the model says about itself."""
    stored = session.get_modelmeta().custom_metadata_map
    return {
        key.removeprefix(PREFIX): json.loads(value)
        for key, value in stored.items()
        if key.startswith(PREFIX)
    }


def preprocess(path: str, spec: dict[str, Any]) -> np.ndarray:
    """Return a photograph as the model's input, float32 `[1, 3, height, width]`."""
    with Image.open(path, formats=FORMATS) as opened:
        image = eight_bit(ImageOps.exif_transpose(opened))
    size, resample = (spec["width"], spec["height"]), FILTERS[spec["interpolation"]]
    if spec["crop"] == "center":
        image = ImageOps.fit(image, size, method=resample)
    else:
        image = image.resize(size, resample)
    pixels = np.asarray(image.convert("RGB")).astype(np.float32) / np.float32(255)
    centred = (pixels - np.float32(spec["mean"])) / np.float32(spec["std"])
    return np.ascontiguousarray(centred.transpose(2, 0, 1)[None])


def eight_bit(image: Image.Image) -> Image.Image:
    """Return a photograph with 8 bits per sample, grey (`L`) or colour (`RGB`)."""
    if image.mode.startswith("I"):  # 16-bit grey, which Pillow would clip instead of scale
        scaled = np.asarray(image, dtype=np.float64) / 257
        return Image.fromarray(scaled.clip(0, 255).astype(np.uint8))
    return image.convert("L" if image.mode in {"1", "L", "LA"} else "RGB")


def predict(session: ort.InferenceSession, path: str) -> dict[str, Any]:
    """Return the probabilities of a photograph and the labels at or above their thresholds."""
    known = facts(session)
    names, thresholds = known["labels"]["names"], known["labels"]["thresholds"]
    image = preprocess(path, known["image"])
    probs = session.run(["probs"], {"image": image})[0][0]
    found = [n for n, p, t in zip(names, probs, thresholds, strict=True) if p >= np.float32(t)]
    return {"file": path, "labels": found, "probs": dict(zip(names, probs.tolist(), strict=True))}


if __name__ == "__main__":
    model = ort.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
    for photo in sys.argv[2:]:
        print(json.dumps(predict(model, photo)))
