"""Other formats: what is written answers as the ONNX file does, or says that nobody knows."""

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from export_helpers import LABELS, Files
from places import ROOT

from benchmarks.runtimes import _web
from edgepress.core import alike
from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.core.hashing import SHORT, file_sha256
from edgepress.core.manifest import Split
from edgepress.data.context import context_of
from edgepress.data.dataset import open_data
from edgepress.data.formats.elpv import read
from export import convert
from export.converting import check, formats, shown, writing
from export.converting.formats import _format, ncnn_, tensorrt_, web
from export.converting.formats._apart import apart
from export.converting.formats._format import DoesNotRunError, Shown
from export.converting.result import Result, Verification, rows
from export.converting.writing import Converted
from export.shipped import photographs

HERE = tuple(
    name
    for name in formats.names()
    if all(map(importlib.util.find_spec, formats.find(name).FORMAT.packages))
    and name not in ("litert", "web")
)
"""Formats that can be written here; the last two need what is no package of this environment."""


def convert_to(name: str, model: Artifact, data: Path, out: Path) -> Converted:
    config = convert.Config(model=(model.path,), format=name, data=str(data), out=out, images=4)
    made = convert.run(config)
    assert isinstance(made, Converted)
    return made


@pytest.mark.parametrize("name", HERE)
def test_a_format_agrees_or_says_that_it_was_not_run(
    name: str, trained: Artifact, in_fp32: Callable[[str], Converted]
) -> None:
    made = in_fp32(name)
    found = made.manifest.verification
    if name in ("coreml", "tensorrt"):
        assert (found.status, found.max_prob_diff) == ("not verified", None)
        assert "only" in found.reason
    else:
        assert (found.status, found.n_images) == ("verified", 4)
        assert found.max_prob_diff < 1e-4
    present = {p.relative_to(made.path).as_posix() for p in made.path.rglob("*") if p.is_file()}
    assert present == {*made.manifest.files, "manifest.json"}
    assert made.manifest.labels == trained.manifest.labels


def test_a_format_that_answers_otherwise_is_a_failed_gate(
    trained: Artifact,
    data_folder: Path,
    tmp_path: Path,
    command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module, out = formats.find("onnx"), tmp_path / "out"
    right = module.run
    monkeypatch.setattr(module, "run", lambda folder, images: right(folder, images) * 0.9)
    options = ("--model", trained.path, "--data", data_folder, "--images", "4", "--out", out)
    done = command("export.convert", *options)
    assert done.code == 3
    assert "does not answer as the ONNX file does" in done.err
    kept = writing.read(out)
    assert kept is not None
    assert kept.manifest.verification.status == "failed"


def test_nan_is_a_failure(
    trained: Artifact, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = formats.find("onnx")
    monkeypatch.setattr(module, "run", lambda folder, images: np.full((4, 3), np.nan, np.float32))
    photos = sorted(data_folder.glob("*.png"))[:4]
    with writing.source_of(trained) as source:
        found = check.same_answers(source, module, photos, tmp_path)
    assert (found.status, found.max_prob_diff) == ("failed", None)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--format", "onnnx"), "did you mean 'onnx'"),
        (("--format", "executorch"), "PyTorch"),
        (("--format", "executorch", "--quantize", "int8"), "PyTorch"),
        (("--format", "coreml", "--quantize", "int8"), "Allowed: none, int8_weights"),
        (("--format", "ncnn", "--quantize", "int8"), "ncnn2table"),
        (("--format", "openvino", "--quantize", "int8"), "python -m export.onnx --quantize"),
        (("--all", "--quantize", "int8"), "goes without --all"),
        (("--images", "0"), "greater than or equal to 1"),
        (("--result", "x.json"), "go with --all"),
    ],
)
def test_bad_input_is_refused(
    options: tuple[str, ...],
    said: str,
    files: Files,
    data_folder: Path,
    tmp_path: Path,
    command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    model = tmp_path / "model.onnx"
    onnx.save(onnx.load(files.fp32), model)
    onnx_model = labelled(model)
    out = tmp_path / "out"
    done = command(
        "export.convert", "--model", onnx_model, "--data", data_folder, "--out", out, *options
    )
    assert done.code == 2
    assert said in done.err
    assert not out.exists()


def labelled(path: Path) -> Path:
    """Give a file the metadata that `open_model` reads."""
    from export_helpers import SPEC

    from edgepress.core.labels import Labels
    from export.graph import metadata

    labels = Labels(names=LABELS, thresholds=(0.5, 0.4, 0.6), prevalence=(0.5, 0.5, 0.5))
    precision = "int8" if "Quantize" in str(onnx.load(path).graph.node) else "fp32"
    facts = metadata.ModelFacts(
        id="x", parent=None, precision=precision, target=None, labels=labels, image=SPEC
    )
    metadata.write(path, facts)
    return path


def test_a_missing_package_is_named(
    trained: Artifact, data_folder: Path, tmp_path: Path, command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_format.importlib.util, "find_spec", lambda name: None)
    done = command(
        "export.convert", "--model", trained.path, "--data", data_folder, "--format", "ncnn",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert done.code == 2
    assert "pip install 'edgepress[ncnn]'" in done.err


def test_a_foreign_folder_is_left_alone(
    trained: Artifact, data_folder: Path, tmp_path: Path, command
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    options = ("--model", trained.path, "--data", data_folder, "--out", tmp_path)
    done = command("export.convert", *options)
    assert done.code == 2
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_an_asymmetric_int8_file_is_not_for_tensorrt(
    files: Files, data_folder: Path, tmp_path: Path, command
) -> None:
    model = tmp_path / "int8.onnx"
    onnx.save(onnx.load(files.int8), model)
    options = ("--model", labelled(model), "--data", data_folder, "--format", "tensorrt")
    done = command("export.convert", *options, "--out", tmp_path / "out")
    assert done.code == 2
    assert "--target tensorrt" in done.err


@pytest.mark.parametrize(("version", "typed"), [("--stronglyTyped", True), ("--other", False)])
def test_the_build_script_asks_trtexec_what_it_understands(
    version: str, typed: bool, tmp_path: Path
) -> None:
    script = Path(tensorrt_.__file__).with_name("_tensorrt_build.sh")
    program = tmp_path / "trtexec"
    program.write_text(f'#!/bin/sh\n[ "$1" = --help ] && echo " {version}" || echo "$@"\n')
    program.chmod(0o755)
    copy = tmp_path / "build.sh"
    copy.write_text(script.read_text())
    environment = os.environ | {"TRTEXEC": str(program)}
    done = subprocess.run(["sh", copy], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "--onnx=model.onnx --saveEngine=model.engine" in done.stdout
    assert ("--stronglyTyped" in done.stdout) == typed
    missing = os.environ | {"TRTEXEC": str(tmp_path / "none")}
    assert subprocess.run(["sh", copy], env=missing, capture_output=True).returncode == 2


def test_the_table_says_what_was_not_made() -> None:
    common = {"description": "d", "model": "m", "precision": "fp32", "made_with": {}}
    agreed = Verification(
        status="verified", reason="r", n_images=2, max_prob_diff=1e-5, flipped=0.0
    )
    result = Result.model_validate(
        {
            "command": "c",
            "environment": {},
            "outcomes": [
                {**common, "format": "a", "size_bytes": 2_000_000, "verification": agreed},
                {**common, "format": "b", "size_bytes": None, "verification": None, "problem": "p"},
            ],
        }
    )
    first, second = rows(result)
    assert first[3] == "2.00 MB"
    assert "1.0e-05, 0.00% of decisions flipped" in first[4]
    assert second[3:] == ("n/a", "not made: p")


def test_labels_that_are_shown_otherwise_are_a_failure(
    trained: Artifact, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = formats.find("onnx")
    photos = sorted(data_folder.glob("*.png"))[:4]
    with writing.source_of(trained) as source:
        module.write(source, tmp_path)
        taken = list(photographs.opened(photos, None, None))
        probs, right = module.run(tmp_path, taken), shown.by_device(source, taken)
        wrong = (tuple(name for name in LABELS if name not in right[0]), *right[1:])
        for labels, status, images in ((right, "verified", 0), (wrong, "failed", 1)):
            monkeypatch.setattr(module, "run", lambda *_, labels=labels: Shown(probs, labels))
            found = check.same_answers(source, module, photos, tmp_path)
            assert (found.status, found.shown_otherwise) == (status, images)


@pytest.fixture
def _browser() -> None:
    if _web.chromium() is None or _web.ort_web() is None:
        pytest.skip("there is no Chromium, or no onnxruntime-web (npm install onnxruntime-web)")
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@pytest.mark.browser
@pytest.mark.usefixtures("_browser")
def test_the_page_shows_the_labels_of_python_and_asks_no_network(
    trained: Artifact, data_folder: Path, tmp_path: Path
) -> None:
    made = convert_to("web", trained, data_folder, tmp_path / "page")
    assert made.manifest.verification.status == "verified"
    assert made.manifest.verification.shown_otherwise == 0
    files = sorted(data_folder.glob("*.png"))[:12]
    answers = web.answers(made.path, {file.name: file.read_bytes() for file in files})
    plain = convert_to("onnx", trained, data_folder, tmp_path / "onnx")
    probs = formats.find("onnx").run(plain.path, list(photographs.opened(files, None, None)))
    labels = trained.manifest.labels
    for file, row, answer in zip(files, probs, answers, strict=True):
        above = row >= np.float32(labels.thresholds)
        names = [n for n, yes in zip(labels.names, above, strict=True) if yes]
        assert (answer["file"], answer["labels"]) == (file.name, names)
        np.testing.assert_allclose(answer["probs"], row, atol=1e-4)
    text = (made.path / "index.html").read_text()
    assert "default-src 'none'" in text
    assert "://" not in text
    assert json.loads((made.path / "manifest.json").read_text())["takes"] == "photograph"


@pytest.mark.browser
@pytest.mark.usefixtures("_browser")
def test_a_label_that_the_page_hides_is_not_shown(
    trained: Artifact, data_folder: Path, tmp_path: Path
) -> None:
    made = convert_to("web", trained, data_folder, tmp_path / "page")
    page = made.path / "index.html"
    page.write_text(
        page.read_text().replace("</style>", ".found li { visibility: hidden }</style>")
    )
    files = {file.name: file.read_bytes() for file in sorted(data_folder.glob("*.png"))[:4]}
    assert [answer["labels"] for answer in web.answers(made.path, files)] == [[]] * 4


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("_browser")
def test_the_page_labels_50_cells_as_a_bundle_does(tmp_path: Path, command) -> None:
    pytest.importorskip("elpv_dataset")
    source, int8 = ROOT / "models/zoo/elpv_teacher", ("--quantize", "int8", "--budget", 0)
    data = cells_of_each_part(tmp_path / "cells", artifacts.load(source).manifest.data.split)
    for name, flips, *more in (
        ("fp32", 0.0),
        ("int8", alike.OTHER_RUNTIME["int8"].flipped, *int8, "--gate", "int8_convs >= 1"),
    ):
        model = tmp_path / name
        options = ("--data", data, "--emulate", 0, "--views", 1, *more, "--out", model)
        done = command("export.onnx", "--model", source, *options)
        assert done.code == 0, done.err
        page_answers_as_bundle(model, data, flips, command)
        source = model


def cells_of_each_part(folder: Path, parts: Split) -> Path:
    """Return a folder laid out as ELPV is published, with 64 cells of each part."""
    published = read(Path())
    digests = [file_sha256(path)[:SHORT] for path in published.paths]
    few = {one for part in (parts.train, parts.val, parts.test) for one in part[:64]}
    names = {path.name for path, one in zip(published.paths, digests, strict=True) if one in few}
    root = published.paths[0].parents[1]
    (folder / "images").mkdir(parents=True)
    lines = (root / "labels.csv").read_text().splitlines()
    kept = [line for line in lines if Path(line.split()[0]).name in names]
    (folder / "labels.csv").write_text("\n".join(kept))
    for name in names:
        (folder / "images" / name).symlink_to(root / "images" / name)
    return folder


def page_answers_as_bundle(model: Path, data: Path, flips: float, command) -> None:
    """Show 50 cells to a model's page and to its bundle; of so many labels, a share may flip."""
    page, archive, bundle = (model.with_suffix(f".{kind}") for kind in ("page", "zip", "bundle"))
    for name, *given in (
        ("export.convert", "--format", "web", "--images", 4, "--out", page),
        ("export.bundle.__main__", "--check-images", 4, "--out", archive),
    ):
        done = command(name, "--model", model, "--data", data, *given)
        assert done.code == 0, done.err
    zipfile.ZipFile(archive).extractall(bundle)
    cells = photographs.validation(context_of(open_data(str(data)), artifacts.load(model)), 50)
    run = [sys.executable, bundle / "run.py", "predict", *cells]
    said = subprocess.run(run, capture_output=True, text=True, check=True).stdout.splitlines()
    wanted = [(Path(line["file"]).name, line["labels"]) for line in map(json.loads, said)]
    answers = web.answers(page, {cell.name: cell.read_bytes() for cell in cells})
    assert [answer["file"] for answer in answers] == [file for file, _ in wanted]
    pairs = zip(answers, wanted, strict=True)
    flipped = sum(len(set(answer["labels"]) ^ set(labels)) for answer, (_, labels) in pairs)
    assert flipped <= flips * len(wanted) * 4, "of 4 labels; int8 may sum in another order"
    assert len({tuple(labels) for _, labels in wanted}) > 3


def test_a_model_that_ncnn_does_not_run_is_a_reason(tmp_path: Path) -> None:
    pytest.importorskip("ncnn")
    (tmp_path / ncnn_.STRUCTURE).write_text("7767517\n1 1\nNoSuchLayer a 1 1 in0 out0\n")
    (tmp_path / ncnn_.WEIGHTS).write_bytes(b"")
    with (
        apart(formats.find("ncnn")) as module,
        pytest.raises(DoesNotRunError, match="does not read the structure"),
    ):
        module.run(tmp_path, [np.zeros((1, 3, 8, 8), np.float32)])
