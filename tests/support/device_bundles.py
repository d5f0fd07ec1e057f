"""Small bundles for the device runtime: a real ONNX model, its golden images, a signature."""

import base64
import hashlib
import io
import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from edgepress.device.bundle import archive
from export.bundle import contents

LABELS = ("bright", "dark", "striped")
THRESHOLDS = (0.5, 0.4, 0.6)
SIDE = 16


@cache
def model(
    seed: int = 0, layers: int = 1, fails_on_black: bool = False, labels: int = len(LABELS)
) -> bytes:
    """Return a model of a bundle: uint8 `[height, width, 3]` to `probs` and `labels`."""
    random = np.random.default_rng(seed)

    def weights(*shape: int) -> np.ndarray:
        return random.normal(0, 0.4, shape).astype(np.float32)

    constants: dict[str, np.ndarray] = {
        "batch": np.array([0]),
        "sizes": np.array([1, 3, SIDE, SIDE]),
        "whole": np.float32(255),
        "out": weights(8, labels),
        "thresholds": np.array(THRESHOLDS[:labels], np.float32),
        "conv_0": weights(8, 3, 3, 3),
        **{f"conv_{layer}": weights(8, 8, 3, 3) for layer in range(1, layers)},
    }
    node = helper.make_node
    convolutions = [
        node("Conv", [f"x{layer}", f"conv_{layer}"], [f"x{layer + 1}"], pads=[1, 1, 1, 1])
        for layer in range(layers)
    ]
    brightest = node("ReduceMax", ["float"], ["largest"])  # 0 divided by 0 is not a number
    nodes = [
        node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        *([brightest] if fails_on_black else []),
        node("Div", ["float", "largest" if fails_on_black else "whole"], ["scaled"]),
        node("Transpose", ["scaled"], ["chw"], perm=[2, 0, 1]),
        node("Unsqueeze", ["chw", "batch"], ["nchw"]),
        node("Resize", ["nchw", "", "", "sizes"], ["x0"], mode="linear", antialias=1),
        *convolutions,
        node("GlobalMaxPool", [f"x{layers}"], ["pooled"]),
        node("Flatten", ["pooled"], ["flat"]),
        node("MatMul", ["flat", "out"], ["logits"]),
        node("Sigmoid", ["logits"], ["probs"]),
        node("GreaterOrEqual", ["probs", "thresholds"], ["labels"]),
    ]
    shape = [1, labels]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["height", "width", 3])],
        [
            helper.make_tensor_value_info("probs", TensorProto.FLOAT, shape),
            helper.make_tensor_value_info("labels", TensorProto.BOOL, shape),
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opset = [helper.make_opsetid("", 18)]
    return onnx.helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


def image(seed: int, height: int = 40, width: int = 48) -> np.ndarray:
    """Return a uint8 image `[height, width, 3]` of noise around a random brightness."""
    random = np.random.default_rng(seed)
    noise = random.integers(-40, 40, (height, width, 3)) + random.integers(40, 215)
    return noise.clip(0, 255).astype(np.uint8)


def encoded(pixels: np.ndarray, form: str = "PNG") -> bytes:
    """Return an image as a file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, form)
    return stream.getvalue()


def probs(content: bytes, pixels: np.ndarray) -> list[float]:
    """Return what a model makes of an image, by a bare session."""
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    found: list[float] = session.run(["probs"], {"image": pixels})[0][0].tolist()
    return found


def files(seed: int = 0, content: bytes | None = None, **changes: Any) -> archive.Files:
    """Return a bundle's files; changes are fields of its manifest."""
    content = content or model(seed)
    images = {f"golden/{number}.png": image(number) for number in range(2)}
    expected = {name: probs(content, pixels) for name, pixels in images.items()}
    found = {
        "model.onnx": content,
        "golden/expected.json": json.dumps(expected).encode(),
        **{name: encoded(pixels) for name, pixels in images.items()},
    }
    return {**found, "manifest.json": json.dumps(manifest(found, seed, **changes)).encode()}


def manifest(listed: archive.Files, seed: int = 0, **changes: Any) -> dict[str, Any]:
    """Return a manifest of some files."""
    return {
        "schema_version": 2,
        "name": "scenes",
        "release": 1,
        "id": f"model-{seed}",
        "labels": {"names": LABELS, "thresholds": THRESHOLDS},
        "golden_tolerance": 1e-4,
        "budget": {"latency_s": None, "peak_rss_bytes": None},
        "runtime": {
            "intra_op_threads": 1,
            "enable_cpu_mem_arena": False,
            "allow_spinning": False,
        },
        "reference": None,
        "files": {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            for name, data in listed.items()
        },
    } | changes


def complete(content: archive.Files, **changes: Any) -> archive.Files:
    """Return a bundle's files with the real runtime among them."""
    listed = {**content, **contents.runtime()}
    del listed["manifest.json"]
    return {**listed, "manifest.json": json.dumps(manifest(listed, **changes)).encode()}


def zipped(path: Path, content: archive.Files) -> Path:
    """Write a bundle's archive."""
    path.write_bytes(archive.pack(content))
    return path


def unpacked(folder: Path, content: archive.Files) -> Path:
    """Write a bundle's files to a folder."""
    archive.unpack(content, folder)
    return folder


def keys(folder: Path, name: str = "key") -> tuple[Path, Path]:
    """Make a pair of keys on P-256; return the private and the public one's file."""
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    make = ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", private]
    subprocess.run(make, check=True, capture_output=True)
    show = ["openssl", "pkey", "-in", private, "-pubout", "-out", public]
    subprocess.run(show, check=True, capture_output=True)
    return private, public


def statement(content: archive.Files, **changes: Any) -> dict[str, Any]:
    """Return what OpenSSF model-signing 1.1 signs; changes are fields of the statement."""
    resources = [
        {"algorithm": "sha256", "name": name, "digest": hashlib.sha256(data).hexdigest()}
        for name, data in sorted(content.items())
    ]
    predicate = {"serialization": {"method": "files"}, "resources": resources}
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "bundle", "digest": {"sha256": "0" * 64}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": predicate,
    } | changes


def signed(
    content: archive.Files, private: Path, public: Path, said: dict[str, Any] | None = None
) -> archive.Files:
    """Return a bundle's files with a valid signature of a statement, by default of them all."""
    payload = json.dumps(said or statement(content)).encode()
    kind = "application/vnd.in-toto+json"
    signed_text = f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload
    sign = ["openssl", "dgst", "-sha256", "-sign", private]
    signature = subprocess.run(sign, input=signed_text, check=True, capture_output=True).stdout
    hint = hashlib.sha256(public.read_bytes()).hexdigest()
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": kind,
        "signatures": [{"sig": base64.b64encode(signature).decode(), "keyid": ""}],
    }
    bundle = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": hint}, "tlogEntries": []},
        "dsseEnvelope": envelope,
    }
    return {**content, "model.sig": json.dumps(bundle, separators=(",", ":")).encode()}
