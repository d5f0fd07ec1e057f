"""What each operator costs, by ONNX Runtime's own profile."""

import json
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from colours import SPEC, MakeModel
from onnx import TensorProto, helper, numpy_helper
from timed_once import once

from benchmarks.profile import by_type
from benchmarks.runtimes import _session, cpu
from benchmarks.runtimes._profile import node_times, profile, share_on, time_share
from benchmarks.timing import tournament
from benchmarks.timing.worker import Job, Sample
from edgepress.core import registry

CPU = "CPUExecutionProvider"
IMAGES = np.random.default_rng(0).standard_normal((1, 3, SPEC.height, SPEC.width), np.float32)
QUICK = tournament.LatencySettings(
    rounds_min=3, rounds_max=3, blocks=1, block_s=0.01, warmup_s=0.05, budget_s=0
)


def event(name: str, op_type: str, microseconds: int, provider: str = CPU) -> dict[str, object]:
    """Return a node's event as ONNX Runtime writes it."""
    told = {"op_name": op_type, "provider": provider, "node_index": name[-1]}
    return {"cat": "Node", "name": f"{name}_kernel_time", "dur": microseconds, "args": told}


END_OF_RUN = {"cat": "Session", "name": "model_run", "dur": 9, "args": {}}


def test_the_mean_of_the_middle_half_of_the_runs_after_the_warm_up() -> None:
    events = []
    for microseconds in (900, 900, 900, 1, 2, 3, 4, 5, 3, 3, 500):  # three to warm up, then eight
        events += [event("a0", "Conv", microseconds), event("b1", "Add", 1), END_OF_RUN]
    first, second = node_times(events)
    assert (first.name, first.op_type, first.provider) == ("a0", "Conv", CPU)
    assert first.seconds == pytest.approx((3 + 3 + 3 + 4) / 4 * 1e-6)
    assert second.seconds == pytest.approx(1e-6)


def test_share_of_time_is_not_share_of_nodes() -> None:
    run = [event("a0", "Conv", 90, "Gpu"), event("b1", "Add", 20), event("c2", "Add", 10)]
    nodes = node_times([*run, END_OF_RUN] * 5)
    assert share_on("Gpu", nodes) == pytest.approx(90 / 120)
    assert share_on("Gpu", ()) is None
    kinds = [(one.op_type, one.count, round(1e6 * one.seconds)) for one in by_type(nodes)]
    assert kinds == [("Conv", 1, 90), ("Add", 2, 30)]


def test_the_nodes_in_a_loop_count_as_often_as_they_run(tmp_path: Path) -> None:
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Sin", ["x"], ["y"])],
        "body",
        [value("i", TensorProto.INT64, []), value("go", TensorProto.BOOL, []),
         value("x", TensorProto.FLOAT, None)],
        [value("go_on", TensorProto.BOOL, []), value("y", TensorProto.FLOAT, None)],
    )  # fmt: skip
    graph = helper.make_graph(
        [helper.make_node("Loop", ["times", "go", "x"], ["y"], body=body)],
        "graph",
        [value("x", TensorProto.FLOAT, [100_000])],
        [value("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.array(7), "times"), numpy_helper.from_array(np.True_, "go")],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), tmp_path / "loop.onnx")
    options = ort.SessionOptions()
    options.enable_profiling = True
    options.profile_file_prefix = str(tmp_path / "profile")
    session = ort.InferenceSession(tmp_path / "loop.onnx", options)
    for _ in range(8):
        session.run(None, {"x": np.ones(100_000, np.float32)})
    events = json.loads(Path(session.end_profiling()).read_text())
    nodes = {node.op_type: node.seconds for node in node_times(events)}
    durations = [one["dur"] for one in events if one["name"].startswith("Sin")]
    runs_s = 1e-6 * np.reshape(durations, (8, 7)).sum(axis=1)[3:]
    assert set(nodes) == {"Sin", "Identity"}, "the loop itself would count its nodes twice"
    assert runs_s.min() <= nodes["Sin"] <= runs_s.max()


def test_convolutions_cost_the_most_and_nothing_is_left_behind(
    make_model: MakeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.chdir(tmp_path / "here")
    session = cpu.open_session(make_model("model", convs=3), threads=1)
    before = session.run(IMAGES)
    nodes = profile(session, IMAGES)
    assert {node.provider for node in nodes} == {CPU}
    first, *others = by_type(nodes)
    assert (first.op_type, first.count) == ("Conv", 3)
    assert first.seconds > 5 * max(other.seconds for other in others)
    assert time_share(session, IMAGES) == 1.0
    assert np.array_equal(session.run(IMAGES), before)
    assert not [*(tmp_path / "temporary").iterdir(), *(tmp_path / "here").iterdir()]


@pytest.mark.parametrize("name", ["openvino", "browser"])
def test_a_runtime_that_does_not_tell_is_not_measured(make_model: MakeModel, name: str) -> None:
    runtime = registry.find(_session.RUNTIMES, name, "provider")
    found = runtime.available()
    if not found.ok:
        pytest.skip(f"{found.reason}; {found.remedy}")
    session = runtime.open_session(make_model("model"), threads=1)
    assert profile(session, IMAGES) is None
    assert time_share(session, IMAGES) is None


def test_only_the_first_round_is_profiled(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, list[float | None]] = {}
    spawn = once(tournament.spawn)

    def watched(job: Job, timeout_s: float) -> Sample:
        sample = spawn(job, timeout_s)
        seen.setdefault(job.model.name, []).append(sample.time_share)
        return sample

    monkeypatch.setattr(tournament, "spawn", watched)
    models = (make_model("first", convs=2), make_model("last", convs=2))
    found = tournament.measure(models, QUICK)
    assert found.reference.time_share == 1.0
    assert found.results[1].time_share == 1.0
    assert seen["last"] == [1.0] + 5 * [None]
    assert len(seen["first"]) == 12  # with its second run in every round
    assert seen["first"].count(1.0) == 2


def test_the_command_prints_operators_and_nodes(make_model: MakeModel, command) -> None:
    done = command("benchmarks.profile", make_model("model", convs=12).path)
    assert done.code == 0, done.err
    by_operator, by_node = done.out.split("most costly of")
    assert by_operator.index("Conv ") < by_operator.index("MatMul")
    assert "12" in by_operator
    assert CPU in by_operator
    assert by_node.count("Conv") == 10
    shares = [float(word.strip(" %")) for word in by_operator.split("│") if "%" in word]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(100, abs=0.5)


def test_the_command_refuses_a_runtime_that_does_not_tell(make_model: MakeModel, command) -> None:
    if "openvino" not in _session.names_available():
        pytest.skip("openvino is not installed")
    done = command("benchmarks.profile", make_model("model").path, "--provider", "openvino")
    assert done.code == 2
    assert "does not tell the time of its operators" in done.err


@pytest.mark.usefixtures("timed_once")
def test_the_latency_table_shows_the_share_of_time(make_model: MakeModel, command) -> None:
    model = make_model("model", convs=2)
    rounds = ("--rounds-min", 3, "--rounds-max", 3, "--latency-time", 0)
    done = command("benchmarks.latency", "--models", model.path, *rounds)
    assert done.code == 0, done.err
    assert "nodes / time" in done.out
    assert "CPU: 100% / 100%" in " ".join(done.out.split())
