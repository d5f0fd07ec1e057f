"""What a plan says of the data: each remark where it is due, in order, five at most."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_data import made
from PIL import Image
from places import ROOT

from benchmarks.inspection import remarks
from benchmarks.statistics.certifiable import certifiable_drop
from compress.planning.data import power
from compress.planning.facts import Facts, Start, facts_of
from compress.planning.findings import MOST, Findings, findings
from edgepress.core import artifact
from edgepress.core.eval_file import load_eval
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Architecture, Split
from edgepress.data import duplicates
from edgepress.data.dataset import Dataset, open_data
from edgepress.data.ranges import Ranges

N = 1000
PARTS = np.array(["train", "val", "test", "train", "test"] * (N // 5))
TEST = np.flatnonzero(PARTS == "test")
TRAIN = np.flatnonzero(PARTS == "train")
GATES = ("map drop <= 0.05", "latency speedup >= 2")
START = Start("none", None, Architecture(name="tiny_network:build"))
SPEC = ImageSpec(height=64, width=64)

Change = Callable[[np.ndarray], None]


def labels() -> np.ndarray:
    """Two labels that each have 400 of 1,000 images, whatever the part."""
    return (np.random.default_rng(0).random((N, 2)) < 0.4).astype(np.float32)


def eight_bits() -> Ranges:
    one = np.ones(N)
    return Ranges(0 * one, 255 * one, 255 * one, 255 * one, one > 1, one.astype(int), one > 1)


def facts(
    dataset: Dataset, parts: Sequence[str] = PARTS, spec: ImageSpec = SPEC, group: str | None = None
) -> Facts:
    ids = np.array(dataset.image_ids)
    rows = {part: tuple(ids[np.array(parts) == part]) for part in ("train", "val", "test")}
    if dataset.sizes is None:
        dataset = replace(dataset, sizes=np.full((len(ids), 2), 80, np.int32))
    return facts_of(dataset, Split(**rows, group_column=group), START, spec)


def only(found: Findings) -> remarks.Remark:
    (remark,) = found.remarks
    assert not found.n_more
    return remark


def test_good_data_have_no_findings():
    found = findings(facts(replace(made(labels()), ranges=eight_bits())), GATES)
    assert (found.remarks, found.lines) == ((), ())
    assert found.map_drop == pytest.approx(0.0140, abs=0.0001)
    assert found.certifiable.startswith(
        "400 test images can certify a drop of mAP of about 1.4 points or more (assumed: "
    )


def none_has(rows: np.ndarray) -> Change:
    return lambda targets: targets.__setitem__((rows, 1), 0)


def all_have(rows: np.ndarray) -> Change:
    return lambda targets: targets.__setitem__((rows, 1), 1)


def unknown(rows: np.ndarray) -> Change:
    return lambda targets: targets.__setitem__((rows, 1), np.nan)


def few(targets: np.ndarray) -> None:
    targets[TEST, 1] = 0
    targets[TEST[:3], 1] = 1


def few_lack(targets: np.ndarray) -> None:
    targets[TEST, 1] = 1
    targets[TEST[:4], 1] = 0


def almost_everywhere(targets: np.ndarray) -> None:
    targets[:, 1] = 1
    targets[TEST[:12], 1] = targets[TRAIN[:12], 1] = 0


def almost_unknown(targets: np.ndarray) -> None:
    targets[:, 1] = np.nan
    targets[TEST[:30], 1] = targets[TRAIN[:30], 1] = [0, 1, 1] * 10


def equal(targets: np.ndarray) -> None:
    targets[:, 1] = targets[:, 0]


def opposite(targets: np.ndarray) -> None:
    targets[:, 1] = 1 - targets[:, 0]


@pytest.mark.parametrize(
    ("change", "severity", "words"),
    [
        (none_has(TEST), "wrong", "1 label cannot be measured, or held to a gate, for no test "
         "image has: b"),
        (all_have(TEST), "wrong", "measured, or held to a gate, for every test image has: b"),
        (unknown(TEST), "wrong", "for of no test image is known whether it has: b"),
        (none_has(TRAIN), "wrong", "1 label cannot be learnt from the images, for no training "
         "image has: b"),
        (few, "weak", "(3 of 3 found leave open that 63% are missed): b (in 3)"),
        (few_lack, "weak", "(4 of 4 found leave open that 53% are missed): b (not in 4)"),
        (almost_everywhere, "weak", "almost everywhere (on 95% of the images or more): b (97.6%)"),
        (almost_unknown, "weak", "(of 90% of the images or more): b (known of 60)"),
        (equal, "wrong", "so that mAP counts one thing several times: a = b"),
        (opposite, "wrong", "so that mAP counts one thing several times: a = not b"),
    ],
)  # fmt: skip
def test_labels_that_teach_or_show_little(change: Change, severity: str, words: str):
    targets = labels()
    change(targets)
    remark = only(findings(facts(made(targets)), ()))
    assert remark.severity == severity
    assert words in remark.text
    assert remark.next_step


def test_labels_that_never_vary_are_not_called_equal():
    targets = np.tile(np.float32([[0, 1, np.nan]]), (9, 1))
    assert not remarks.about_labels("abc", targets)


def pair(of: str, and_of: str) -> list[int]:
    """Two images with the same labels."""
    first = int(np.flatnonzero(of == PARTS)[0])
    same = (labels() == labels()[first]).all(axis=1) & (and_of == PARTS)
    return [first, int(next(row for row in np.flatnonzero(same) if row != first))]


def test_near_duplicates_across_parts():
    dataset = made(labels(), alike=[pair("train", "test")])
    remark = only(findings(facts(dataset), ()))
    assert remark.text.startswith("1 of 400 test images have near-duplicates in another part")
    assert remark.severity == "weak"
    assert not findings(facts(made(labels(), alike=[pair("test", "test")])), ()).remarks


def test_many_near_duplicates_across_parts_are_wrong():
    targets = labels()
    alike = [[row, row + 1] for row in range(1, 50, 5)]
    targets[[two for _, two in alike]] = targets[[one for one, _ in alike]]
    remark = only(findings(facts(made(targets, alike=alike)), ()))
    assert remark.text.startswith("10 of 400 test images")
    assert remark.severity == "wrong"


def test_near_duplicates_with_different_labels():
    targets, alike = labels(), [(int(a), int(b)) for a, b in TRAIN[:40].reshape(-1, 2)]
    for one, other in alike:
        targets[one], targets[other] = (0, 1), (0, 0)
    remark = only(findings(facts(made(targets, alike=alike)), ()))
    assert remark.severity == "wrong"
    assert remark.text == (
        "40 images in 20 groups of near-duplicates have different labels: b"
    )  # fmt: skip
    targets = labels()
    targets[alike[0][0]], targets[alike[0][1]] = (1, 1), (1, np.nan)
    assert not findings(facts(made(targets, alike=alike[:1])), ()).remarks
    targets[alike[0][1]] = (1, 0)
    assert only(findings(facts(made(targets, alike=alike[:1])), ())).severity == "weak"


@pytest.mark.parametrize(
    ("field", "count", "value", "severity", "words"),
    [
        ("spread", 12, 9, "weak", "levels): 12, 0 of them with a single one: 0.png, 1.png, 2"),
        ("spread", 2, 0, "minor", "256 grey levels): 2, 2 of them with a single one: 0.png, 1.png"),
        ("white", 7, np.nan, "wrong", "7 images have floats or integers from 0 to 255 for samples"),
        ("deep", 5, True, "minor", "5 images of more than 8 bits: the samples 0 to 255 become 256"),
        ("pages", 1, 3, "minor", "1 files hold several pictures"),
        ("clear", 1, True, "minor", "1 images are transparent in places"),
    ],
)  # fmt: skip
def test_samples(field: str, count: int, value: float, severity: str, words: str):
    ranges = eight_bits()
    getattr(ranges, field)[:count] = value
    remark = only(findings(facts(replace(made(labels()), ranges=ranges)), ()))
    assert remark.severity == severity
    assert words in remark.text


def test_a_declared_range_leaves_no_doubt():
    ranges = eight_bits()
    ranges.white[:5], ranges.deep[:5] = np.nan, True
    spec = SPEC.model_copy(update={"pixel_range": (0, 200)})
    remark = only(findings(facts(replace(made(labels()), ranges=ranges), spec=spec), ()))
    assert remark.text.startswith("5 images of more than 8 bits: the samples 0 to 200 become 256")


@pytest.mark.parametrize(
    ("size", "count", "severity", "words"),
    [
        ((200, 99), 10, "minor", "10 of 1,000 images lose their shape"),
        ((99, 200), 600, "weak", "in 64 x 64 pixels (one is 99 x 200)"),
        ((32, 20), 30, "minor", "30 of 1,000 images are at most half as wide and high as the"),
    ],
)  # fmt: skip
def test_sizes(size: tuple[int, int], count: int, severity: str, words: str):
    sizes = np.full((N, 2), 80, np.int32)
    sizes[:count] = size
    remark = only(findings(facts(replace(made(labels()), sizes=sizes)), ()))
    assert remark.severity == severity
    assert words in remark.text
    sizes[9:] = 80
    assert not findings(facts(replace(made(labels()), sizes=sizes)), ()).remarks


def test_shapes_that_the_input_shares_or_that_are_cut_are_not_distorted():
    sizes = np.array([[200, 100]], np.int32)
    assert remarks.stretched(sizes, SPEC)
    assert not remarks.stretched(sizes, SPEC.model_copy(update={"crop": "center"}))
    assert not remarks.stretched(sizes, ImageSpec(height=64, width=128))
    assert "an image size of 32" in remarks.enlarged(sizes // 8, SPEC)[0].next_step
    assert not remarks.enlarged(np.array([[33, 20]], np.int32), SPEC)


def test_no_validation_image():
    parts = np.where(PARTS == "val", "train", PARTS)
    remark = only(findings(facts(made(labels()), parts), ()))
    assert remark.text.startswith("There is no validation image")


def test_few_groups():
    patients = ["one", "two", "three"]
    texts = [patients[row // 5 % 3] if PARTS[row] == "test" else f"p{row}" for row in range(N)]
    found = findings(facts(made(labels(), {"patient": texts}), group="patient"), ())
    remark = only(found)
    assert remark.text.startswith("Labels whose test images are of fewer than 10 groups")
    assert remark.text.endswith(" of 3)")
    alone = findings(facts(made(labels())), ()).map_drop
    assert found.map_drop > 5 * alone


@pytest.mark.parametrize(
    ("gate", "needs", "next_step"),
    [
        ("map drop <= 0.01", "1.4 points", ", or have about 2 times as many test images"),
        ("map drop <= 0.001", "1.4 points", ""),
        ("ap[b] drop <= 0.01", "2.5 points", ", or have about 6 times as many test images"),
        ("worst_ap drop <= 0.01", "2.5 points", ", or have about 6 times as many test images"),
    ],
)
def test_a_test_part_too_small_for_a_gate(gate: str, needs: str, next_step: str):
    remark = only(findings(facts(made(labels())), (*GATES, gate)))
    assert f"without any drop: `{gate}` needs {needs} (assumed: a teacher" in remark.text
    assert remark.next_step == f"allow a larger drop{next_step}"
    assert remark.severity == "weak"


@pytest.mark.parametrize(
    "gate",
    ["map drop <= 0.02", "ap[b] drop <= 0.05", "map >= 0.99", "recall[b] drop <= 0.0001"],
)
def test_gates_that_the_test_part_is_not_too_small_for(gate: str):
    assert not findings(facts(made(labels())), (gate,)).remarks


def test_the_worst_come_first_and_five_are_shown():
    targets, ranges = labels(), eight_bits()
    few(targets)
    targets[TRAIN[0]], targets[TRAIN[1]] = (0, 1), (0, 0)
    ranges.deep[:], ranges.clear[3], ranges.spread[:50], ranges.white[7] = True, True, 3, np.nan
    dataset = made(targets, alike=[TRAIN[:2]])
    sizes = np.full((N, 2), 20, np.int32)
    dataset = replace(dataset, source="cells", ranges=ranges, sizes=sizes)
    found = findings(facts(dataset), ("map drop <= 0.0001",))
    severities = [one.severity for one in found.remarks]
    assert severities == ["wrong", "weak", "weak", "weak", "weak"]
    assert found.remarks[1].text.startswith("The test part is too small")
    assert (len(found.remarks), found.n_more) == (MOST, 2)
    assert found.lines[-1] == (
        "2 more remarks, and pictures: python -m benchmarks.inspection cells"
    )  # fmt: skip
    assert Findings.model_validate_json(found.model_dump_json()) == found


ZOO = ROOT / "models" / "zoo" / "elpv_teacher"


def solar(start: Start = START) -> Facts:
    """The shipped teacher's test part, and as many images to train on."""
    told = load_eval(ZOO / "eval.npz")
    n = len(told.image_ids)
    dataset = made(np.tile(told.targets, (2, 1)))
    table = replace(dataset.table, label_names=told.label_names)
    ids = (*told.image_ids, *dataset.image_ids[n:])
    both = facts(replace(dataset, table=table, image_ids=ids), ["test"] * n + ["train"] * n)
    return replace(both, start=start)


def test_the_assumed_scores_certify_what_the_solar_cells_do():
    """The student of docs/results/elpv: at most 1.25 points with 95% confidence, and 0.68 shown."""
    assert power.power_of(solar(), ()).map_drop == pytest.approx(0.0125 - 0.0068, abs=0.0006)


def test_scores_of_a_model_at_hand_are_used():
    model = artifact.load(ZOO)
    found = power.power_of(solar(Start("network", ZOO, None, model)), ())
    assert found.map_drop == certifiable_drop(load_eval(ZOO / "eval.npz"))
    assert "by the stored scores of the model" in found.sentence
    start = Start("network", ZOO, None, model)
    for changed in ({"label_names": tuple("abcd")}, {}):  # other labels, and other images
        other = solar(start).context
        table = replace(other.dataset.table, **changed)
        dataset = replace(other.dataset, table=table)
        split = other.split if changed else Split(train=(), val=(), test=other.split.train)
        unlike = facts_of(dataset, split, start, SPEC)
        assert "assumed" in power.power_of(unlike, ()).sentence


def test_a_sample_of_many_labels_stands_for_all(monkeypatch: pytest.MonkeyPatch):
    random = np.random.default_rng(1)
    targets = (random.random((N, 60)) < np.linspace(0.02, 0.5, 60)).astype(np.float32)
    dataset = made(targets)
    names = tuple(f"l{row}" for row in range(60))
    many = facts(replace(dataset, table=replace(dataset.table, label_names=names)))
    whole = power.power_of(many, ())
    monkeypatch.setattr(power, "WORK", 1)
    some = power.power_of(many, ("ap[l33] drop <= 0.1",))
    assert (len(whole.ranked), len(some.ranked)) == (60, 11)
    rarest = int(whole.units[1].argmin())
    assert {33, rarest} <= set(some.ranked)
    assert some.map_drop == pytest.approx(whole.map_drop, rel=0.2)


def test_a_test_part_that_can_certify_nothing():
    targets = labels()
    targets[TEST] = 0
    found = findings(facts(made(targets)), ("map drop <= 0.01", "ap[a] drop <= 0.01"))
    assert found.map_drop is None
    assert "can certify no drop" in found.certifiable
    assert [one.severity for one in found.remarks] == ["wrong"]


def test_opened_data_are_not_looked_at_again(tmp_path: Path):
    for number, size in enumerate([(30, 40), (50, 20), (8, 8)]):
        photograph(number, size).save(tmp_path / f"{number}.png")
    (tmp_path / "labels.csv").write_text("image,a\n0.png,1\n1.png,0\n2.png,1\n")
    dataset = open_data(str(tmp_path))
    assert facts(dataset, ["train", "test", "test"]).sizes.tolist() == [[30, 40], [50, 20], [8, 8]]


def photograph(seed: int, size: tuple[int, int]) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 255, size[::-1], dtype=np.uint8)
    return Image.fromarray(pixels)


def test_pictures_are_compared_once(monkeypatch: pytest.MonkeyPatch):
    asked: list[int] = []
    monkeypatch.setattr(duplicates, "_COMPARED", {})
    compare = duplicates._groups
    monkeypatch.setattr(
        duplicates,
        "_groups",
        lambda thumbnails: asked.append(len(thumbnails)) or compare(thumbnails),
    )
    thumbnails = made(labels(), alike=[[0, 3]]).thumbnails
    for _ in range(2):
        group = duplicates.groups(thumbnails)
        assert group[0] == group[3] != group[1]
        group[:] = 0  # whoever changes it changes nothing for the next
    assert asked == [N]
