"""The search for an int8 file, on real files that are judged by planned numbers."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from export_helpers import run
from int8_parts import inputs, opened
from onnx import ModelProto

from benchmarks.runtimes._profile import NodeTime
from edgepress.core.errors import UserError
from export import targets
from export.making.int8 import quantize, trials
from export.making.int8.calibration import Calibration, Method
from export.making.int8.groups import float_groups
from export.making.int8.quantize import Workshop
from export.making.int8.search import Found, Search
from export.making.int8.setting import STEM, Setting
from export.making.int8.steps import sentence
from export.making.int8.timing import Comparison
from export.making.int8.trials import HARMFUL, Demands, Judges

EQUALIZED, CORRECTED = "cross-layer equalization", "bias correction"
FIRST, ACCURACY = "the target's best-known setting", "accuracy of the best so far"
INTEGER_STEM = "the convolution of the image in integers"
SHARED = "one range for what meets in a concatenation"
LONG = 3600.0
DROP = 0.01


class Judge:
    """Times files and tells their accuracy, in numbers that a test has planned.

    Each number is given once: a search that asks more often than planned fails.
    """

    def __init__(
        self,
        speedups: tuple[float, ...] = (),
        drops: tuple[float, ...] = (),
        noises: tuple[float, ...] = (),
    ) -> None:
        self._speedups, self._drops, self._noises = iter(speedups), iter(drops), iter(noises)
        self.timed: list[Path] = []
        self.speeds: dict[Path, float] = {}
        self.judged: dict[Path, float] = {}
        self.stem = 0.0
        """Speed-up of every file whose first convolution is an integer one."""
        self.convs: dict[str, tuple[float, float]] = {}
        """Seconds of convolutions, in float and as integers."""

    def speedup(self, path: Path) -> float:
        if has_integer_stem(path):
            return self.stem
        self.timed.append(path)
        self.speeds[path] = next(self._speedups)
        return self.speeds[path]

    def compare(self, path: Path, best: Path) -> Comparison:
        speedup = self.speedup(path)
        self.speeds[path] = speedup
        gain = speedup / self.speeds.get(best, self.speeds[self.timed[0]])  # or other numbers in it
        return Comparison(speedup, gain, (gain, gain))

    def conv_seconds(self, path: Path, model: ModelProto) -> dict[str, float]:
        assert {node.name for node in model.graph.node} >= set(self.convs)
        place = 0 if path.name == "prepared.onnx" else 1
        return {name: seconds[place] for name, seconds in self.convs.items()}

    def node_times(self, path: Path) -> tuple[NodeTime, ...]:
        return (NodeTime(name=path.name, op_type="Conv", provider="cpu", seconds=1.0),)

    def map_drop(self, path: Path) -> float:
        assert path not in self.judged, "every file is judged once"
        self.judged[path] = next(self._drops)
        return self.judged[path]

    def noise(self, path: Path) -> float:
        assert path.is_file()
        return next(self._noises)

    @property
    def used_up(self) -> bool:
        plans = (self._speedups, self._drops, self._noises)
        return [next(plan, None) for plan in plans] == [None] * 3


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """A network with swish activations and an excitation."""
    return opened("swish excite", tmp_path)


def searched(workshop: Workshop, judge: Judge, budget_s: float = LONG, timed: bool = True) -> Found:
    """Run a search that wants a drop of at most `DROP`; what it returns can be run.

    Where nothing is planned for it, the try with an integer stem is left out of the steps.
    """
    judges = Judges(judge if timed else None, judge.map_drop, judge.noise)
    found = Search(workshop, judges, Demands(DROP, budget_s)).run()
    assert np.ptp(run(found.path, inputs())) > 0
    assert judge.used_up
    steps = (step for step in found.steps if judge.stem or step.change != INTEGER_STEM)
    return replace(found, steps=tuple(steps))


def has_integer_stem(path: Path) -> bool:
    """Tell whether the first convolution of a file reads integers."""
    model = onnx.load(path)
    maker = {name: node.op_type for node in model.graph.node for name in node.output}
    stem = next(node for node in model.graph.node if node.op_type == "Conv")
    return maker.get(stem.input[0]) == "DequantizeLinear"


def told(found: Found) -> list[tuple[str, bool]]:
    """Return what was tried, and whether it was kept."""
    return [(step.change, step.kept) for step in found.steps]


def reasons(found: Found) -> dict[str, str]:
    """Return the convolutions that are float on purpose, with the reason."""
    assert found.audited is not None
    assert all(conv.on_purpose for conv in found.audited.float_convs)
    assert found.audited.convs_kept_float == len(found.audited.float_convs)
    return {conv.name: conv.reason for conv in found.audited.float_convs}


def in_float(found: Found) -> set[str]:
    """Return the convolutions whose weights are float in the file.

    The runtime may turn one of them into an integer one all the same, where what is before and
    after it is quantized.
    """
    model = onnx.load(found.path)
    weights = {tensor.name for tensor in model.graph.initializer}
    convs = (node for node in model.graph.node if node.op_type == "Conv")
    return {node.name for node in convs if node.input[1] in weights}


def slow(part: str) -> str:
    return f"{part}: slower as integers on this runtime"


def test_no_budget_takes_the_best_known_setting_as_it_is(workshop: Workshop) -> None:
    found = searched(workshop, Judge(), budget_s=0)
    assert told(found) == [(FIRST, True)]
    assert (found.steps[0].speedup, found.steps[0].map_drop) == (None, None)
    assert found.steps[0].seconds > 0
    assert reasons(found) == {"Conv_0": STEM}


def test_a_tiny_budget_still_gives_a_file_whose_accuracy_is_known(workshop: Workshop) -> None:
    judge = Judge(speedups=(0.8,), drops=(0.5,))
    found = searched(workshop, judge, budget_s=1e-9)
    assert told(found) == [(FIRST, True), (ACCURACY, True)]
    assert (found.steps[1].speedup, found.steps[1].map_drop) == (0.8, 0.5)


def test_it_stops_when_the_accuracy_is_met(workshop: Workshop) -> None:
    found = searched(workshop, Judge(drops=(DROP,)), timed=False)
    assert told(found) == [(FIRST, True), (ACCURACY, True)]
    assert {step.speedup for step in found.steps} == {None}, "this machine is not the target"


def test_parts_go_back_to_float_where_that_is_faster(workshop: Workshop) -> None:
    groups = float_groups(onnx.load(workshop.prepared))
    swish, excite, both, _ = groups  # all maps are of one size, and the head is float already
    judge = Judge(speedups=(1.0, 1.2, 1.1, 1.3), drops=(0.0,))
    found = searched(workshop, judge)
    assert told(found) == [
        (FIRST, True),
        (f"{swish} in float", True),
        (f"{excite} in float", False),
        (f"{both} in float", True),
        (ACCURACY, True),
    ]
    assert [step.speedup for step in found.steps] == [1.0, 1.2, 1.1, 1.3, 1.3]
    assert found.path == judge.timed[3]
    convs = [name for name in groups[excite] if name.startswith("Conv")]
    assert reasons(found) == {"Conv_0": STEM} | dict.fromkeys(convs, slow(both))


def test_nothing_goes_back_to_float_where_integers_are_faster(workshop: Workshop) -> None:
    by_chance = 2.02
    judge = Judge(speedups=(2.0, 1.9, by_chance, 1.7), drops=(0.0,))
    found = searched(workshop, judge)
    assert [kept for _, kept in told(found)] == [
        True,
        False,
        False,
        False,
        True,
    ]  # 2.02 may be chance
    assert found.path == judge.timed[0]
    assert reasons(found) == {"Conv_0": STEM}


@pytest.fixture
def chain(tmp_path: Path) -> Workshop:
    """A network of convolutions whose only group is its head, which is float already."""
    return opened("plain", tmp_path)


@pytest.mark.parametrize(
    ("speedups", "kept", "slow_ones"),
    [
        ((1.0, 1.5), [True, True, True], {"Conv_2", "Conv_4"}),
        ((1.0, 0.9, 1.4), [True, False, True, True], {"Conv_4"}),
        ((1.0, 0.9, 0.8), [True, False, False, True], set()),
    ],
    ids=["both", "the slower one", "none"],
)
def test_convolutions_that_lose_time_go_back(
    chain: Workshop, speedups: tuple[float, ...], kept: list[bool], slow_ones: set[str]
) -> None:
    judge = Judge(speedups=speedups, drops=(0.0,))
    judge.convs = {"Conv_0": (1.0, 9.0), "Conv_2": (1.0, 1.5), "Conv_4": (1.0, 3.0)}
    found = searched(chain, judge)
    assert [was_kept for _, was_kept in told(found)] == kept
    tried = [change for change, _ in told(found)[1:-1]]
    assert tried == [f"the {n} convolutions that lose most in float" for n in (2, 1)][: len(tried)]
    assert in_float(found) == {"Conv_0"} | slow_ones
    assert reasons(found).keys() <= in_float(found)


def test_something_always_stays_an_integer_convolution(chain: Workshop) -> None:
    judge = Judge(speedups=(1.0, 1.5), drops=(0.0,))
    judge.convs = {"Conv_2": (1.0, 2.0), "Conv_4": (1.0, 1.5), "Conv_6": (1.0, 3.0)}
    found = searched(chain, judge)
    assert told(found)[1:-1] == [("the 2 convolutions that lose most in float", True)]
    assert in_float(found) == {"Conv_0", "Conv_2", "Conv_6"}, "all three would leave none"


def test_convolutions_that_gain_time_stay_integers(chain: Workshop) -> None:
    judge = Judge(speedups=(1.0,), drops=(0.0,))
    judge.convs = {"Conv_2": (1.0, 0.5), "Conv_4": (1.0, 1.0)}
    assert len(told(searched(chain, judge))) == 2


@pytest.mark.parametrize(
    ("speedup", "drop", "kept"),
    [(1.2, 0.0, True), (1.2, 0.05, False), (1.11, None, False)],
    ids=["faster", "faster and wrong", "hardly faster"],
)
def test_the_stem_becomes_integers_where_that_is_faster_and_right(
    chain: Workshop, speedup: float, drop: float | None, kept: bool
) -> None:
    """Its accuracy is looked at only where it is faster, and once."""
    drops = tuple(one for one in (drop, None if kept else 0.001) if one is not None)
    judge = Judge(speedups=(1.1,), drops=drops)
    judge.stem = speedup
    found = searched(chain, judge)
    assert told(found)[1:] == [(INTEGER_STEM, kept), (ACCURACY, True)]
    assert has_integer_stem(found.path) is kept
    assert ("Conv_0" in found.setting.kept_float) is not kept


METHODS = ("minmax", "percentile", "entropy", "moving_average")


@pytest.mark.parametrize("first", METHODS)
def test_other_calibrations_are_tried_in_order(workshop: Workshop, first: Method) -> None:
    images = replace(workshop.images, method=first)
    judge = Judge(drops=(0.05, 0.07, 0.04, 0.06, 0.01))
    found = searched(replace(workshop, images=images), judge, timed=False)
    others = [f"calibration by {method}" for method in METHODS if method != first]
    expected = [
        (FIRST, True),
        (ACCURACY, True),
        (CORRECTED, False),
        *zip(others, (True, False, True), strict=True),
    ]
    assert told(found) == expected
    assert [step.map_drop for step in found.steps[1:]] == [0.05, 0.07, 0.04, 0.06, 0.01]
    assert judge.judged[found.path] == 0.01


def test_no_calibration_is_tried_after_the_one_that_is_good_enough(workshop: Workshop) -> None:
    judge = Judge(drops=(0.05, 0.05, 0.0))
    assert told(searched(workshop, judge, timed=False))[-1] == ("calibration by percentile", True)


def test_no_calibration_is_tried_where_corrected_biases_are_enough(workshop: Workshop) -> None:
    judge = Judge(drops=(0.05, 0.0))
    assert told(searched(workshop, judge, timed=False))[-1] == (CORRECTED, True)


def test_the_ranges_do_not_change_the_speed(chain: Workshop) -> None:
    judge = Judge(speedups=(1.1,), drops=(0.05, 0.0))
    found = searched(chain, judge)
    assert found.steps[-1].speedup == 1.1
    assert len(judge.timed) == 1, "the first file"


@pytest.mark.parametrize(
    ("speedup", "drops", "kept"),
    [
        (1.2, (0.0,), True),
        (1.2, (0.05, 0.001), False),
        (1.2, (0.05, 0.06, 0.0), True),
        (1.01, (0.001,), False),
    ],
    ids=["faster", "faster and wrong", "no worse than before", "hardly faster"],
)
def test_concatenations_share_a_range_where_that_is_faster_and_no_worse(
    tmp_path: Path, speedup: float, drops: tuple[float, ...], kept: bool
) -> None:
    workshop = opened("concat", tmp_path)
    slower = [0.9] * (len(float_groups(onnx.load(workshop.prepared))) - 1)  # its head is float
    judge = Judge(speedups=(1.0, speedup, *slower), drops=drops)
    found = searched(workshop, judge)
    assert told(found)[1] == (SHARED, kept)
    assert found.setting.shared_ranges is kept


HARMS = (0.4, 0.1, 0.3, 0.2)
"""Noise that is left when the ReLU of the stem, or one of the convolutions, is float alone."""


def test_the_parts_that_do_most_harm_go_back_one_after_the_other(chain: Workshop) -> None:
    """Each part is put back alone; then the best of them, the best two, until it is enough."""
    judge = Judge(drops=(0.05, *[0.06] * 4, 0.04, 0.008), noises=HARMS)
    found = searched(chain, judge, timed=False)
    best, second = ["Conv_2", "Relu_3"], ["Conv_6"]
    assert told(found)[6:] == [
        (f"{len(best)} nodes that do most harm in float", True),
        (f"{len(best + second)} nodes that do most harm in float", True),
    ]
    assert judge.judged[found.path] == 0.008
    assert in_float(found) == {"Conv_0", "Conv_2", "Conv_6"}
    assert {"Conv_2": HARMFUL}.items() <= reasons(found).items()


def test_where_accuracy_is_never_met_the_least_bad_file_is_taken(chain: Workshop) -> None:
    """It ends before the last layer: in float altogether it would be no int8 file."""
    drops = (0.05, *[0.06] * 4, 0.03, 0.04)
    judge = Judge(speedups=(1.0, 1.1, 1.2), drops=drops, noises=HARMS)
    found = searched(chain, judge)
    assert [kept for change, kept in told(found) if "harm" in change] == [True, False]
    assert [step.speedup for step in found.steps[-2:]] == [1.1, 1.2]
    assert judge.judged[found.path] == min(drops)
    assert in_float(found) == {"Conv_0", "Conv_2"}


def test_no_part_is_looked_for_when_the_budget_is_spent(
    chain: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, judge = Clock(), Judge(drops=(0.05, *[0.06] * 4))
    monkeypatch.setattr(trials, "time", SimpleNamespace(monotonic=lambda: clock.now))
    judge._noises = clock.after(10, HARMS[:2])
    found = searched(chain, judge, budget_s=15, timed=False)
    assert len(told(found)) == 6, "two parts were looked at, and none was tried"


def test_weights_that_share_a_scale_are_equalized_first(chain: Workshop) -> None:
    whole = replace(chain, target=chain.target.model_copy(update={"per_channel": False}))
    found = searched(whole, Judge(drops=(0.05, 0.04, 0.0)), timed=False)
    assert told(found)[2:] == [(EQUALIZED, True), (CORRECTED, True)]
    per_channel = searched(chain, Judge(drops=(0.05, 0.0)), timed=False)
    assert EQUALIZED not in dict(told(per_channel))


class Clock:
    """Time that passes when a file is judged."""

    now = 0.0

    def after(self, seconds: float, numbers: tuple[float, ...]) -> Iterator[float]:
        for number in numbers:
            self.now += seconds
            yield number


def test_the_budget_ends_the_search_and_steps_tell_their_time(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, judge = Clock(), Judge()
    monkeypatch.setattr(trials, "time", SimpleNamespace(monotonic=lambda: clock.now))
    judge._drops = clock.after(10, (0.05, 0.04, 0.03))
    found = searched(workshop, judge, budget_s=35, timed=False)
    changes = [change for change, _ in told(found)[2:]]
    assert changes == [CORRECTED, "calibration by percentile"]
    assert [step.seconds for step in found.steps] == [0, 10, 10, 10]


def test_no_part_is_timed_when_the_budget_is_spent(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, judge = Clock(), Judge(drops=(0.05,))
    monkeypatch.setattr(trials, "time", SimpleNamespace(monotonic=lambda: clock.now))
    judge._speedups = clock.after(10, (1.0, 2.0, 3.0))
    judge.convs = {"Conv_9": (1.0, 5.0)}
    found = searched(workshop, judge, budget_s=35)
    assert len(told(found)) == 4
    assert found.steps[-1].speedup == 3.0, "the last one in time was the best"


@pytest.fixture
def made_by_nncf(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Workshop, list[tuple[Setting, int]]]]:
    """A network for OpenVINO, and what NNCF is asked for, which a file of ours stands in for."""
    ours = opened("plain", tmp_path)
    quantize.quantize(ours, quantize.first_setting(ours), tmp_path / "stand-in.onnx")
    asked: list[tuple[Setting, int]] = []

    def stand_in(prepared: Path, out: Path, images: Calibration, setting: Setting) -> None:
        asked.append((setting, len(images.rows)))
        out.write_bytes((tmp_path / "stand-in.onnx").read_bytes())

    monkeypatch.setattr(quantize.nncf_, "quantize", stand_in)
    monkeypatch.setattr(trials, "PROBE_IMAGES", 2)
    return replace(ours, target=targets.resolve("openvino")), asked


def test_files_by_nncf_are_searched_for_as_those_of_onnx_runtime(made_by_nncf) -> None:
    """Accuracy is missed all the way: corrections, ways to calibrate, then parts in float."""
    workshop, asked = made_by_nncf
    judge = Judge(
        speedups=(2.0, 1.5, 1.6, 1.7), drops=(0.05, 0.04, 0.06, 0.03, 0.02, 0.025), noises=HARMS
    )
    judge.stem = 0.5
    found = searched(workshop, judge)
    layers = "bias correction layer by layer instead of all at once"
    assert told(found) == [
        (FIRST, True),
        (INTEGER_STEM, False),
        (ACCURACY, True),
        (layers, True),
        ("calibration by minmax", False),
        ("calibration by percentile", True),
        ("2 nodes that do most harm in float", True),
        ("3 nodes that do most harm in float", False),
    ]
    assert found.audited is None, "what ONNX Runtime's CPU provider makes of it does not matter"
    settings = [setting for setting, images in asked if images == 4]
    assert settings[0].method == "moving_average", "NNCF's own default"
    assert [one.bias_corrected for one in settings[:4]] == [False, False, True, True]
    probes = [setting for setting, images in asked if images == 2]
    assert len(probes) == 4, "each part of the network, on few images"
    assert len(found.setting.kept_float) > len(settings[0].kept_float)


def test_a_way_to_calibrate_that_was_asked_for_is_taken_first(made_by_nncf) -> None:
    workshop, asked = made_by_nncf
    images = replace(workshop.images, method="percentile")
    searched(replace(workshop, images=images), Judge(drops=(0.0,)), timed=False)
    assert [setting.method for setting, _ in asked] == ["percentile"]


def test_ranges_that_meet_are_not_shared_where_the_quantizer_cannot(
    made_by_nncf, tmp_path: Path
) -> None:
    workshop, _ = made_by_nncf
    other = tmp_path / "concat"
    other.mkdir()
    workshop = replace(opened("concat", other), target=workshop.target)
    found = searched(workshop, Judge(speedups=(1.0, *[0.9] * 3), drops=(0.0,)), budget_s=LONG)
    assert SHARED not in dict(told(found))


@pytest.mark.parametrize(
    ("method", "corrected"), [("moving_average", False), ("minmax", False), ("percentile", True)]
)
def test_nncf_makes_another_file_of_each_setting(
    tmp_path: Path, method: Method, corrected: bool
) -> None:
    workshop = opened("plain", tmp_path, "openvino")
    first = quantize.first_setting(workshop)
    wanted = first.model_copy(update={"method": method, "bias_corrected": corrected})
    for name, setting in (("first", first), ("other", wanted)):
        quantize.quantize(workshop, setting, tmp_path / f"{name}.onnx")
    same = np.array_equal(*(run(tmp_path / f"{n}.onnx", inputs()) for n in ("first", "other")))
    assert same is (wanted == first)


def test_nncf_has_no_ranges_by_entropy(tmp_path: Path) -> None:
    workshop = opened("plain", tmp_path, "openvino")
    wanted = quantize.first_setting(workshop).model_copy(update={"method": "entropy"})
    with pytest.raises(UserError, match="NNCF does not take ranges that way"):
        quantize.quantize(workshop, wanted, tmp_path / "out.onnx")


def test_a_file_without_accuracy_is_worse_than_any(workshop: Workshop) -> None:
    """Where a label is missing from the part the mAP is undefined; nothing is better than that."""
    judge = Judge(drops=(np.inf, 0.2, 0.0))
    assert [kept for _, kept in told(searched(workshop, judge, timed=False))] == [True] * 4


def test_a_step_is_told_in_one_line(workshop: Workshop) -> None:
    steps = searched(workshop, Judge(speedups=(0.8,), drops=(0.0131,)), budget_s=1e-9).steps
    assert sentence(steps[0]) == f"{FIRST}, 0.80 times as fast as float: kept"
    assert "mAP surely at most +1.31 points lower on validation" in sentence(steps[1])
