"""`python -m benchmarks.errors` from a model and a folder of images to the page."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from colours import COLOURS, LABELS, SPEC, MakeModel, write_onnx

from benchmarks.errors.schema import ErrorReport
from edgepress.core import artifact as artifacts
from edgepress.core.manifest import Architecture, Manifest

WRONG = COLOURS + np.array([[0, 0.7], [0, -0.4], [0, 0.3]], np.float32)
"""Sees red rightly, and takes other colours for green."""

Command = Callable[..., object]


@pytest.fixture
def sites(colours: Path) -> Path:
    """Return the colours with a column more, of which two targets are unknown."""
    with (colours / "table.csv").open() as stream:
        rows = list(csv.reader(stream))
    rows[3][2] = rows[4][2] = ""
    with (colours / "table.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow([*rows[0], "site"])
        table.writerows([*row, "north" if i % 2 else "south"] for i, row in enumerate(rows[1:]))
    return colours


def read(out: Path) -> ErrorReport:
    return ErrorReport.model_validate_json((out / "errors.json").read_text())


def test_the_whole_way(
    command: Command, make_model: MakeModel, sites: Path, tmp_path: Path
) -> None:
    model, other, out = make_model("wrong", WRONG), make_model("right"), tmp_path / "out"
    done = command(
        "benchmarks.errors.__main__", "--model", model.path, "--data", sites,
        "--against", other.path, "--slice", "site", "--worst", 3, "--explain", 2, "--out", out,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert f"report: {out / 'errors.html'}" in done.out
    assert "Grad-CAM needs the network in PyTorch" in done.err
    found, page = read(out), (out / "errors.html").read_text()
    green = found.labels[1]
    assert green.counts.fp + green.counts.fn > green.known / 8
    assert found.labels[0].known == found.n == 32
    assert {one.name for one in found.slices} >= {"site north", "site south"}
    assert "size: all images have 16 x 16 pixels" in found.slice_notes
    assert found.changes.model == "right"
    assert found.changes.labels[1].now_wrong > found.changes.labels[1].now_right
    shown = [*green.false_alarms, *green.misses]
    assert 0 < len(shown) <= 6
    for image in shown:
        assert image.file.endswith(".png")
        assert f'id="image-{image.image_id}"' in page
    explained = [one for one in found.explanations if one.label == "green"]
    assert len(explained) == 2
    assert all(f'id="image-{one.pictures["occlusion"]}"' in page for one in explained)
    assert explained[0].strongest != 0
    for step in found.next_steps:
        assert step.text in done.out


def test_the_figures_are_those_of_an_evaluation(
    command: Command, make_model: MakeModel, sites: Path, tmp_path: Path
) -> None:
    model, out = make_model("wrong", WRONG), tmp_path / "out"
    done = command(
        "benchmarks.errors.__main__",
        "--model",
        model.path,
        "--data",
        sites,
        "--out",
        out,
        "--explain",
        0,
    )
    assert done.code == 0, done.err
    found = read(out)
    assert found.explanations == ()
    result = command("benchmarks.accuracy", "--model", model.path, "--data", sites)
    assert f"{100 * found.map.value:.2f}" in result.out
    assert f"{100 * found.f1_macro:.2f}%" in result.out


def test_an_onnx_file_alone(command: Command, colours: Path, tmp_path: Path) -> None:
    file, out = tmp_path / "wrong.onnx", tmp_path / "out"
    write_onnx(file, WRONG)
    done = command(
        "benchmarks.errors.__main__",
        "--model",
        file,
        "--data",
        colours,
        "--out",
        out,
        "--explain",
        1,
    )
    assert done.code == 0, done.err
    assert read(out).model == "wrong"
    assert read(out).explanations


def test_a_torch_artifact_gets_grad_cam(command: Command, colours: Path, tmp_path: Path) -> None:
    import torch
    from tiny_network import build

    from models.stored import save_network

    torch.manual_seed(0)
    work, out = tmp_path / "work", tmp_path / "out"
    work.mkdir()
    save_network(build(2, 8), work)
    manifest = Manifest(
        id="tiny", stage="tests", config={}, kind="torch", image=SPEC, labels=LABELS, data=None,
        architecture=Architecture(name="tiny_network:build", kwargs={"width": 8}),
    )  # fmt: skip
    model = artifacts.save(tmp_path / "tiny", work, manifest)
    done = command(
        "benchmarks.errors.__main__",
        "--model",
        model.path,
        "--data",
        colours,
        "--out",
        out,
        "--explain",
        1,
    )
    assert done.code == 0, done.err
    for one in read(out).explanations:
        assert set(one.pictures) == {"image", "occlusion", "grad-cam"}
    assert read(out).explain_notes == ()


def test_bad_input_is_told_before_anything_is_written(
    command: Command, make_model: MakeModel, sites: Path, tmp_path: Path
) -> None:
    model, out = make_model("model"), tmp_path / "out"
    base = ("benchmarks.errors.__main__", "--model", model.path, "--data", sites, "--out", out)
    done = command(*base, "--slice", "sit")
    assert (done.code, "did you mean 'site'" in done.err) == (2, True)
    done = command(*base, "--worst", -1)
    assert done.code == 2
    done = command(*base, "--against", tmp_path / "nowhere")
    assert (done.code, "Not an artifact" in done.err) == (2, True)
    assert not out.exists()
    (tmp_path / "file").write_text("")
    done = command(*base[:-1], tmp_path / "file")
    assert (done.code, "folder cannot be written" in done.err) == (2, True)


def test_a_model_without_a_mistake_has_a_page_too(
    command: Command, make_model: MakeModel, colours: Path, tmp_path: Path
) -> None:
    """The mean of a colour that is a label lies above the middle, which is where it is cut."""
    model, out = make_model("model"), tmp_path / "out"
    done = command(
        "benchmarks.errors.__main__", "--model", model.path, "--data", colours, "--out", out
    )
    assert done.code == 0, done.err
    stored = json.loads((out / "errors.json").read_text())
    assert (stored["schema_version"], stored["n_wrong"]) == (1, 0)
    assert stored["explanations"] == []
    assert "There is no wrong decision to show." in (out / "errors.html").read_text()
