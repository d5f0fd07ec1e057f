"""The student is the largest that keeps the budgets; what none keeps is known before the work."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from plans import manifest
from plans_of import facts
from tiny_network import build

from benchmarks.gates.budgets import parse
from benchmarks.statistics.sequential import median_interval
from compress.planning.facts import Facts
from compress.planning.students import candidates, student
from compress.planning.students.candidates import Ground
from compress.planning.students.fitting import weigh
from compress.planning.students.student import choose_student
from compress.pruning.rehearsal import rehearse
from compress.stand_ins import costs
from compress.stand_ins.costs import Times
from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.core.errors import GateFailed, GateUndecided, UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Measurements
from models.stored import count_macs, count_params

SPEC = ImageSpec(height=32, width=32)
WIDE = {"width": 64}
LADDER = (0.7, 0.5, 0.35, 0.2, 0.1, 0.05)
REHEARSED = dict[str, Any]()
SMALL = ("lcnet_050", "mobilenetv3_small_050", "lenet5")


class Machine:
    """A machine on which a file takes a nanosecond for each of its MACs, and a byte a parameter."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, spread: float = 0.0) -> None:
        self.made = list[int]()
        self._rng, self._spread = np.random.default_rng(0), spread
        monkeypatch.setattr(costs, "stand_in", self.stand_in)
        monkeypatch.setattr(costs, "stand_in_of", self.stand_in_of)
        monkeypatch.setattr(costs, "race", self.race)

    def stand_in(self, network, spec: ImageSpec, quantize: bool, path: Path) -> Artifact:
        found = Measurements(params=count_params(network), macs=count_macs(network, spec))
        self.made.append(found.macs or 0)
        return _file(path, found, quantize)

    def stand_in_of(self, graph: Artifact, path: Path) -> Artifact:
        return _file(path, graph.manifest.measurements, quantize=True)

    def race(self, files, decided) -> Times:
        macs = np.array([file.manifest.measurements.macs for file in files], float)
        noise = np.exp(self._spread * self._rng.standard_normal((len(files), 12)))
        medians = 1e-9 * macs[:, None] * noise
        return Times(medians, 2 * medians)


def _file(path: Path, counted: Measurements, quantize: bool) -> Artifact:
    path.mkdir(parents=True)
    (path / "model.onnx").write_bytes(b"0" * (counted.params or 0) * (1 if quantize else 4))
    return Artifact(path, manifest(kind="onnx", measurements=counted))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(candidates, "NAMED", SMALL)
    monkeypatch.setattr(candidates, "rehearse", _rehearsed_once)
    monkeypatch.setattr(student, "LADDER", LADDER)
    return Machine(monkeypatch)


def _rehearsed_once(architecture, network, prune, rounds, build):
    key = f"{architecture.kwargs}{rounds}"
    if key not in REHEARSED:
        try:
            REHEARSED[key] = rehearse(architecture, network, prune, rounds, build)
        except UserError as error:
            REHEARSED[key] = error
    if isinstance(REHEARSED[key], UserError):
        raise REHEARSED[key]
    return REHEARSED[key]


def graph(folder: Path, macs: int | None, params: int) -> Facts:
    """Return the facts of an ONNX artifact."""
    made = _file(folder / "graph", Measurements(macs=macs, params=params), quantize=False)
    return facts(arch=None, artifact=made, spec=SPEC)


def chosen(given: Facts, *budgets: str, quantize: bool = True) -> dict[str, object]:
    found = choose_student(given, parse(budgets), 32, quantize)
    assert all(choice.reason for choice in found)
    return {choice.name: choice.value for choice in found} | {"why": found[0].reason}


@cache
def shares() -> dict[float, float]:
    """Return what each rung of the ladder really leaves of the MACs, where it can be reached."""
    ground, found = Ground(facts(kwargs=WIDE), SPEC, quantize=True), {}
    assert ground.counts[0]
    for rung in LADDER:
        try:
            pruned = ground.pruned(rung).make()
        except UserError:
            continue
        found[rung] = count_macs(pruned, SPEC) / ground.counts[0]
    return found


def test_without_a_budget_the_student_is_about_a_third(machine: Machine) -> None:
    found = chosen(facts(kwargs=WIDE))
    assert (found["student"], found["macs"], found["student_image_size"]) == ("pruned", 0.33, 32)
    assert machine.made == []


def test_of_a_tiny_teacher_only_an_int8_file_is_made(machine: Machine) -> None:
    found = chosen(facts(kwargs={"width": 8}))
    assert found["student"] == "none"
    assert "cannot be pruned to this target" in found["why"]


def test_a_graph_teaches_a_network_of_about_a_third(machine: Machine, tmp_path: Path) -> None:
    macs = {one.candidate.student: one.macs for one in _named()}
    for name in ("mobilenetv3_small_050", "lcnet_050"):
        given = graph(tmp_path / name, round(macs[name] / student.USUAL) + 10, 3_000_000)
        assert chosen(given)["student"] == name
    found = chosen(given)
    assert "cannot be pruned" in found["why"]
    none = chosen(graph(tmp_path / "small", 100_000, 50_000))
    assert none["student"] == "none"
    unknown = chosen(graph(tmp_path / "unknown", None, 61_497 * 4))
    assert unknown["student"] == "lenet5"


def test_a_network_that_cannot_be_followed_teaches_one_by_name(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise UserError("torch-pruning cannot follow this", next_step="nothing")

    monkeypatch.setattr(candidates, "kept_of", fail)
    found = chosen(facts(kwargs={"width": 128}))
    assert found["student"] in SMALL
    assert "torch-pruning cannot follow this" in found["why"]
    assert chosen(facts(kwargs={"width": 128}), "latency <= 50%")["student"] in SMALL


@pytest.mark.parametrize("limit", [0.2, 0.3, 0.55])
def test_the_largest_share_that_keeps_a_budget(machine: Machine, limit: float) -> None:
    given = facts(kwargs=WIDE)
    fitting = [rung for rung, left in shares().items() if left <= 0.95 * limit]
    found = chosen(given, f"latency <= {100 * limit:g}%")
    assert (found["student"], found["macs"]) == ("pruned", max(fitting))
    assert len(machine.made) <= 2 + 4  # the teacher, whole and in float, and a bisection


def test_a_margin_is_left_for_what_the_real_file_is(machine: Machine) -> None:
    less, close = sorted(set(shares().values()))[-3:-1]
    for room, level in ((0.97, less), (0.93, close)):
        fitting = [rung for rung, left in shares().items() if left <= level]
        found = chosen(facts(kwargs=WIDE), f"latency <= {100 * close / room:.8g}%")
        assert found["macs"] == max(fitting)


def test_macs_are_pruned_to_what_is_allowed(machine: Machine) -> None:
    found = chosen(facts(kwargs=WIDE), "macs <= 37%")
    assert (found["student"], found["macs"]) == ("pruned", 0.37)
    assert len(machine.made) == 2
    both = chosen(facts(kwargs=WIDE), "macs <= 37%", "size <= 90%")
    assert both["macs"] == 0.37


def test_a_teacher_whose_own_file_keeps_the_budget_needs_no_student(machine: Machine) -> None:
    found = chosen(facts(kwargs=WIDE), "size <= 27%")
    assert found["student"] == "none"
    assert "so none is needed" in found["why"]
    assert chosen(facts(kwargs=WIDE), "size <= 27%", quantize=False)["student"] == "pruned"


def test_the_90th_percentile_is_measured(machine: Machine) -> None:
    macs = Ground(facts(kwargs=WIDE), SPEC, quantize=True).counts[0]
    median, p90 = (
        chosen(facts(kwargs=WIDE), f"latency {form} <= {1.1 * macs / 1e3:g}us")
        for form in ("p50", "p90")
    )
    assert median["student"] == "none"
    assert p90["student"] == "pruned"


def test_what_keeps_the_limit_but_no_margin_is_better_than_nothing(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "NAMED", ("lcnet_050",))
    least = min(shares().values())
    found = chosen(facts(kwargs=WIDE), f"latency <= {100 * least / 0.97:.6g}%")
    assert found["student"] == "pruned"
    assert "with little room" in found["why"]


def test_a_budget_out_of_reach_is_known_before_the_work(machine: Machine, tmp_path: Path) -> None:
    least = min(one.params for one in _named())
    with pytest.raises(GateFailed, match="the smallest reachable is size") as caught:
        chosen(graph(tmp_path, 10**9, 10**7), "size <= 1kB", "latency <= 50%")
    assert caught.value.exit_code == 3
    assert f"{float(f'{least:.3g}'):,.6g} bytes" in str(caught.value)
    assert "'size <= 1kB'" in str(caught.value)


def test_a_small_file_with_many_macs_is_found_where_only_bytes_count_lenet_alone(
    machine: Machine, tmp_path: Path
) -> None:
    """More MACs mean more bytes for no family of networks: what is too large is left out first."""
    given = graph(tmp_path, 10**9, 10**7)
    assert chosen(given, "size <= 100kB")["student"] == "lenet5"
    assert len(machine.made) == 1
    with_shares = chosen(given, "size <= 0.25%", "params <= 1%")
    assert with_shares["student"] == "lenet5"


def test_a_noisy_machine_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "NAMED", ("lenet5",))
    monkeypatch.setattr(student, "LADDER", (0.5, 0.2))
    Machine(monkeypatch, spread=3.0)
    with pytest.raises(GateUndecided, match="too noisy") as caught:
        chosen(facts(kwargs=WIDE), "latency <= 5%")
    assert caught.value.exit_code == 4


def test_smaller_images_are_for_need_only(machine: Machine, tmp_path: Path) -> None:
    spec = ImageSpec(height=128, width=128)
    counted = {one.candidate.student: one.macs for one in _named(spec)}
    made = _file(tmp_path / "graph", Measurements(macs=10**9, params=10**7), quantize=False)
    given = facts(arch=None, artifact=made, spec=spec)
    most = max(counted.values())
    assert chosen(given, f"latency <= {1.1 * most / 1e3:g}us")["student_image_size"] == 128
    less = chosen(given, f"latency <= {0.9 * min(counted.values()) / 1e3:g}us")
    assert less["student_image_size"] in (96, 64)
    assert "pixels" in less["why"]


def test_what_a_teacher_does_not_tell_is_no_budget(machine: Machine, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="are not known"):
        chosen(graph(tmp_path, None, 10**6), "macs <= 30%")
    with pytest.raises(UserError, match="must be adopted"):
        chosen(facts(arch=None, spec=SPEC), "size <= 1MB")


def test_networks_by_name_start_from_imagenet_where_that_is_at_hand(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[str]()

    def check(architecture, *_: object) -> None:
        asked.append(architecture.name)
        raise UserError("There are no weights here. Really", got=architecture.name)

    monkeypatch.setattr(student.pretrained, "check", check)
    given = graph(tmp_path, 10**9, 10**7)
    found = choose_student(given, parse([]), 32, quantize=True)
    assert asked == [found[0].value]
    assert (found[2].value, found[2].reason) == ("random", "There are no weights here")
    monkeypatch.setattr(student.pretrained, "check", lambda *_: None)
    monkeypatch.setattr(student.pretrained, "start_network", lambda *_: None)
    assert chosen(given)["student_weights"] == "imagenet"


def test_all_networks_of_the_ladder_can_be_built() -> None:
    found = Ground(facts(spec=ImageSpec(height=64, width=64).in_channels(1)), SPEC, True)
    named = found.named(ImageSpec(height=64, width=64).in_channels(1))
    assert {one.candidate.student for one in named} == set(candidates.NAMED)
    assert [one.macs for one in named] == sorted((one.macs for one in named), reverse=True)


def test_a_stand_in_is_an_int8_file_that_can_be_timed(tmp_path: Path) -> None:
    network = build(2, 16)
    whole, small = (
        costs.stand_in(network, SPEC, quantize, tmp_path / str(quantize))
        for quantize in (False, True)
    )
    again = artifacts.load(small.path).manifest
    assert again.measurements.params == count_params(network)
    nodes = onnx.load(small.weights).graph.node
    rounded = {node.output[0] for node in nodes if node.op_type == "DequantizeLinear"}
    convs = [node for node in nodes if node.op_type == "Conv"]
    assert [node.input[1] in rounded for node in convs] == [False, True, True]
    assert all(len(node.input) == 3 for node in convs)
    assert [node.input[1] in rounded for node in nodes if node.op_type == "Gemm"] == [False]
    assert small.size_bytes < 0.6 * whole.size_bytes
    weights = weigh(parse(["size <= 50%", "latency <= 1s", "peak_rss <= 10GB"]), small, whole)
    assert weights[0].value == small.size_bytes / whole.size_bytes
    twin = costs.stand_in(network, SPEC, False, tmp_path / "twin")
    assert abs(twin.size_bytes - whole.size_bytes) < 100
    latency_s, (low, high) = median_interval(costs.race((twin,)).medians_s[0])
    assert 0 < low <= latency_s <= high < 1


def _named(spec: ImageSpec = SPEC):
    return Ground(facts(), spec, quantize=True).named(spec)
