"""What an architecture's published weights were trained on, and whether they can be had here."""

import io
from email.message import Message
from ssl import SSLError
from urllib.error import HTTPError, URLError

import pytest

from edgepress.core.errors import UserError
from edgepress.core.image_spec import MEAN, STD
from edgepress.core.manifest import Architecture
from models import families, pretrained, weights_host


@pytest.mark.parametrize(
    ("name", "size", "mean", "std", "interpolation"),
    [
        ("efficientnet_lite0", 224, MEAN[3], STD[3], "bicubic"),
        ("resnet10t", 176, MEAN[3], STD[3], "bicubic"),
        ("vit_tiny_patch16_384", 384, (0.5,) * 3, (0.5,) * 3, "bicubic"),
        ("torchvision/inception_v3", 299, MEAN[3], STD[3], "bilinear"),
        ("lenet5", 32, None, None, None),
        ("tiny_network:build", None, None, None, None),
    ],
)
def test_the_images_of_published_weights(name, size, mean, std, interpolation) -> None:
    architecture = Architecture(name=name)
    found = families.native(architecture)
    assert (found.size, found.mean, found.std) == (size, mean, std)
    assert found.interpolation == interpolation
    assert families.native_size(architecture) == size


def test_a_size_that_the_network_is_built_for_comes_first() -> None:
    built = Architecture(name="vit_tiny_patch16_224", kwargs={"img_size": 96})
    assert families.native_size(built) == 96
    with pytest.raises(UserError, match="did you mean"):
        families.native_size(Architecture(name="resnet5O"))


def test_what_a_network_can_start_from(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(name: str) -> tuple[str, str]:
        return pretrained.start_weights(Architecture(name=name))

    def refuse(_: str) -> None:
        raise OSError("no way out")

    monkeypatch.setattr(weights_host, "host", lambda _: "host")
    monkeypatch.setattr(weights_host, "connect", refuse)
    assert start("efficientnet_lite0") == ("imagenet", "its ImageNet weights are here")
    assert start("resnet18") == (
        "random", "The ImageNet weights could not be fetched (host: no way out)"
    )  # fmt: skip
    none = "There are no ImageNet weights for this architecture"
    assert start("tiny_network:build") == ("random", none)
    assert start("torchvision/resnet18") == ("random", none)
    monkeypatch.setattr(weights_host, "connect", lambda _: None)
    assert start("resnet18") == ("imagenet", "its ImageNet weights are fetched")
    monkeypatch.setattr(weights_host, "host", lambda _: None)
    assert start("resnet18") == ("imagenet", "its ImageNet weights are here")
    with pytest.raises(UserError, match="did you mean"):
        start("resnet1B")


@pytest.mark.parametrize(
    ("error", "reached"),
    [
        (None, True),
        (HTTPError("u", 405, "no HEAD", Message(), None), True),
        (URLError(SSLError("unknown issuer")), True),
        (URLError(OSError("Tunnel connection failed: 403")), False),
        (TimeoutError("timed out"), False),
    ],
)
def test_a_host_behind_a_proxy_is_asked_by_it(error, reached, monkeypatch) -> None:
    def answer(_request: object, timeout: float) -> io.BytesIO:
        assert timeout == weights_host.CONNECT_S
        if error is not None:
            raise error
        return io.BytesIO()

    monkeypatch.setattr(weights_host, "getproxies", lambda: {"https": "http://proxy"})
    monkeypatch.setattr(weights_host, "urlopen", answer)
    if reached:
        weights_host.connect("host")
    else:
        with pytest.raises(OSError, match=r"403|timed out"):
            weights_host.connect("host")
