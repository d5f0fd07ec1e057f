"""Each kind of bad input ends with one clear message, exit code 2 and nothing written."""

import csv
import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from edgepress.core.hashing import file_sha256


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return a small writable data set: 12 images and a table."""
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(12):
        pixels = rng.integers(0, 255, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{number}.png")
    rewrite(folder, ["image", "a", "b"], [[f"{n}.png", n % 2, n % 3 == 0] for n in range(12)])
    return folder


def rewrite(folder: Path, header: list[str], rows: list[list[object]]) -> None:
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerow(header)
        csv.writer(file).writerows(
            [[int(c) if c is True or c is False else c for c in r] for r in rows]
        )


def refused(done, out: Path, *words: str) -> None:
    """Assert the contract of bad input."""
    assert done.code == 2, done.err
    assert "Traceback" not in done.err
    for word in words:
        assert word in done.err, done.err
    assert not out.exists()
    assert not list(out.parent.glob(f".{out.name}.*"))


def train(command, data: object, out: Path, *more: object):
    return command(
        "compress.train", "--data", data, "--out", out, "--arch", "tiny_network:build",
        "--weights", "random", "--image-size", 48, "--epochs", 0, *more,
    )  # fmt: skip


def test_missing_folder(command, tmp_path: Path):
    out = tmp_path / "out"
    refused(train(command, tmp_path / "nowhere", out), out, "no such data", "nowhere")


def test_empty_folder(command, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    out = tmp_path / "out"
    refused(train(command, tmp_path / "empty", out), out, "empty")


def test_table_without_image_column(command, table: Path, tmp_path: Path):
    rewrite(table, ["animal", "a"], [["rex", 1]])
    out = tmp_path / "out"
    refused(train(command, table, out), out, "no image column", "animal", "filename")


def test_value_that_is_no_label(command, table: Path, tmp_path: Path):
    rewrite(table, ["image", "a"], [["0.png", 1], ["1.png", "maybe"]])
    out = tmp_path / "out"
    refused(train(command, table, out), out, "line 3, column a", "maybe")


def make_corrupt(path: Path) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"rubbish" * 20)


def make_truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:900])


def make_text(path: Path) -> None:
    path.write_text("this is not an image")


def make_bomb(path: Path) -> None:
    Image.new("1", (20_000, 20_000)).save(path)


BROKEN = [make_corrupt, make_truncated, make_text, make_bomb, Path.unlink]


@pytest.mark.parametrize("breaking", BROKEN, ids=lambda f: f.__name__)
def test_bad_image_is_named(command, table: Path, tmp_path: Path, breaking):
    breaking(table / "images" / "7.png")
    out = tmp_path / "out"
    refused(train(command, table, out), out, "Bad image", "7.png", "--skip-bad-images")


def test_bad_images_can_be_skipped_and_are_listed(table: Path, capfd):
    from edgepress.data.dataset import open_data

    make_text(table / "images" / "7.png")
    make_truncated(table / "images" / "3.png")
    data = open_data(str(table), skip_bad_images=True)
    assert len(data.paths) == 10
    errors = capfd.readouterr().err
    assert "7.png" in errors
    assert "3.png" in errors
    assert "2 of 12 images were skipped" in errors


def test_label_that_never_occurs(command, table: Path, tmp_path: Path):
    rewrite(table, ["image", "a", "ghost"], [[f"{n}.png", n % 2, 0] for n in range(12)])
    out = tmp_path / "out"
    refused(train(command, table, out), out, "never occur", "ghost")


def test_unknown_architecture_offers_the_closest(command, table: Path, tmp_path: Path):
    out = tmp_path / "out"
    done = train(command, table, out, "--arch", "efficientnet_lit0")
    refused(done, out, "Unknown architecture", "efficientnet_lite0")


def test_architecture_that_cannot_be_imported(command, table: Path, tmp_path: Path):
    out = tmp_path / "out"
    refused(train(command, table, out, "--arch", "no_such_module:build"), out, "no_such_module")


def test_unknown_option_is_refused(command, tmp_path: Path):
    out = tmp_path / "out"
    refused(command("compress.train", "--epoch", "3", "--out", out), out, "--epochs")


def test_option_out_of_range(command, tmp_path: Path):
    out = tmp_path / "out"
    refused(
        command("compress.train", "--batch-size", "0", "--out", out),
        out,
        "--batch-size",
        "greater than or equal to 2",
    )


def test_config_file_with_unknown_option(command, tmp_path: Path):
    file, out = tmp_path / "c.toml", tmp_path / "out"
    file.write_text("epoch = 3\n")
    refused(command("compress.train", "--config", file, "--out", out), out, "epochs")


def test_flags_win_over_the_config_file(table: Path, tmp_path: Path, command):
    file, out = tmp_path / "c.toml", tmp_path / "out"
    file.write_text("image-size = 64\nepochs = 0\n")
    done = train(command, table, out, "--config", file, "--gate", "map >= 0", "--batch-size", 2)
    assert done.code == 0, done.err
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["image"]["height"] == 48


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    import tiny_network

    path = tmp_path / "weights.pth"
    torch.save(tiny_network.build(2).state_dict(), path)
    return path


def test_checkpoint_of_another_architecture(command, table: Path, tmp_path: Path, checkpoint: Path):
    out = tmp_path / "out"
    done = train(command, table, out, "--weights", checkpoint, "--arch-kwargs", '{"width": 16}')
    refused(done, out, "another architecture", "--arch")


def test_checkpoint_with_nan(command, table: Path, tmp_path: Path, checkpoint: Path):
    weights = torch.load(checkpoint)
    weights["0.0.weight"][0] = float("nan")
    torch.save(weights, checkpoint)
    out = tmp_path / "out"
    refused(train(command, table, out, "--weights", checkpoint), out, "NaN", "0.0.weight")


class Malicious:
    def __reduce__(self):
        return (Path.touch, (Path("pwned"),))


def test_pickle_that_wants_to_run_code(command, table: Path, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, out = tmp_path / "evil.pth", tmp_path / "out"
    torch.save({"weight": Malicious()}, path)
    refused(train(command, table, out, "--weights", path), out, "run code", "state_dict")
    path.write_bytes(pickle.dumps(Malicious()))
    refused(train(command, table, out, "--weights", path), out, "evil.pth")
    assert not (tmp_path / "pwned").exists()


@pytest.fixture
def artifact(command, table: Path, tmp_path: Path) -> Path:
    """Return an untrained artifact of the small data set."""
    out = tmp_path / "model"
    done = train(command, table, out, "--gate", "map >= 0", "--batch-size", 2)
    assert done.code == 0, done.err
    return out


def prune(command, model: Path, data: Path, out: Path, *more: object):
    return command(
        "compress.prune", "--model", model, "--data", data, "--out", out, "--epochs", 0,
        "--batch-size", 2, *more,
    )  # fmt: skip


def test_altered_weights(command, artifact: Path, table: Path, tmp_path: Path):
    file = artifact / "model.safetensors"
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(raw)
    out = tmp_path / "out"
    refused(prune(command, artifact, table, out), out, "altered", "model.safetensors")


def test_newer_manifest(command, artifact: Path, table: Path, tmp_path: Path):
    file = artifact / "manifest.json"
    file.write_text(file.read_text().replace('"schema_version": 1', '"schema_version": 2', 1))
    out = tmp_path / "out"
    refused(prune(command, artifact, table, out), out, "newer schema", "update edgepress")


def test_other_labels_than_the_model(command, artifact: Path, table: Path, tmp_path: Path):
    rewrite(table, ["image", "a", "c"], [[f"{n}.png", n % 2, n % 3 == 0] for n in range(12)])
    out = tmp_path / "out"
    told = ("b only in the model", "c only in the data", "Next: rename")
    refused(prune(command, artifact, table, out), out, *told)


def test_training_images_in_the_test_part(command, artifact: Path, table: Path, tmp_path: Path):
    """More images make another split, in which the two parts would mix."""
    rng = np.random.default_rng(1)
    for number in range(12, 24):
        pixels = rng.integers(0, 255, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(table / "images" / f"{number}.png")
    rewrite(table, ["image", "a", "b"], [[f"{n}.png", n % 2, n % 3 == 0] for n in range(24)])
    out = tmp_path / "out"
    refused(prune(command, artifact, table, out), out, "trained on", "test part")


def test_a_corrected_label_keeps_the_split(command, artifact: Path, table: Path, tmp_path: Path):
    """Without it, the stratification would make another split, and refuse the model for a leak."""
    rewrite(table, ["image", "a", "b"], [[f"{n}.png", n < 6, n % 4 == 0] for n in range(12)])
    done = prune(command, artifact, table, tmp_path / "out", "--macs", 0.9, "--rounds", 1)
    assert done.code == 0, done.err
    assert "12 images and other labels" in done.err
    splits = [
        json.loads((path / "manifest.json").read_text())["data"]["split"]
        for path in (artifact, tmp_path / "out")
    ]
    assert splits[0] == splits[1]


def test_output_that_is_something_else(command, artifact: Path, table: Path, tmp_path: Path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").write_text("years of work")
    done = prune(command, artifact, table, tmp_path / "precious")
    assert done.code == 2
    assert "not an artifact" in done.err
    assert (tmp_path / "precious" / "thesis.txt").read_text() == "years of work"


def test_earlier_artifact_stays_when_its_replacement_fails(command, artifact: Path, table: Path):
    before = {file: file_sha256(file) for file in artifact.iterdir()}
    done = train(command, table, artifact, "--arch", "tiny_network:nothing")
    assert done.code == 2
    assert {file: file_sha256(file) for file in artifact.iterdir()} == before


def test_not_an_artifact(command, table: Path, tmp_path: Path):
    out = tmp_path / "out"
    refused(prune(command, tmp_path, table, out), out, "Not an artifact")


@pytest.mark.parametrize("rounds", [1, 100])
def test_unreachable_pruning_target(
    command, artifact: Path, table: Path, tmp_path: Path, rounds: int
):
    """Also where the first rounds would do: no training comes before the refusal."""
    out = tmp_path / "out"
    done = prune(command, artifact, table, out, "--macs", 0.0001, "--rounds", rounds)
    assert done.code == 3, done.err
    assert "the smallest that can be reached is macs" in done.err
    assert "--max-pruning-ratio" in done.err
    assert not out.exists()
    assert "round 1/" not in done.err


def test_unknown_target_and_provider(command, artifact: Path, table: Path, tmp_path: Path):
    out = tmp_path / "out"
    base = ["--model", artifact, "--data", table, "--out", out]
    done = command("export.onnx", *base, "--target", "cpu-vni")
    refused(done, out, "Unknown target", "cpu-vnni")
    done = command("export.onnx", *base, "--provider", "cudo")
    refused(done, out, "cudo", "cuda")


def test_unreadable_gate(command, table: Path, tmp_path: Path):
    out = tmp_path / "out"
    refused(train(command, table, out, "--gate", "mapp >= 0.5"), out, "mapp", "map")


def test_copy_of_an_artifact_works_elsewhere(command, artifact: Path, table: Path, tmp_path: Path):
    moved = shutil.copytree(artifact, tmp_path / "moved")
    done = prune(command, moved, table, tmp_path / "out", "--macs", 0.9, "--rounds", 1)
    assert done.code == 0, done.err
