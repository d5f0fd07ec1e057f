"""A converter or a runtime that ends its process ends no command: its end is one message."""

from dataclasses import replace
from pathlib import Path

import dying_format
import numpy as np
import pytest
from export_helpers import Files, run

from benchmarks.evaluation.candidates import BareModel
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.data.context import context_of
from edgepress.data.dataset import Dataset
from export.converting import formats, writing
from export.converting.formats._apart import apart
from export.converting.formats._format import CannotRunError, DoesNotRunError, Source
from export.making.int8 import calibration

SEGFAULT = 'ended by signal 11 (SIGSEGV) after "the last words"'


@pytest.fixture
def source(files: Files, trained: Artifact) -> Source:
    """An ONNX file and its labels."""
    model = BareModel(files.fp32, trained.manifest.model_copy(update={"kind": "onnx"}))
    return Source(trained, model)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("segfault", f"dying cannot convert the model ({SEGFAULT})"),
        ("exit", "dying cannot convert the model (the last words)"),
        ("bug", "dying cannot convert the model (KeyError: 'a bug', in line"),
        ("refusal", "It is too large. Next: make DIR"),
    ],
)
def test_a_converter_that_dies_is_bad_input(
    how: str, said: str, source: Source, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv(dying_format.HOW, f"write {how}")
    with apart(dying_format) as module, pytest.raises(UserError) as caught:
        module.write(source, tmp_path)
    assert str(caught.value).startswith(said)
    assert how != "refusal" or str(caught.value) == said


@pytest.mark.parametrize(
    ("how", "kind", "said"),
    [
        ("segfault", DoesNotRunError, f"dying does not run it: {SEGFAULT}"),
        ("bug", DoesNotRunError, "dying does not run it: KeyError: 'a bug', in line"),
        ("elsewhere", CannotRunError, "it runs elsewhere"),
    ],
)
def test_a_runtime_that_dies_is_a_reason(how, kind, said, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv(dying_format.HOW, f"run {how}")
    with apart(dying_format) as module, pytest.raises(kind) as caught:
        module.run(tmp_path, [np.zeros((1, 3, 32, 32), np.float32)])
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(("where", "code"), [("write", 2), ("run", 3)])
def test_an_abort_ends_the_command_with_one_message(
    where, code, trained: Artifact, data_folder: Path, tmp_path: Path, command, monkeypatch
) -> None:
    monkeypatch.setattr(formats, "find", lambda name: dying_format)
    monkeypatch.setenv(dying_format.HOW, f"{where} abort")
    out = tmp_path / "in" / "out"
    options = ("--model", trained.path, "--data", data_folder, "--format", "dying")
    done = command("export.convert", *options, "--images", 4, "--out", out)
    assert done.code == code
    assert done.err.count("error: ") == 1
    assert "ended by signal 6 (SIGABRT)" in done.err
    assert [path.name for path in out.parent.iterdir()] == ["out"] * (where == "run")
    assert where == "write" or writing.read(out).manifest.verification.status == "failed"


def test_what_is_asked_is_answered(
    source: Source, trained: Artifact, dataset: Dataset, tmp_path: Path, capfd
) -> None:
    """By one process; the images of a calibration go along, and nothing that is printed comes."""
    images = calibration.from_training(context_of(dataset, trained), n_images=3)
    inputs = list(images.inputs())
    with apart(dying_format) as module:
        module.write(replace(source, quantized="int8", calibration=images), tmp_path)
        probs = module.run(tmp_path, inputs)
        process = module.process
        assert process.poll() is None
    assert process.poll() is not None
    np.testing.assert_array_equal(np.load(tmp_path / "seen.npy"), np.concatenate(inputs))
    wanted = run(source.model.weights, np.concatenate(inputs))
    np.testing.assert_allclose(probs, wanted, atol=1e-6)
    assert "library prints" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("name", formats.names())
def test_native_libraries_beside_onnx_runtime_are_apart(name: str) -> None:
    form = formats.find(name).FORMAT
    assert form.apart == (bool(form.packages) or name == "litert")
