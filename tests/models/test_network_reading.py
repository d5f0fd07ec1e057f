"""What networks return, in the forms that programs give it, is read as logits `[n, labels]`."""

from collections import namedtuple
from copy import deepcopy
from dataclasses import dataclass

import onnxruntime
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from models.network_reading import example, labelled, make_readable, probabilities, reading_of
from models.onnx_graph.write import to_onnx

SPEC = ImageSpec(height=8, width=8)
LABELS = 3
Heads = namedtuple("Heads", "logits aux_logits2 aux_logits1")


@dataclass
class Answer:
    """As the outputs of transformers, which are mappings too, may be."""

    loss: object
    logits: Tensor
    hidden: Tensor


class Net(nn.Module):
    """A network that returns what a function makes of it, its features and its logits."""

    def __init__(self, how) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.norm = nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5)
        self.head, self.other, self.how = nn.Linear(5, LABELS), nn.Linear(5, LABELS), how

    def features(self, images: Tensor) -> Tensor:
        return self.norm(self.conv(images)).relu().mean((2, 3))

    def forward(self, images: Tensor) -> object:
        features = self.features(images)
        return self.how(self, features, self.head(features))


def wanted(net: Net, images: Tensor) -> Tensor:
    return net.head(net.features(images))


FORMS = {
    "plain": lambda net, f, x: x,
    "dict": lambda net, f, x: {"logits": x, "features": f},
    "tuple": lambda net, f, x: (f, x),
    "list": lambda net, f, x: [x],
    "dataclass": lambda net, f, x: Answer(None, x, f),
    "named": lambda net, f, x: Heads(x, net.other(f), net.other(f)),
    "named dict": lambda net, f, x: {"aux": net.other(f), "out": x},
    "nested": lambda net, f, x: {"heads": (f, {"labels": x}), "name": "small"},
    "map of one pixel": lambda net, f, x: x[:, :, None, None],
    "last axis": lambda net, f, x: x[:, None, None],
    "squeezed": lambda net, f, x: x.squeeze(),
    "auxiliary in training": lambda net, f, x: (x, net.other(f)) if net.training else x,
}


@pytest.mark.parametrize("how", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("training", [True, False])
def test_the_output_of_the_labels_is_found(how, training: bool):
    network = Net(how)
    make_readable(network, LABELS, SPEC)
    assert network.training
    assert network.norm.num_batches_tracked == 0
    network.train(training)
    for n in (1, 2):
        images = example(SPEC, n)
        found = network(images)
        assert found.shape == (n, LABELS)
        assert torch.equal(found, wanted(network, images))


@pytest.mark.parametrize(
    ("how", "got"),
    [
        (lambda net, f, x: f, r"shape \[2, 5\]"),
        (lambda net, f, x: x[0], r"shape \[3\]"),
        (lambda net, f, x: x.T, r"shape \[3, 2\]"),
        (lambda net, f, x: (x, net.other(f)), r"a tuple of 0 \[2, 3\], 1 \[2, 3\]"),
        (lambda net, f, x: {"a": x, "b": x}, r"a dict of a \[2, 3\]"),
        (lambda net, f, x: {}, "a dict of no tensor"),
        (lambda net, f, x: None, "a NoneType"),
    ],
)
def test_what_is_not_one_number_per_label_is_refused(how, got: str):
    with pytest.raises(UserError, match=rf"one number per label.*{got}.*\[2, 3\]"):
        make_readable(Net(how), LABELS, SPEC)


def test_one_label_and_one_image():
    assert labelled(torch.ones(4), 4, 1).shape == (4, 1)
    assert labelled(torch.ones(()), 1, 1).shape == (1, 1)
    assert labelled(torch.ones(3), 1, 3).shape == (1, 3)


PROBS = {
    "sigmoid": lambda net, f, x: x.sigmoid(),
    "in a dict": lambda net, f, x: {"probs": x.sigmoid(), "features": f},
    "by exp": lambda net, f, x: 1 / (1 + (-x).exp()),
    "by tanh": lambda net, f, x: (x / 2).tanh() * 0.5 + 0.5,
    "two heads": lambda net, f, x: (x.sigmoid() + x.sigmoid()) / 2,
    "logsigmoid": lambda net, f, x: functional.logsigmoid(x),
}


@pytest.mark.parametrize("how", PROBS.values(), ids=PROBS)
@pytest.mark.parametrize("zero", [True, False], ids=["zeros", "random"])
def test_probabilities_are_taken_as_such(how, zero: bool):
    network = Net(how).eval()
    if zero:  # as many heads start
        nn.init.zeros_(network.head.weight)
        nn.init.zeros_(network.head.bias)
    make_readable(network, LABELS, SPEC)
    images = example(SPEC)
    logits = wanted(network, images)
    assert torch.allclose(network(images), logits, atol=1e-5)
    assert torch.allclose(probabilities(network, images), logits.sigmoid(), atol=1e-5)


@pytest.mark.parametrize(
    "how", [lambda net, f, x: x.softmax(1), lambda net, f, x: x.log_softmax(1)]
)
def test_a_softmax_keeps_its_probabilities(how):
    network = Net(how).eval()
    make_readable(network, LABELS, SPEC)
    images = example(SPEC)
    probs = wanted(network, images).softmax(1)
    assert torch.allclose(network(images).sigmoid(), probs, atol=1e-5)
    assert torch.allclose(probabilities(network, images), probs, atol=1e-5)


LOGITS = {
    "small": lambda net, f, x: x.abs() * 1e-3,
    "negative": lambda net, f, x: x - 20,
    "positive": lambda net, f, x: x * 0.05 + 0.5,
    "zero": lambda net, f, x: x * 0,
    "normalised": lambda net, f, x: functional.layer_norm(x, (LABELS,)),
    "of no layer": lambda net, f, x: f[:, :3],
}


@pytest.mark.parametrize("how", LOGITS.values(), ids=LOGITS)
def test_logits_that_happen_to_look_like_probabilities(how):
    network = Net(how).eval()
    make_readable(network, LABELS, SPEC)
    assert reading_of(network).form == "logits"


def test_probabilities_train_as_their_logits_do():
    """The gradient of the loss goes through the probability as if it were not there."""
    networks = [Net(FORMS["plain"]), Net(PROBS["sigmoid"])]
    for network in networks:
        make_readable(network, LABELS, SPEC)
        functional.binary_cross_entropy_with_logits(
            network(example(SPEC)), torch.ones(2, LABELS)
        ).backward()
    theirs, ours = (network.head.weight.grad for network in networks)
    assert torch.allclose(theirs, ours, atol=1e-5)


def test_images_stay_as_they_are():
    network = Net(FORMS["plain"])
    network.features = lambda images: Net.features(network, images.sub_(3))
    make_readable(network, LABELS, SPEC)
    images = example(SPEC)
    kept = images.clone()
    for answer in (network, lambda given: probabilities(network, given)):
        answer(images)
        assert torch.equal(images, kept)


def test_a_copy_is_read_as_well():
    network = Net(PROBS["in a dict"]).eval()
    make_readable(network, LABELS, SPEC)
    images = example(SPEC)
    assert torch.equal(deepcopy(network)(images), network(images))


@pytest.mark.parametrize("form", ["sigmoid", "in a dict", "logsigmoid"])
def test_an_exported_file_answers_the_same(form: str, tmp_path):
    network = Net(PROBS[form]).eval()
    make_readable(network, LABELS, SPEC)
    file, images = tmp_path / "network.onnx", example(SPEC, 1)
    to_onnx(network, SPEC, file)
    session = onnxruntime.InferenceSession(file)
    (probs,) = session.run(None, {"image": images.numpy()})
    assert torch.allclose(torch.tensor(probs), wanted(network, images).sigmoid(), atol=1e-5)
    assert form == "logsigmoid" or "Log" not in {node.op_type for node in _nodes(file)}


def _nodes(file):
    import onnx

    return onnx.load(file).graph.node
