"""What does not fit into the memory is told as that, whoever says it and however."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from colours import MakeModel, name_files_again
from onnx import helper, numpy_helper

from benchmarks.runtimes import _session
from benchmarks.timing import process
from benchmarks.timing.tournament import LatencySettings, measure
from edgepress.core import memory, registry
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun

QUICK = LatencySettings(
    rounds_min=3, rounds_max=3, blocks=1, block_s=0.01, warmup_s=0.05, budget_s=0
)
LONG = QUICK.model_copy(update={"block_s": 30.0})
FAR_TOO_LARGE = (2**14, 2**8, 2**6, 2**5)
"""Times an image of 1 x 3 x 16 x 16 floats: 26 terabytes."""
TOO_LARGE = (2**8, 2**4, 2**4, 2**3)
"""1.6 gigabytes."""
LITTLE = "There is too little memory for the model ("


@pytest.fixture
def make_hungry(make_model: MakeModel) -> Callable[..., Artifact]:
    """Return a function that saves a model which works on a tensor so many times its image."""

    def make(name: str, times: tuple[int, ...] = FAR_TOO_LARGE) -> Artifact:
        artifact = make_model(name)
        model = onnx.load(artifact.weights)
        model.graph.initializer.append(numpy_helper.from_array(np.array(times), "times"))
        model.graph.node[-1].input[0] = "fed"  # the Sigmoid's
        last = model.graph.node.pop()
        # Of the image, so that nothing is worked out when the model is opened.
        model.graph.node.extend([
            helper.make_node("Shape", ["image"], ["small"]),
            helper.make_node("Mul", ["small", "times"], ["large"]),
            helper.make_node("ConstantOfShape", ["large"], ["zeros"]),
            helper.make_node("ReduceSum", ["zeros"], ["zero"], keepdims=0),
            helper.make_node("Add", ["logits", "zero"], ["fed"]),
            last,
        ])  # fmt: skip
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "n"
        onnx.save(model, artifact.weights)
        name_files_again(artifact)
        return artifact

    return make


def limited(monkeypatch: pytest.MonkeyPatch, name: str, limit: int) -> None:
    """Run the processes that are measured under a limit of the operating system."""
    resource = pytest.importorskip("resource")
    kind, run = getattr(resource, name), subprocess.run

    def starved(*arguments: object, **options: object) -> object:
        options["preexec_fn"] = lambda: resource.setrlimit(kind, (limit, limit))
        return run(*arguments, **options)

    monkeypatch.setattr(process.subprocess, "run", starved)


@pytest.mark.usefixtures("timed_once")
def test_a_model_that_needs_too_much_leaves_and_the_others_go_on(
    make_model: MakeModel, make_hungry: Callable[..., Artifact], capfd
) -> None:
    found = measure((make_model("good"), make_hungry("hungry"), make_model("last")), QUICK)
    assert [result is None for result in found.results] == [False, True, False]
    assert LITTLE in found.failures[1]
    assert "requested buffer of size" in found.failures[1]
    assert "Next: close other programs" in found.failures[1]
    assert len(found.results[2].block_medians_s) == 4, "a balanced block of four runners"
    assert f"hungry is not timed any more: {LITTLE}" in capfd.readouterr().err


@pytest.mark.usefixtures("timed_once")
def test_a_model_above_the_limit_of_its_process(
    make_model: MakeModel, make_hungry: Callable[..., Artifact], monkeypatch: pytest.MonkeyPatch
) -> None:
    limited(monkeypatch, "RLIMIT_AS", 2**30)
    found = measure((make_model("good"), make_hungry("hungry", TOO_LARGE)), QUICK)
    assert found.failures[0] is None
    assert LITTLE in found.failures[1]


def test_a_process_without_the_memory_for_its_libraries(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited(monkeypatch, "RLIMIT_AS", 64 * 2**20)
    with pytest.raises(UserError, match="too little memory for the model"):
        measure((make_model("model"),), QUICK)


def test_a_process_that_is_killed(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, "RLIMIT_CPU", 2)  # SIGKILL at the end of the second second
    with pytest.raises(UserError, match=r"too little memory for the model \(its process was kill"):
        measure((make_model("model"),), LONG)


@pytest.mark.parametrize("name", ["cpu", "openvino"])
def test_every_runtime_that_runs_out_says_so(
    make_hungry: Callable[..., Artifact], name: str
) -> None:
    runtime = registry.find(_session.RUNTIMES, name, "provider")
    if not runtime.available().ok:
        pytest.skip(runtime.available().reason)
    hungry = make_hungry("hungry")
    spec = hungry.manifest.image
    with pytest.raises(UserError, match="too little memory for the model"):
        runtime.open_session(hungry, 1).run(np.zeros((1, 3, spec.height, spec.width), np.float32))


def test_a_command_that_runs_out_ends_with_2(
    make_hungry: Callable[..., Artifact], colours: Path, command
) -> None:
    done = command("benchmarks.accuracy", "--model", make_hungry("hungry").path, "--data", colours)
    assert done.code == 2
    assert done.err.count(LITTLE) == 1
    assert "Traceback" not in done.err


class Config(Noun):
    """A command without options."""


def numpy_runs_out(config: Config) -> None:
    np.ones(2**50)


def torch_runs_out(config: Config) -> None:
    import torch

    torch.ones(2**50)


def python_runs_out(config: Config) -> None:
    bytearray(2**60)


@pytest.mark.parametrize("run", [numpy_runs_out, torch_runs_out, python_runs_out])
def test_whatever_runs_out_in_a_command_is_one_message(
    run: Callable[[Config], None], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(Config, run, []) == 2
    told = capfd.readouterr().err
    assert told.startswith(f"error: {LITTLE}")
    assert "Next: " in told


def test_any_other_error_is_not_called_so(capfd: pytest.CaptureFixture[str]) -> None:
    def fails(config: Config) -> None:
        raise RuntimeError("a defect")

    assert main(Config, fails, []) == 1
    told = capfd.readouterr().err
    assert LITTLE not in told
    assert "RuntimeError: a defect" in told


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("terminate called after throwing an instance of 'std::bad_alloc'", "std::bad_alloc"),
        ("bfc_arena.cc:360 Failed to allocate memory for requested buffer of size 8", "size 8"),
        ("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes.", "8 bytes"),
        ("CUDA out of memory. Tried to allocate 8 GiB", "8 GiB"),
        ("Check 'ptr' failed at x.cpp:2:\nFailed to allocate 8 bytes of memory", "8 bytes"),
        ("RangeError: Array buffer allocation failed", "allocation failed"),
        ("OSError: [Errno 12] Cannot allocate memory", "Cannot allocate memory"),
    ],
)
def test_the_words_of_the_libraries(words: str, shown: str) -> None:
    assert shown in str(memory.from_text(words))


@pytest.mark.parametrize("words", ["", "Segmentation fault", "allocated 8 bytes of memory", "x.py"])
def test_other_words_are_not_about_memory(words: str) -> None:
    assert memory.from_text(words) is None
