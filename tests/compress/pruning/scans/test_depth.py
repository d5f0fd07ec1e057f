"""Residual blocks that are taken out whole: found, chosen, replayed, exported, and said."""

from copy import deepcopy
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import residual_network
import torch
from small_training import FAST, write
from torch import nn

from compress import prune
from compress.learning.training import Fitted
from compress.pruning import rounds
from compress.pruning.scans.depth import chosen, rounds_of, shallow, without_blocks
from compress.pruning.scans.residual import residual_blocks, without
from compress.pruning.scans.scores import Remembered, Shown
from compress.pruning.shrinking import Shrinking, kept_of
from compress.pruning.to_share import shrinking
from edgepress.core import artifact as artifacts
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Architecture
from edgepress.core.pruning import RemovedBlock, RemovedBlocks
from edgepress.data import pixels
from models.blank import blank_image
from models.families import timm_, torchvision_
from models.onnx_graph.write import to_onnx
from models.pruning_history import replay
from models.stored import count_macs, load_network, logits, rebuilt

SPEC = ImageSpec(height=32, width=32)
IMAGES = torch.zeros(1, 3, 32, 32)
BLOCKS = ("first.0", "first.1", "second.1")


def network(labels: int = 2) -> nn.Module:
    torch.manual_seed(0)
    return residual_network.build(labels).eval()


def shown_to(network: nn.Module) -> Shown:
    """Return images of noise whose labels a network tells without a fault."""
    images = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)
    answers = logits(network, pixels.normalise(images, SPEC))
    return Shown(images, (answers > np.median(answers, 0)).astype(np.float32), SPEC)


def test_only_blocks_that_add_their_input_to_layers_are_found():
    assert residual_blocks(network(), IMAGES) == BLOCKS


@pytest.mark.parametrize("kind", [residual_network.Looking, residual_network.Dividing])
def test_a_block_without_which_the_network_does_not_run_or_answers_no_number_stays(kind):
    torch.manual_seed(0)
    assert residual_blocks(kind(2, 8), IMAGES) == BLOCKS[1:]


def with_skip(network: nn.Module, attribute: str) -> set[str]:
    return {name for name, part in network.named_modules() if getattr(part, attribute, False)}


FAMILIES = {
    "timm:mobilenetv2_050": lambda n: with_skip(n, "has_skip"),
    "timm:mobilenetv3_small_050": lambda n: with_skip(n, "has_skip"),
    "timm:resnet18": lambda n: {"layer1.0", "layer1.1", "layer2.1", "layer3.1", "layer4.1"},
    "timm:convnext_atto": lambda n: {
        f"stages.{stage}.blocks.{block}"
        for stage, depth in enumerate((2, 2, 6, 2))
        for block in range(depth)
    },
    "torchvision:mobilenet_v2": lambda n: with_skip(n, "use_res_connect"),
    "torchvision:resnet18": lambda n: {"layer1.0", "layer1.1", "layer2.1", "layer3.1", "layer4.1"},
    "torchvision:regnet_x_400mf": lambda n: {
        name for name, part in n.named_modules() if hasattr(part, "f") and part.proj is None
    },
    "torchvision:squeezenet1_1": lambda n: set(),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_blocks_of_known_families_are_found(family: str):
    library, name = family.split(":")
    made = {"timm": timm_, "torchvision": torchvision_}[library].build(name, 2, {})
    expected = FAMILIES[family](made)
    assert set(residual_blocks(made, torch.zeros(1, 3, 64, 64))) == expected


def test_a_block_that_does_nothing_goes_first_and_the_next_is_chosen_without_it(tmp_path: Path):
    made = network()
    for block, factor in zip(BLOCKS, (1.0, 3.0, 0.0), strict=True):
        made.get_submodule(block).body[3].weight.data *= factor
    images = shown_to(made)
    before = [value.clone() for value in made.state_dict().values()]
    found = chosen(made, [BLOCKS] * 2, images, Remembered(tmp_path / "blocks.json"))
    assert (found.metric, found.images, found.whole) == ("map", 12, 1)
    alone = {}
    for name in BLOCKS[:2]:
        other = network()
        other.load_state_dict(made.state_dict())
        other.second[1] = nn.Identity()
        setattr(other.first, name[-1], nn.Identity())
        alone[name] = images.score(other)
    assert [block.name for block in found.blocks] == ["second.1", max(alone, key=alone.get)]
    assert [block.score for block in found.blocks] == [1, max(alone.values())]
    assert max(alone.values()) < 1
    assert all(map(torch.equal, before, made.state_dict().values()))


def test_the_next_block_is_chosen_without_those_that_are_gone(tmp_path: Path):
    made = network()
    for block in BLOCKS:
        made.get_submodule(block).body[3].weight.data *= 10
    images = shown_to(made)
    found = chosen(made, [BLOCKS[:1], BLOCKS], images, Remembered(tmp_path / "blocks.json"))
    made.first[0] = nn.Identity()
    alone = {}
    for name in BLOCKS[1:]:
        with without(made, name):
            alone[name] = images.score(made)
    assert found.blocks[1].name == max(alone, key=alone.get)
    assert [block.score for block in found.blocks] == [images.score(made), max(alone.values())]
    assert len({1.0, images.score(made), *alone.values()}) == 4, "the scores tell blocks apart"


def test_scores_of_a_killed_scan_are_not_measured_again(tmp_path: Path, monkeypatch):
    file = tmp_path / "blocks.json"
    images = shown_to(network())
    before = chosen(network(), [BLOCKS], images, Remembered(file))
    monkeypatch.setattr(Shown, "score", lambda *_: pytest.fail("measured again"))
    assert chosen(network(), [BLOCKS], images, Remembered(file)) == before


@pytest.mark.parametrize(
    ("wanted", "keep", "says"),
    [
        (("4",), (), "--remove-blocks 4"),
        (("3",), ("first.1.body.0",), "0 to 2"),
        (("first.2",), (), "first.1"),
        (("first.*",), ("first.1.body.0",), "holds a layer that is to stay"),
    ],
)
def test_blocks_that_cannot_go_are_refused(wanted, keep, says: str):
    with pytest.raises(UserError, match=says.replace("*", r"\*")):
        rounds_of(network(), SPEC, wanted, keep)


@pytest.mark.parametrize("wanted", ["1", "first.*"])
def test_a_network_without_residual_blocks_says_so(wanted: str):
    plain = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 2, 1))
    with pytest.raises(UserError, match=r"has no residual block.*leave --remove-blocks out"):
        rounds_of(plain, SPEC, (wanted,), ())
    assert rounds_of(plain, SPEC, ("0",), ()) == []


def test_blocks_are_named_by_patterns_in_the_order_of_the_network():
    assert rounds_of(network(), SPEC, ("second.1", "first.*"), ()) == [(b,) for b in BLOCKS]
    assert rounds_of(network(), SPEC, (), ()) == rounds_of(network(), SPEC, ("0",), ()) == []


def test_an_old_record_of_channels_is_read_as_before():
    old = {"name": "x", "pruning_history": [["stem.0", True, [1, 2]]]}
    assert Architecture.model_validate(old).pruning_history == (("stem.0", True, (1, 2)),)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory, data: Path) -> Path:
    from compress import train
    from edgepress.core.cli import main

    out = tmp_path_factory.mktemp("depth") / "teacher"
    given = [str(g) for g in ("--data", data, "--out", out, *FAST, "--epochs", 1)]
    given[given.index("tiny_network:build")] = "residual_network:build"
    assert main(train.Config, train.run, given) == 0
    return out


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("depth") / "data", lambda row: (row % 2, row // 2 % 2))


OPTIONS = ("--round-to", 1, "--epochs", 0, "--batch-size", 8, "--gate", "params <= 1e9")


def test_blocks_go_before_channels_and_the_model_is_built_again_and_exported(
    data: Path, teacher: Path, tmp_path: Path, command
):
    out = tmp_path / "pruned"
    done = command(
        "compress.prune", "--model", teacher, "--data", data, "--out", out, *OPTIONS,
        "--rounds", 2, "--macs", 0.5, "--remove-blocks", 1,
    )  # fmt: skip
    assert done.code == 0, done.err
    made, parent = artifacts.load(out), artifacts.load(teacher)
    block, *channels = made.manifest.architecture.pruning_history
    assert block in BLOCKS
    assert channels
    assert all(len(entry) == 3 for entry in channels)
    assert f"without {block}: " in done.err + done.out
    (removed,) = made.manifest.pruning.blocks.blocks
    assert removed.name == block
    assert made.manifest.measurements.macs <= 0.5 * parent.manifest.measurements.macs
    again = load_network(artifacts.load(out))  # which checks what it answers
    assert isinstance(again.get_submodule(block), nn.Identity)
    images = np.random.default_rng(0).random((1, 3, 32, 32), dtype=np.float32)
    to_onnx(again, made.manifest.image, tmp_path / "net.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    (answers,) = session.run(None, {session.get_inputs()[0].name: images})
    expected = 1 / (1 + np.exp(-logits(again, images)))
    assert np.abs(answers - expected).max() < 1e-5


def test_a_pruned_model_is_pruned_again_with_another_block(
    data: Path, teacher: Path, tmp_path: Path, command
):
    model = teacher
    for block in ("first.1", "second.1"):
        out = tmp_path / block
        done = command(
            "compress.prune", "--model", model, "--data", data, "--out", out, *OPTIONS,
            "--rounds", 1, "--macs", 0.8, "--remove-blocks", block, "--no-sensitivity",
        )  # fmt: skip
        assert done.code == 0, done.err
        model = out
    manifest = artifacts.load(model).manifest
    history = manifest.architecture.pruning_history
    assert [entry for entry in history if isinstance(entry, str)] == ["first.1", "second.1"]
    network = rebuilt(manifest.architecture, 2, manifest.image)
    assert residual_blocks(network, IMAGES) == ("first.0",)


def test_the_teacher_of_a_shallower_network_keeps_its_blocks(
    data: Path, teacher: Path, tmp_path: Path, command, monkeypatch
):
    seen = []

    def spy(student, network, *_):
        seen.append((residual_blocks(student.network, IMAGES), residual_blocks(network, IMAGES)))
        return Fitted(student.network, None)

    monkeypatch.setattr(rounds, "teach", spy)
    done = command(
        "compress.prune", "--model", teacher, "--data", data, "--out", tmp_path / "pruned",
        *OPTIONS, "--rounds", 2, "--macs", 0.9, "--remove-blocks", "first.*",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert seen == [(("second.1",), BLOCKS)] * 2


@pytest.mark.parametrize("family", ["timm:mobilenetv3_small_050", "torchvision:mobilenet_v2"])
def test_a_known_family_without_blocks_is_pruned_and_built_again(family: str):
    library, name = family.split(":")
    build = {"timm": timm_, "torchvision": torchvision_}[library].build
    fresh, spec = build(name, 2, {}).eval(), ImageSpec(height=64, width=64)
    made = deepcopy(fresh)
    blocks = residual_blocks(made, blank_image(spec))[1:3]
    gone = RemovedBlocks(
        metric="map",
        images=1,
        whole=1,
        blocks=tuple(RemovedBlock(name=block, score=1) for block in blocks),
    )
    kept = kept_of(shallow(made, gone), spec, Shrinking(round_to=8))
    share = count_macs(shallow(made, gone), spec) / count_macs(made, spec) / 2
    prune = shrinking(made, spec, Shrinking(round_to=8), kept)
    made = shallow(made, gone)
    start = without_blocks(Architecture(name=name), gone).pruning_history
    history = (*start, *prune(made, share))
    assert history[:2] == blocks
    assert count_macs(made, spec) <= share * count_macs(fresh, spec)
    assert len(history) > 2
    again = replay(fresh, history, blank_image(spec))
    again.load_state_dict(made.state_dict())
    images = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(again(images), made(images))


def test_too_many_blocks_are_refused_before_an_image_is_read(
    data: Path, teacher: Path, tmp_path: Path, command, monkeypatch
):
    monkeypatch.setattr(prune, "open_for", lambda *_: pytest.fail("data were opened"))
    done = command(
        "compress.prune", "--model", teacher, "--data", data, "--out", tmp_path / "pruned",
        *OPTIONS, "--remove-blocks", 4,
    )  # fmt: skip
    assert done.code == 2
    assert "not so many residual blocks" in done.err
    assert not (tmp_path / "pruned").exists()
