"""Files of the tiny network as other people's tools write them, and what they were made from."""

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from export_network import tiny
from torch import Tensor, nn

from edgepress.core.image_spec import ImageSpec

SIDE = 32
LABELS = 3


class Nhwc(nn.Module):
    """The tiny network as TensorFlow would have it: channels last, probabilities out."""

    def __init__(self) -> None:
        super().__init__()
        self.network = tiny(LABELS)

    def forward(self, image: Tensor) -> Tensor:
        return self.network(image.permute(0, 3, 1, 2)).sigmoid()


class Grey(nn.Module):
    """The tiny network for images of one channel."""

    def __init__(self) -> None:
        super().__init__()
        self.network = tiny(LABELS)

    def forward(self, image: Tensor) -> Tensor:
        return self.network(image.expand(-1, 3, -1, -1))


class TwoHeads(nn.Module):
    """The tiny network with its probabilities beside its logits."""

    def __init__(self) -> None:
        super().__init__()
        self.network = tiny(LABELS)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.network(image)
        return logits, logits.sigmoid()


class Tail(nn.Module):
    """The tiny network with its logits as maps of one pixel."""

    def __init__(self, *axes: int) -> None:
        super().__init__()
        self.network, self.axes = tiny(LABELS), axes

    def forward(self, image: Tensor) -> Tensor:
        return self.network(image).reshape(self.axes)


class Maps(nn.Module):
    """A network that ends in maps, as a segmenter does."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Conv2d(3, LABELS, 3)

    def forward(self, image: Tensor) -> Tensor:
        return self.network(image)


class Pair(nn.Module):
    """A network of two images."""

    def __init__(self) -> None:
        super().__init__()
        self.network = tiny(LABELS)

    def forward(self, image: Tensor, other: Tensor) -> Tensor:
        return self.network(image) - self.network(other)


def example(channels: int = 3) -> Tensor:
    return torch.zeros(1, channels, SIDE, SIDE)


def onnx_file(path: Path, network: nn.Module | None = None, *images: Tensor, **options) -> Path:
    """Write as people do: torch's older exporter, its defaults."""
    given = images or (example(),)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(network or tiny(LABELS), given, path, dynamo=False, **options)
    return path


def nhwc_onnx(path: Path) -> Path:
    """An old opset, channels last, probabilities, an open batch."""
    image = torch.zeros(1, SIDE, SIDE, 3)
    names = {"input_names": ["image"], "output_names": ["probs"]}
    return onnx_file(
        path, Nhwc(), image, opset_version=11, dynamic_axes={"image": {0: "batch"}}, **names
    )


def old_onnx(path: Path, opset: int, network: nn.Module | None = None) -> Path:
    """Write as the first exporters did: IR 3, whose weights are inputs too."""
    onnx_file(path, network, opset_version=opset, keep_initializers_as_inputs=True)
    model = onnx.load(path)
    model.ir_version = 3
    onnx.save(model, path)
    return path


def program(path: Path, network: nn.Module | None = None, *images: Tensor) -> Path:
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        made = torch.export.export(network or tiny(LABELS), images or (example(),))
        torch.export.save(made, path)
    return path


def script(path: Path, network: nn.Module | None = None, traced: bool = True) -> Path:
    network = network or tiny(LABELS)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # torch no longer develops TorchScript
        made = torch.jit.trace(network, example()) if traced else torch.jit.script(network)
        torch.jit.save(made, path)
    return path


def keras_file(path: Path, channels: int = 3, *more: Callable) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras 3.15 does not know numpy 2.4's `copy` yet
        keras_model(channels, *more).save(path)
    return path


def keras_model(channels: int = 3, *more: Callable):
    """A small Keras model of pixels in 0..255, channels last."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    image = keras.Input((SIDE, SIDE, channels))
    x = layers.Rescaling(1 / 255)(image)
    x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.ReLU()(layers.Conv2D(32, 1)(x))
    for layer in more:
        x = layer(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(LABELS, activation="sigmoid")(x))


def tiny_network_in_keras(path: Path, weights: Mapping[str, Tensor], spec: ImageSpec) -> Path:
    """Write `tiny_network:build` with the weights that it has learnt for an image size of 48."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras
    from keras import layers

    mean, std = np.asarray(spec.mean), np.asarray(spec.std)
    x = image = keras.Input((spec.height, spec.width, 3))
    x = layers.Rescaling(list(1 / (255 * std)), list(-mean / std))(x)
    for number, stride in ((0, 2), (1, 1), (3, 1)):
        conv, norm = f"{number}.0.weight", f"{number}.1"
        if number == 3:
            x = layers.MaxPooling2D(2)(x)
        kernel = weights[conv].permute(2, 3, 1, 0).numpy()
        learnt = [weights[f"{norm}.{name}"].numpy() for name in _LEARNT]
        x = layers.ZeroPadding2D(1)(x)
        x = _with(layers.Conv2D(kernel.shape[-1], 3, stride, use_bias=False), x, [kernel])
        x = layers.ReLU(6)(_with(layers.BatchNormalization(epsilon=1e-5), x, learnt))
    x = layers.Flatten()(layers.Permute((3, 1, 2))(layers.AveragePooling2D(4)(x)))
    last = [weights["6.weight"].T.numpy(), weights["6.bias"].numpy()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras 3.15 does not know numpy 2.4's `copy` yet
        probs = _with(layers.Dense(last[1].size, activation="sigmoid"), x, last)
        keras.Model(image, probs).save(path)
    return path


_LEARNT = ("weight", "bias", "running_mean", "running_var")


def _with(layer: Any, x: Any, weights: Sequence[np.ndarray]) -> Any:
    """Apply a layer of Keras that has those weights."""
    found = layer(x)
    layer.set_weights(weights)
    return found


def pictures(n: int = 4) -> np.ndarray:
    """Pixels `[n, height, width, 3]`."""
    return np.random.default_rng(1).integers(0, 256, (n, SIDE, SIDE, 3), dtype=np.uint8)
