"""Weights as training codes leave them: found wherever they fit, or refused with their names."""

import argparse
import os
import pickle
import re
import stat
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from edgepress.core.errors import UserError
from models import checkpoint
from models.checkpoint import Wanted, files, find, load_into, start_from
from models.stored import save_network


class Small(nn.Module):
    """A body and a head, like the networks that people have."""

    def __init__(self, labels: int = 2, width: int = 4) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3), nn.BatchNorm2d(width))
        self.block = nn.Sequential(nn.Conv2d(width, width, 3), nn.BatchNorm2d(width))
        self.fc = nn.Linear(width, labels)


HEAD = {"fc.weight": 0, "fc.bias": 0}
COUNTER = "num_batches_tracked"


def weights(seed: int = 1, labels: int = 2) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    own = Small(labels).state_dict()
    return {n: torch.randn_like(t) if t.is_floating_point() else t for n, t in own.items()}


PLAIN, OTHER = weights(), weights(seed=2)
BODY = {name: tensor for name, tensor in PLAIN.items() if name not in HEAD}


def behind(place: str, tensors: dict[str, torch.Tensor] = PLAIN) -> dict[str, torch.Tensor]:
    return {place + name: tensor for name, tensor in tensors.items()}


def started(path: Path, key: str | None = None, network: nn.Module | None = None) -> nn.Module:
    network = network or Small()
    start_from(network, files.read(path), Wanted(network.state_dict(), HEAD, key))
    return network


@pytest.fixture
def stored(tmp_path: Path):
    """Return a function that stores what a training code would, and where."""

    def store(content: object, name: str = "weights.pth") -> Path:
        torch.save(content, tmp_path / name)
        return tmp_path / name

    return store


def has(network: nn.Module, tensors: dict[str, torch.Tensor]) -> bool:
    own = network.state_dict()
    return all(torch.equal(own[name], tensor) for name, tensor in tensors.items())


OPTIMIZER = {"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": [{"lr": 0.1}]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (PLAIN, None),
        (behind("_orig_mod."), "'_orig_mod'"),
        ({"model": behind("module._orig_mod.")}, "'model.module._orig_mod'"),
        ({"model": behind("_orig_mod.module.")}, "'model._orig_mod.module'"),
        (behind("module.student.backbone."), "'module.student.backbone'"),
        ({"net": PLAIN, "acc": 93.1, "optimizer": OPTIMIZER}, "'net'"),
        ((PLAIN, 3), "'0'"),
        ({"state_dict": behind("model.") | {"criterion.pos_weight": torch.ones(2)},
          "hyper_parameters": {"lr": 1e-3}, "callbacks": {}},
         "passed over 1 other tensor (state_dict.criterion.pos_weight)"),
        (behind("module.") | {"n_averaged": torch.tensor(3)}, "1 other tensor (n_averaged)"),
        (PLAIN | {"stem.total_ops": torch.zeros(1, dtype=torch.float64)}, "(stem.total_ops)"),
        (PLAIN | {"block.places": torch.arange(3)}, "(block.places)"),
        ({n: t for n, t in PLAIN.items() if not n.endswith(COUNTER)},
         "without 2 counters (stem.1.num_batches_tracked, ...)"),
        (behind("backbone.", BODY) | {"head.fc.weight": PLAIN["fc.weight"],
                                      "head.fc.bias": PLAIN["fc.bias"]},
         "output layer from 'head'"),
        (BODY | {"fc.1.weight": PLAIN["fc.weight"], "fc.1.bias": PLAIN["fc.bias"]},
         "output layer from 'fc.1'"),
        ({n: nn.Parameter(t) if t.is_floating_point() else t for n, t in PLAIN.items()}, None),
        ({"state_dict": PLAIN, "args": argparse.Namespace(lr=1), "at": Path(),
          "best": np.float64(1)}, "objects not read: argparse.Namespace"),
        ({n: t.double() for n, t in PLAIN.items()}, "stored in torch.float64"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_weights_are_found_wherever_they_are(content, said, zipped: bool, tmp_path: Path, capfd):
    path = tmp_path / "weights.pth.tar"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    assert has(started(path), PLAIN)
    told = capfd.readouterr().err
    assert (said in told and told.count("\n") == 1) if said else not told


def test_a_network_with_a_part_called_module(stored):
    network = nn.Module()
    network.module = Small()
    given = behind("module.")
    path = stored(given)
    start_from(network, files.read(path), Wanted(network.state_dict()))
    assert has(network, given)
    load_into(network, checkpoint.read(path), path)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_weights_of_half_the_precision(kind: torch.dtype, stored, capfd):
    halved = {n: t.to(kind) if t.is_floating_point() else t for n, t in PLAIN.items()}
    network = started(stored(halved))
    assert network.fc.weight.dtype == torch.float32
    assert torch.equal(network.fc.weight, halved["fc.weight"].float())
    assert f"stored in {kind}" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("content", "first", "second"),
    [
        ({"state_dict": PLAIN, "state_dict_ema": OTHER}, "state_dict", "state_dict_ema"),
        ({"state_dict_ema": OTHER, "state_dict": PLAIN}, "state_dict", "state_dict_ema"),
        ({"model_ema": behind("module.", OTHER), "model": PLAIN}, "model", "model_ema.module"),
        (behind("ema_model.", OTHER) | behind("online_model."), "online_model", "ema_model"),
        ({"teacher": OTHER, "student": PLAIN}, "student", "teacher"),
        ({"a": PLAIN, "b": OTHER}, "a", "b"),
    ],
)
def test_of_several_weights_the_one_taken_is_said_and_can_be_chosen(
    content, first: str, second: str, stored, capfd
):
    path = stored(content)
    assert has(started(path), PLAIN)
    told = capfd.readouterr().err
    assert f"taken from '{first}'; not from '{second}'" in told
    assert "--weights-key" in told
    assert has(started(path, key=second), OTHER)
    assert f"taken from '{second}'" in capfd.readouterr().err


def test_the_same_weights_twice_are_no_choice(stored, capfd):
    assert has(started(stored({"a": PLAIN, "b": dict(PLAIN)})), PLAIN)
    assert "not from" not in capfd.readouterr().err


def test_a_key_that_leads_nowhere(stored):
    path = stored({"state_dict": PLAIN, "state_dict_ema": OTHER})
    with pytest.raises(UserError, match=r"Got: nope .*Allowed: state_dict, state_dict_ema"):
        started(path, key="nope")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (weights(labels=1000), r"fc.weight is \[1000, 4\] there, \[2, 4\] here"),
        (BODY, "fc.weight is not there"),
        (BODY | {"fc.0.weight": torch.ones(4, 4), "fc.2.weight": PLAIN["fc.weight"],
                 "fc.2.bias": PLAIN["fc.bias"]}, r"fc.weight is not there.*fc.0.weight"),
        (BODY | {"fc.weight": torch.ones(9, 4), "fc.bias": torch.ones(2)}, r"\[9, 4\] there"),
    ],
)  # fmt: skip
def test_a_body_without_this_head(content, said: str, stored, capfd):
    network = Small()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    started(stored(content), network=network)
    body = {name: tensor for name, tensor in content.items() if name in BODY}
    assert has(network, body)
    assert has(network, {name: before[name] for name in HEAD})
    told = capfd.readouterr().err
    assert "a new output layer, not trained" in told
    assert re.search(said, told)


with warnings.catch_warnings():  # torch will give such tensors up, and files have them
    warnings.simplefilter("ignore")
    QUANTIZED = torch.quantize_per_tensor(torch.ones(2, 4), 0.1, 0, torch.qint8)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({n: t for n, t in PLAIN.items() if n != "block.0.weight"},
         r"another architecture: .*1 missing \(block.0.weight\).*--arch"),
        (PLAIN | {"block.0.weight": torch.ones(4, 4, 1, 1)},
         r"block.0.weight is \[4, 4, 1, 1\] there, \[4, 4, 3, 3\] here"),
        (PLAIN | {"block.2.weight": torch.ones(4, 4, 3, 3)}, r"1 unexpected \(block.2.weight\)"),
        ({"arch": "resnet50", "state_dict": {"layer9.weight": torch.ones(2)}},
         "none of the network's 16 tensors.*layer9.weight.*it is of resnet50"),
        ({"fc.weight": PLAIN["fc.weight"], "fc.bias": PLAIN["fc.bias"]}, "12 missing"),
        (PLAIN | {"fc.weight": torch.ones(2, 4, dtype=torch.int8)}, "quantized.*int8.*float"),
        (PLAIN | {"fc.weight": QUANTIZED}, "quantized.*qint8"),
        (PLAIN | {"fc.scale": torch.ones(1), "fc.zero_point": torch.ones(1),
                  "block.scale": torch.ones(1)}, "quantized network"),
        ({n.replace("block.0.weight", "block.0.weight_orig"): t for n, t in PLAIN.items()},
         "computed from.*weight_orig.*remove"),
        (PLAIN | {"stem.0.weight": torch.full((4, 3, 3, 3), torch.nan)}, "NaN.*stem.0.weight"),
        (PLAIN | {"stem.0.weight": torch.full((4, 3, 3, 3), torch.inf)}, "NaN.*stem.0.weight"),
        (OPTIMIZER, "optimizer alone"),
        ({"epoch": 1, "optimizer": OPTIMIZER}, "optimizer alone"),
        ({}, "no tensor"),
        (torch.ones(3), "no tensor"),
        (3, "no tensor"),
        (Small(), "run code.*test_checkpoint.Small.*state_dict"),
        ({"model": Small(), "epoch": 3}, "run code.*test_checkpoint.Small"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_its_names(content, words: str, stored):
    with pytest.raises(UserError, match=words):
        started(stored(content))


class Payload:
    """Writes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return (exec, (f"open({str(self.file)!r}, 'w')",))


@pytest.mark.parametrize("zipped", [True, False])
def test_nothing_in_a_pickle_is_run(zipped: bool, tmp_path: Path, capfd):
    path, made = tmp_path / "weights.pth", tmp_path / "made"
    torch.save({"w": PLAIN, "x": Payload(made)}, path, _use_new_zipfile_serialization=zipped)
    assert has(started(path), PLAIN)
    assert "objects not read: builtins.exec" in capfd.readouterr().err
    torch.save({"x": Payload(made)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(UserError, match="run code"):
        started(path)
    assert not made.exists()


def _cut(path: Path) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def test_what_was_cut_off(stored, tmp_path: Path):
    with pytest.raises(UserError, match="cut off or damaged"):
        files.read(_cut(stored(PLAIN)))
    torch.save(PLAIN, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    with pytest.raises(UserError, match="cut off or damaged"):
        files.read(_cut(tmp_path / "old.pth"))
    save_file(PLAIN, tmp_path / "some.safetensors")
    with pytest.raises(UserError, match=r"not safetensors.*again"):
        files.read(_cut(tmp_path / "some.safetensors"))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.pth", b"", "empty file"),
        ("a.pth", b"epoch,loss\n1,0.3\n", "a text file"),
        ("a.safetensors", b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
        ("a.bin", b"<!DOCTYPE html>", "a web page"),
        ("a.onnx", b"\x08\x08abc", "export.adopt"),
        ("a.h5", b"\x89HDF\r\n", "HDF5"),
        ("a.pth", b"\x93\x00\xff" * 9, "cut off or damaged"),
        ("a.pkl", pickle.dumps({"a": np.ones(2)}), "torch.save has not written it"),
    ],
)
def test_what_is_no_checkpoint(name: str, content: bytes, words: str, tmp_path: Path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=words):
        files.read(tmp_path / name)


def test_archives_and_folders_that_are_no_checkpoint(tmp_path: Path):
    np.savez(tmp_path / "a.npz", **{"fc.weight": np.ones(2)})
    with pytest.raises(UserError, match="archive of numpy's"):
        files.read(tmp_path / "a.npz")
    (tmp_path / "folder").mkdir()
    save_file(PLAIN, tmp_path / "folder" / "model.safetensors")
    with pytest.raises(UserError, match=r"A folder.*model.safetensors"):
        files.read(tmp_path / "folder")


def test_the_content_counts_and_not_the_ending(tmp_path: Path):
    save_file(PLAIN, tmp_path / "pytorch_model.bin")
    assert has(started(tmp_path / "pytorch_model.bin"), PLAIN)


class Tied(nn.Module):
    """One layer under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second, self.head = self.first, nn.Linear(4, 2)


def test_shared_weights_are_stored_once_and_loaded_to_both_names(tmp_path: Path):
    network, again = Tied(), Tied()
    save_network(network, tmp_path)
    file = tmp_path / "model.safetensors"
    assert sorted(checkpoint.read(file)) == [
        "first.bias",
        "first.weight",
        "head.bias",
        "head.weight",
    ]
    load_into(again, checkpoint.read(file), file)
    assert has(again, network.state_dict())
    assert again.second is again.first
    load_into(again, {n: t.clone() for n, t in network.state_dict().items()}, file)  # as of before


def test_weights_that_differ_where_the_network_shares_them(stored):
    different = Tied().state_dict() | {"second.weight": torch.ones(4, 4)}
    with pytest.raises(UserError, match=r"shared in the network.*first.weight, second.weight"):
        find(files.read(stored(different)), Wanted(Tied().state_dict()))


def test_an_artifact_wants_exactly_its_tensors(tmp_path: Path):
    for given in (
        PLAIN | {"n_averaged": torch.ones(1)},
        {n: t for n, t in PLAIN.items() if n != f"stem.1.{COUNTER}"},
        weights(labels=3),
        behind("module."),
    ):
        with pytest.raises(UserError, match="another architecture: tensors"):
            load_into(Small(), given, tmp_path)


def test_others_may_read_the_weights_where_the_umask_lets_them(tmp_path: Path):
    before = os.umask(0o027)
    try:
        save_network(Small(), tmp_path)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "model.safetensors").stat().st_mode) == 0o640


class Masked(nn.Module):
    """What has a mask among its tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))
        self.register_buffer("mask", torch.tensor([0, -torch.inf]))


@pytest.mark.parametrize("name", ["weight", "mask"])
def test_a_mask_is_infinite_where_the_network_has_it_so(name: str, tmp_path: Path):
    network = Masked()
    load_into(Masked(), network.state_dict(), tmp_path)
    other = network.state_dict() | {name: torch.tensor([0, torch.inf])}
    with pytest.raises(UserError, match=f"NaN or infinite values, first in {name}"):
        load_into(Masked(), other, tmp_path)


class Versioned(Small):
    """A network that wants to know of which version its weights are, as torchvision's MNASNet."""

    _version = 2

    def _load_from_state_dict(self, state, prefix, local_metadata, *others) -> None:
        assert local_metadata["version"] == 2
        super()._load_from_state_dict(state, prefix, local_metadata, *others)


def test_a_network_is_told_the_version_of_its_own_layers(stored, tmp_path: Path):
    source = Versioned()
    whole, started_from = Versioned(), Versioned()
    load_into(whole, dict(source.state_dict()), tmp_path)
    start_from(
        started_from, files.read(stored(dict(source.state_dict()))), Wanted(whole.state_dict())
    )
    for network in (whole, started_from):
        for name, tensor in source.state_dict().items():
            assert torch.equal(network.state_dict()[name], tensor)
