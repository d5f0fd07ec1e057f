"""What a format's own tool has quantized is held against the float file by the project's gate."""

import importlib.util
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from shutil import copyfile
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from export_helpers import LABELS, SPEC, fit_classifier, run, store
from export_network import tiny

from benchmarks.runtimes import torch_
from edgepress.core.artifact import Artifact
from edgepress.core.errors import GateFailed, GateUndecided, UserError
from edgepress.core.scaling import Calibration, LabelCalibration, Scaling
from edgepress.data.context import context_of
from edgepress.data.dataset import Dataset
from edgepress.data.pixels import decoded, normalise
from edgepress.data.random_split import default_split
from export import convert
from export.converting import every, formats, writing
from export.converting.formats import litert
from export.converting.formats._format import CannotRunError, Format, Source
from export.converting.formats._program import program
from export.converting.result import Outcome, Result, Verification, rows
from export.converting.writing import Converted
from export.making.int8 import calibration
from export.making.job import DEFAULT_GATES

NOISE = 0.5
"""Of the logits' spread: it changes the order of some images."""
Answers = Callable[[np.ndarray], np.ndarray]


def as_it_is(probs: np.ndarray) -> np.ndarray:
    return probs


def turned_round(probs: np.ndarray) -> np.ndarray:
    return 1 - probs


def by_chance(probs: np.ndarray) -> np.ndarray:
    """Return scores whose mAP differs from the true ones' by what so few images cannot tell."""
    logits = np.log(probs) - np.log1p(-probs)
    noise = np.random.default_rng(0).normal(0, NOISE * logits.std(), probs.shape)
    return (1 / (1 + np.exp(-logits - noise))).astype(np.float32)


def no_numbers(probs: np.ndarray) -> np.ndarray:
    return probs * np.nan


def not_here(probs: np.ndarray) -> np.ndarray:
    raise CannotRunError("it runs elsewhere only")


@pytest.fixture(scope="module")
def sure(tmp_path_factory: pytest.TempPathFactory, dataset: Dataset) -> Artifact:
    """A network that is right, with enough test images to tell so."""
    network = tiny(len(LABELS))
    fit_classifier(network, normalise(decoded(dataset, SPEC)[:], SPEC), dataset.targets)
    made = store(tmp_path_factory.mktemp("sure") / "sure", network, dataset)
    split = default_split(dataset, test_share=0.2, val_share=0.4)
    data = made.manifest.data.model_copy(update={"split": split})
    manifest = made.manifest.model_copy(update={"data": data})
    (made.path / "manifest.json").write_text(manifest.model_dump_json())
    return replace(made, manifest=manifest)


@pytest.fixture(autouse=True)
def _gate_for_few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the gate ask no more than so few images can show."""
    monkeypatch.setitem(DEFAULT_GATES, "int8", ("map drop <= 0.3",))


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answers], SimpleNamespace]:
    """Return what puts a format into place whose tool makes a file that answers in some way."""

    def put(answers: Answers) -> SimpleNamespace:
        def write(source: Source, folder: Path) -> None:
            module.source = source
            copyfile(source.model.weights, folder / "model.onnx")

        def answer(folder: Path, images: list[np.ndarray]) -> np.ndarray:
            return answers(run(folder / "model.onnx", np.concatenate(images)))

        form = Format(name="own", description="d", made_from="torch", makes=("int8",))
        module = SimpleNamespace(FORMAT=form, write=write, run=answer)
        monkeypatch.setattr(formats, "find", lambda name: module)
        return module

    return put


def quantized(model: Artifact, data: Path, out: Path, name: str = "own") -> Converted:
    precision = "int8_weights" if name == "coreml" else "int8"
    made = convert.run(
        convert.Config(
            model=(model.path,), format=name, quantize=precision, data=str(data), out=out
        )
    )
    assert isinstance(made, Converted)
    return made


def test_a_model_as_accurate_is_verified_on_all_test_images(
    sure: Artifact, data_folder: Path, dataset: Dataset, tmp_path: Path, answering
) -> None:
    module = answering(as_it_is)
    made = quantized(sure, data_folder, tmp_path / "out").manifest
    found = made.verification
    assert found.status == "verified"
    assert found.n_images == len(context_of(dataset, sure).rows("test"))
    assert (found.flipped, found.max_prob_diff) == (0, pytest.approx(0, abs=1e-6))
    (verdict,) = found.verdicts
    assert (verdict.gate, verdict.outcome, verdict.measured) == ("map drop <= 0.3", "pass", 0)
    assert (made.precision, made.calibration_images) == ("int8", len(made_of(module).rows))


def made_of(module: SimpleNamespace) -> calibration.Calibration:
    found: calibration.Calibration = module.source.calibration
    return found


def test_ranges_are_taken_from_training_images_alone(
    sure: Artifact, data_folder: Path, dataset: Dataset, tmp_path: Path, answering
) -> None:
    module = answering(as_it_is)
    quantized(sure, data_folder, tmp_path / "out")
    used = {dataset.image_ids[row] for row in made_of(module).rows}
    assert used <= set(sure.manifest.data.split.train)
    few = calibration.from_training(context_of(dataset, sure), n_images=3)
    inputs = list(few.inputs())
    assert [one.shape for one in inputs] == [(1, 3, 32, 32)] * 3
    spec = sure.manifest.image
    wanted = normalise(decoded(dataset, spec)[few.rows], spec)
    np.testing.assert_array_equal(np.concatenate(inputs), wanted)


@pytest.mark.parametrize(
    ("answers", "code", "status", "said"),
    [
        (turned_round, 3, "failed", "does not answer as the ONNX file does"),
        (no_numbers, 3, "failed", "values that are not numbers"),
        (by_chance, 4, "inconclusive", "It cannot be told"),
        (not_here, 0, "not verified", "it runs elsewhere only"),
    ],
)
def test_what_was_found_is_the_exit_code_and_in_the_manifest(
    answers: Answers,
    code: int,
    status: str,
    said: str,
    sure: Artifact,
    data_folder: Path,
    tmp_path: Path,
    command,
    answering,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answering(answers)
    if answers is by_chance:
        monkeypatch.setitem(DEFAULT_GATES, "int8", ("map drop <= 0.01",))
    options = ("--model", sure.path, "--data", data_folder, "--out", tmp_path / "out")
    done = command("export.convert", *options, "--format", "own", "--quantize", "int8")
    assert done.code == code, done.err
    assert said in done.out + done.err
    assert writing.read(tmp_path / "out").manifest.verification.status == status


def test_only_a_float_model_is_quantized(
    sure: Artifact, data_folder: Path, tmp_path: Path, command, answering
) -> None:
    answering(as_it_is)
    manifest = sure.manifest.model_copy(update={"precision": "fp16"})
    copy = tmp_path / "half"
    copy.mkdir()
    copyfile(sure.weights, copy / sure.weights.name)
    (copy / "manifest.json").write_text(manifest.model_dump_json())
    options = ("--model", copy, "--data", data_folder, "--out", tmp_path / "out")
    done = command("export.convert", *options, "--format", "own", "--quantize", "int8")
    assert done.code == 2
    assert "does not take fp16" in done.err


@pytest.mark.parametrize(
    ("target", "listed"),
    [
        ("cpu-vnni", {"onnx", "ort", "web"}),
        ("openvino", {"openvino"}),
        ("tensorrt", {"tensorrt"}),
        (None, {"onnx", "openvino", "ort", "tensorrt", "web"}),
    ],
)
def test_the_table_has_an_int8_file_in_the_formats_of_its_target(
    target: str | None, listed: set[str], sure: Artifact
) -> None:
    update = {"kind": "onnx", "precision": "int8", "target": target}
    model = replace(sure, manifest=sure.manifest.model_copy(update=update))
    assert {one.format.name for one in every.wanted(model)} == listed


def test_the_table_has_what_the_tools_of_a_format_make(sure: Artifact) -> None:
    found = every.wanted(sure)
    assert {one.format.name for one in found if one.quantized is None} == set(formats.names())
    made = {one.format.name: one.quantized for one in found if one.quantized}
    assert made == {"coreml": "int8_weights", "executorch": "int8", "litert": "int8"}


def test_a_row_of_the_table_shows_the_gate(
    sure: Artifact, data_folder: Path, tmp_path: Path, answering
) -> None:
    answering(as_it_is)
    made = quantized(sure, data_folder, tmp_path / "out")
    outcome = {
        "format": "own", "description": "d", "model": "m", "precision": "int8", "quantized": True,
        "size_bytes": made.size_bytes, "made_with": {},
        "verification": made.manifest.verification,
    }  # fmt: skip
    result = Result.model_validate({"command": "c", "environment": {}, "outcomes": [outcome]})
    ((_, _, model, _, said),) = rows(result)
    assert model == "m, fp32 to int8"
    assert said.startswith(
        f"✅ verified on {made.manifest.verification.n_images} images: map drop of 0.00 points"
    )
    assert said.endswith("0.00% of decisions flipped")


@pytest.mark.parametrize("name", ["executorch", "coreml", "litert"])
def test_the_tools_of_a_format_quantize(
    name: str,
    sure: Artifact,
    data_folder: Path,
    tmp_path: Path,
    in_fp32: Callable[[str], Converted],
) -> None:
    skip_without(name)
    module = formats.find(name)
    before = in_fp32(name)
    made = quantized(sure, data_folder, tmp_path / "int8", name)
    assert made.size_bytes < before.size_bytes
    found = made.manifest.verification
    if name == "coreml":
        assert (found.status, made.manifest.calibration_images) == ("not verified", None)
        return
    assert found.status == "verified", found.reason
    assert found.max_prob_diff > 1e-6, "it is the float model"
    image = np.zeros((1, 3, 32, 32), np.float32)
    assert module.run(made.path, [image]).dtype == np.float32


def skip_without(name: str) -> None:
    """Skip where what makes or runs a format is not here."""
    packages = {"litert": ("ai_edge_litert",)}.get(name, formats.find(name).FORMAT.packages)
    missing = [one for one in packages if importlib.util.find_spec(one) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed")
    if name == "litert" and not litert.environment().is_dir():
        pytest.skip("the environment of LiteRT's converter is not there (make litert)")


def test_a_calibrated_network_is_converted_with_its_calibration(
    sure: Artifact, data_folder: Path, dataset: Dataset, tmp_path: Path
) -> None:
    each = (Scaling(slope=0.5, offset=0.3), None, Scaling(slope=2))
    told = [
        LabelCalibration(scaling=one, positives=20, negatives=20, ece_before=None, ece_after=None)
        for one in each
    ]
    labels = sure.manifest.labels.model_copy(
        update={"calibration": Calibration(method="platt", labels=tuple(told))}
    )
    model = replace(sure, manifest=sure.manifest.model_copy(update={"labels": labels}))
    images = normalise(decoded(dataset, model.manifest.image)[:4], model.manifest.image)
    wanted = torch_.open_session(model, 1).run(images)
    with writing.source_of(model) as source:
        np.testing.assert_allclose(run(source.model.weights, images), wanted, atol=1e-5)
        exported = program(source).module()
        made = [exported(torch.from_numpy(image[None])).detach().numpy() for image in images]
    np.testing.assert_allclose(np.concatenate(made), wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("statuses", "error", "told"),
    [
        (("verified", "not verified"), None, ""),
        (("verified", "inconclusive"), GateUndecided, "whether m in b"),
        (("failed", "inconclusive"), GateFailed, "m in a .*does not answer"),
        (("verified", None), UserError, "Not every format could be made.*m in b .*: no tool"),
        ((None, "failed"), GateFailed, "m in b .*does not answer"),
    ],
)
def test_all_formats_end_by_the_worst(statuses, error, told: str, monkeypatch) -> None:
    def outcome(_config, one: tuple[str, str | None]) -> Outcome:
        name, status = one
        found = Verification(status=status, reason="so") if status else None
        return Outcome(
            format=name, description="", model="m", precision="fp32", size_bytes=None,
            made_with={}, verification=found, problem=None if status else "no tool",
        )  # fmt: skip

    monkeypatch.setattr(every, "_outcome", outcome)
    monkeypatch.setattr(every, "wanted", lambda _: list(zip("ab", statuses, strict=True)))
    ended = pytest.raises(error, match=told) if error else nullcontext()
    with ended:
        result = every.run(convert.Config(all=True), [None])
        assert len(result.outcomes) == 2
