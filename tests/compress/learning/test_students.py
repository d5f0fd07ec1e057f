"""A student by name, rewritten and narrower: as it is asked for, and as it is built again."""

import json
from pathlib import Path

import gated_network
import onnx
import pytest
import small_training
import torch
from torch import nn

from compress.pruning.channels import channels_of
from compress.students.starting import StudentOptions, start_of
from edgepress.core import artifact as artifacts
from edgepress.core.errors import UserError
from edgepress.core.manifest import Architecture
from models.rewrites import INT8_FRIENDLY
from models.stored import load_network, rebuilt

SPEC = small_training.SPEC
NAME = "gated_network:build"
LABELS = ("crack", "spot")
ANY = ("--gate", "params <= 1e9")


def started(**options: object) -> tuple[Architecture, nn.Module]:
    """Return the architecture and the network of a student that is given by name."""
    torch.manual_seed(0)
    start = start_of(StudentOptions(**{"student": NAME, **options}), SPEC)
    return start.architecture, start.network(LABELS)


def test_an_int8_friendly_student_is_recorded_and_built_again() -> None:
    architecture, network = started(int8_friendly=True)
    assert architecture == Architecture(name=NAME, rewrites=INT8_FRIENDLY)
    assert not [layer for layer in network.modules() if isinstance(layer, gated_network.SELayer)]
    again = rebuilt(architecture, 2, SPEC)
    assert list(again.state_dict()) == list(network.state_dict())
    assert started(rewrite=("late_squeeze_excite",))[0].rewrites == ("late-squeeze-excite",)
    assert started()[0] == Architecture(name=NAME)


@pytest.mark.parametrize(("width", "channels"), [(0.5, [16, 32, 32]), (0.6, [32, 48, 48])])
def test_every_layer_keeps_its_share_in_multiples(width: float, channels: list[int]) -> None:
    architecture, network = started(int8_friendly=True, width=width)
    assert list(channels_of(network).values()) == [*channels, 2]
    assert architecture.rewrites == INT8_FRIENDLY
    again, images = rebuilt(architecture, 2, SPEC), torch.randn(2, *SPEC.shape)
    again.load_state_dict(network.state_dict())
    assert torch.equal(again.eval()(images), network.eval()(images))


def test_what_is_added_up_is_narrower_too() -> None:
    _, network = started(student="gated_network:residual", width=0.5)
    assert list(channels_of(network).values()) == [16, 16, 2]


def test_the_largest_of_trained_weights_stay(tmp_path: Path) -> None:
    torch.manual_seed(1)
    whole = gated_network.build(2)
    stem = whole[0][0].weight
    with torch.no_grad():
        stem[1::2] *= 0.01
        whole[0][1].weight[1::2] *= 0.01
    torch.save(whole.state_dict(), tmp_path / "whole.pth")
    _, network = started(width=0.5, weights=str(tmp_path / "whole.pth"), rewrite=INT8_FRIENDLY)
    assert torch.equal(network[0][0].weight, stem[::2])


def test_what_is_asked_is_part_of_the_result() -> None:
    asked = ({}, {"int8_friendly": True}, {"rewrite": ("relu",)}, {"width": 0.5})
    found = [start_of(StudentOptions(student=NAME, **one), SPEC).chosen() for one in asked]
    assert len({json.dumps(one) for one in found}) == len(asked)


def test_what_is_rewritten_is_said_before_the_work(capfd) -> None:
    start_of(StudentOptions(student=NAME, int8_friendly=True), SPEC).try_out(training=True)
    told = capfd.readouterr().err
    assert "the student is rewritten: relu6 (6 layers), no-squeeze-excite (3 layers)" in told
    assert "still computes" not in told
    called = StudentOptions(student="gated_network:Called", int8_friendly=True)
    start_of(called, SPEC).try_out(training=True)
    assert "the student still computes silu: its forward calls it" in capfd.readouterr().err


def test_a_rewrite_that_changes_nothing_is_refused(capfd) -> None:
    """But not of --int8-friendly, which asks for what can be had."""
    plain = {"student": "tiny_network:build"}
    asked = StudentOptions(**plain, rewrite=("relu6", "no_squeeze_excite"))
    with pytest.raises(UserError, match=r"--rewrite relu6.*leave it out"):
        start_of(asked, SPEC).try_out(training=True)
    start_of(StudentOptions(**plain, int8_friendly=True), SPEC).try_out(training=True)
    assert "the student has no layer to rewrite" in capfd.readouterr().err


def test_a_file_that_names_its_outputs_is_put_into_the_order_of_the_labels(tmp_path: Path) -> None:
    torch.manual_seed(1)
    own = gated_network.build(2).state_dict()
    torch.save({"state_dict": own, "classes": list(LABELS)[::-1]}, tmp_path / "named.pth")
    _, network = started(weights=str(tmp_path / "named.pth"))
    weight, bias = list(network.state_dict().values())[-2:]
    theirs = list(own.values())[-2:]
    assert torch.equal(weight, theirs[0].flip(0))
    assert torch.equal(bias, theirs[1].flip(0))


def test_a_stored_student_is_loaded_pruned_and_exported(tmp_path: Path, command) -> None:
    data = small_training.write(tmp_path / "data", lambda row: (row % 2, row // 2 % 2))
    common = ("--data", data, "--out")
    net, student, pruned, file = (tmp_path / name for name in ("net", "student", "pruned", "file"))
    some = ("--batch-size", 8, "--epochs", 1, *ANY)
    steps = (
        ("compress.train", *small_training.FAST, "--epochs", 1, *common, net),
        ("compress.distill", "--teacher", net, "--student", NAME, "--int8-friendly", "--width",
         0.75, *some, *common, student),
        ("compress.prune", "--model", student, "--macs", 0.8, "--rounds", 1, *some, *common,
         pruned),
        ("export.onnx", "--model", pruned, "--gate", "parity <= 1e-3", *common, file),
    )  # fmt: skip
    for module, *words in steps:
        done = command(module, *words)
        assert done.code == 0, done.err
    made = artifacts.load(student).manifest.architecture
    assert (made.rewrites, bool(made.pruning_history)) == (INT8_FRIENDLY, True)
    load_network(artifacts.load(student))  # it answers as the one that was measured
    assert artifacts.load(pruned).manifest.architecture.rewrites == INT8_FRIENDLY
    found = {node.op_type for node in onnx.load(file / "model.onnx").graph.node}
    assert not found & {"HardSwish", "Mul"}
    assert "Clip" in found
