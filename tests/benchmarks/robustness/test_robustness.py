"""`python -m benchmarks.robustness`: the corruptions, what is lost under them, and the gate."""

import colorsys
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from chromium import CHROMIUM, LAPTOP, PHONE, running, watched
from colours import COLOURS, SPEC, write_onnx
from onnx import helper, numpy_helper
from PIL import Image
from sklearn.datasets import load_sample_images
from sound_html import Balance
from verdicts import check, evaluation, model

from benchmarks.errors.schema import Estimate
from benchmarks.evaluation.robustness import Robustness
from benchmarks.gates.evidence import Subject
from benchmarks.report.page import fragment
from benchmarks.robustness import sections
from benchmarks.robustness.corruptions import CORRUPTIONS, LEVELS, STRENGTHS, corrupt
from benchmarks.robustness.measuring import choose
from benchmarks.robustness.schema import CorruptionEntry, ModelRobustness, RobustnessReport
from benchmarks.robustness.sections import PAGE
from benchmarks.statistics.paired import ranks
from edgepress.core import registry
from edgepress.data.grouping import Grouped

COMMAND = "benchmarks.robustness.__main__"
Command = Callable[..., Any]


@pytest.fixture(scope="module")
def photographs() -> np.ndarray:
    """Return a temple and a flower in colour, and the temple in grey, `[3, 72, 96, 3]`."""
    found = [Image.fromarray(image).resize((96, 72)) for image in load_sample_images().images]
    return np.stack([np.asarray(one) for one in (*found, found[0].convert("L").convert("RGB"))])


def distance(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.abs(one.astype(float) - other).mean(axis=(1, 2, 3))


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_grows_with_its_strength(name: str, photographs: np.ndarray) -> None:
    made = [corrupt(photographs, name, strength, (1, 2, 3)) for strength in STRENGTHS]
    assert all(one.shape == photographs.shape and one.dtype == np.uint8 for one in made)
    far = [distance(one, photographs) for one in made]
    assert (far[0] > 0).all()
    assert (np.diff(far, axis=0) > 0).all()
    assert len(LEVELS[name]) == len(STRENGTHS)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_depends_on_the_image_and_its_seed_alone(
    name: str, photographs: np.ndarray
) -> None:
    made = corrupt(photographs, name, 3, (1, 2, 3))
    assert (corrupt(photographs[1:2], name, 3, (2,)) == made[1:2]).all()
    others = [corrupt(photographs, name, 3, (seed,) * 3) for seed in range(4, 10)]
    assert any((other != made).any() for other in others) == (name in ("noise", "rotation", "crop"))
    assert (made[2] == made[2][..., :1]).all(), "a grey image stays grey"
    assert not (made[1] == made[1][..., :1]).all()


def test_brightness_raises_v_and_keeps_hue_and_saturation(photographs: np.ndarray) -> None:
    before = photographs[1, ::9, ::9].reshape(-1, 3) / 255
    after = corrupt(photographs[1:2], "brightness", 2, (0,))[0, ::9, ::9].reshape(-1, 3) / 255
    for old, new in zip(before, after, strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*old)
        wanted = colorsys.hsv_to_rgb(hue, saturation, min(1, value + 0.2))
        assert new == pytest.approx(wanted, abs=0.51 / 255)


def test_images_are_chosen_by_the_seed() -> None:
    rows, targets = np.arange(100, 200), (np.arange(200) >= 160)[:, None].astype(np.float32)
    images = Grouped(rows)
    assert (choose(images, targets, 100, 0).rows == rows).all()
    few = choose(images, targets, 10, 0).rows
    assert len(set(few)) == 10
    assert set(few) <= set(rows)
    assert (few == np.sort(few)).all()
    assert targets[few].sum() == pytest.approx(4, abs=1), "the table is sorted by its label"
    assert (few == choose(images, targets, 10, 0).rows).all()
    assert (few != choose(images, targets, 10, 1).rows).any()


def fragile(file: Path) -> Path:
    """Write a model that sees the colours, and nothing where neighbouring pixels differ much."""
    write_onnx(file, COLOURS)
    found = onnx.load(file)
    laplacian = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]], np.float32)
    weights = {"edges": np.tile(laplacian, (3, 1, 1, 1)), "most": np.float32(0.6), "one": [1.0]}
    for name, value in weights.items():
        found.graph.initializer.append(numpy_helper.from_array(np.asarray(value, "f4"), name))
    last = found.graph.node.pop()
    found.graph.node.extend(
        [
            helper.make_node("Conv", ["image", "edges"], ["edge"], group=3),
            helper.make_node("Abs", ["edge"], ["size"]),
            helper.make_node("ReduceMean", ["size"], ["rough"], axes=[1, 2, 3], keepdims=0),
            helper.make_node("Div", ["rough", "most"], ["share"]),
            helper.make_node("Sub", ["one", "share"], ["left"]),
            helper.make_node("Relu", ["left"], ["smooth"]),
            helper.make_node("Mul", [last.input[0], "smooth"], ["seen"]),
            helper.make_node("Sigmoid", ["seen"], ["probs"]),
        ]
    )
    onnx.save(found, file)
    return file


def smaller(file: Path) -> Path:
    """Write the model that sees the colours, for images of half the side."""
    write_onnx(file, COLOURS)
    found = onnx.load(file)
    for dim in found.graph.input[0].type.tensor_type.shape.dim[2:]:
        dim.dim_value = SPEC.height // 2
    props = {prop.key: prop.value for prop in found.metadata_props}
    spec = SPEC.model_copy(update={"height": SPEC.height // 2, "width": SPEC.width // 2})
    helper.set_model_props(found, props | {"edgepress.image": spec.model_dump_json()})
    onnx.save(found, file)
    return file


def read(out: Path) -> RobustnessReport:
    return RobustnessReport.model_validate_json((out / PAGE.json_file).read_text())


def test_equal_models_lose_exactly_nothing(
    command: Command, make_model: Any, colours: Path, tmp_path: Path
) -> None:
    one, out = make_model("one"), tmp_path / "out"
    done = command(
        COMMAND, one.path, one.path, smaller(tmp_path / "half.onnx"), "--data", colours,
        "--out", out, "--images", 24, "--threads", 1,
        "--gate", "robust_map drop <= 0.001 vs tests", "--corruption", "crop",
    )  # fmt: skip
    assert done.code == 2, "no model is called so"
    done = command(
        COMMAND, one.path, one.path, "--data", colours, "--out", out, "--images", 24,
        "--threads", 1, "--gate", "robust_map drop <= 0.9",
    )  # fmt: skip
    assert done.code == 0, done.err
    found = read(out)
    entries = [*found.models[1].corruptions.values(), found.models[1].all]
    drops = [entry.drop for entry in entries] + [entry.beyond for entry in entries]
    drops.append(found.models[1].clean_drop)
    assert [drop.value for drop in drops] == [0.0] * 17
    assert all(drop.ci95[0] == -drop.ci95[1] < 0 for drop in drops), "what 24 images cannot show"
    assert found.n == 24
    assert found.gates[0].verdict == "pass"
    assert "PASS" in done.out


def test_a_fragile_model_is_found_and_fails_the_gate(
    command: Command, colours: Path, tmp_path: Path
) -> None:
    sound, out = tmp_path / "sound.onnx", tmp_path / "out"
    write_onnx(sound, COLOURS)
    done = command(
        COMMAND, sound, smaller(tmp_path / "half.onnx"), fragile(tmp_path / "fragile.onnx"),
        "--data", colours, "--out", out, "--corruption", "noise", "--corruption", "blur",
        "--threads", 1, "--gate", "robust_map drop <= 0.02",
    )  # fmt: skip
    assert done.code == 3, done.err
    found = read(out)
    assert [one.name for one in found.models] == ["sound", "half", "fragile"]
    assert [one.input for one in found.models] == [(16, 16), (8, 8), (16, 16)]
    assert list(found.models[0].corruptions) == ["noise", "blur"]
    assert found.models[0].all.drop.value == 0
    weak = found.models[2]
    assert abs(weak.clean_drop.value) < 0.02
    assert weak.corruptions["noise"].beyond.ci95[0] > 0.1
    assert abs(weak.corruptions["blur"].beyond.value) < 0.02
    assert weak.all.drop.value == pytest.approx(found.gates[0].measured)
    assert weak.all.mean == pytest.approx(
        np.mean([entry.mean for entry in weak.corruptions.values()])
    )
    assert (found.gates[0].verdict, found.gates[0].against) == ("fail", "sound")
    html = (out / PAGE.html_file).read_text()
    assert found.gates[0].reason in html
    assert 'id="image-noise-5"' in html
    assert not list(out.glob(".*")), "drafts are gone"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--corruption", "blurr"), "did you mean 'blur'"),
        (("--gate", "map drop <= 0.01"), "robust_map only"),
        (("--gate", "robust_map drop <= 0.02"), "compares two models"),
        (("--gate", "robust_map >= 0.5"), "form of the gate metric robust_map"),
        (("--provider", "cpuu"), "did you mean 'cpu'"),
        (("--images", "1"), "greater than or equal to 2"),
    ],
)
def test_bad_options(
    command: Command, colours: Path, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    write_onnx(tmp_path / "model.onnx", COLOURS)
    out = tmp_path / "out"
    done = command(
        COMMAND, tmp_path / "model.onnx", "--data", colours, "--out", out, *options
    )  # fmt: skip
    assert done.code == 2
    assert message in done.err
    assert not out.exists()


def test_no_model_and_other_labels(command: Command, colours: Path, tmp_path: Path) -> None:
    assert "No model was given" in command(COMMAND, "--data", colours).err
    write_onnx(tmp_path / "model.onnx", COLOURS)
    table = (colours / "table.csv").read_text().replace("image,red", "image,blue")
    (colours / "table.csv").write_text(table)
    done = command(COMMAND, tmp_path / "model.onnx", "--data", colours, "--out", tmp_path / "out")
    assert done.code == 2
    assert "labels are not the labels of the data" in done.err


def test_the_gate_takes_the_mean_of_all_conditions() -> None:
    clean, good, bad = (evaluation(noise) for noise in (0.0, 0.05, 0.6))
    old, new = (
        Subject(model(name), robustness=Robustness(clean, {"blur": conditions}))
        for name, conditions in (
            ("old", (ranks(clean), ranks(good))),
            ("new", (ranks(good), ranks(bad))),
        )
    )
    found = check("robust_map drop <= 1%", new, old)
    assert found.outcome == "fail"
    assert found.measured == pytest.approx((clean.map - bad.map) / 2)
    assert found.ci95[0] < found.measured < found.ci95[1]
    assert "limit of 1 points is not met" in found.reason
    assert check("robust_map drop <= 0.9", new, old).outcome == "pass"
    missing = check("robust_map drop <= 0.9", Subject(model("new")), old)
    assert (missing.outcome, missing.measured) == ("fail", None)


HOSTILE = ("<script>alert(1)</script>", "a & b")


def entry(start: float) -> CorruptionEntry:
    values = tuple(start - 0.1 * strength for strength in STRENGTHS)
    drop = Estimate(value=0.01, ci95=(0.001, 0.02))
    return CorruptionEntry(map=values, mean=start - 0.3, drop=drop, beyond=drop)


@pytest.fixture(scope="module")
def report() -> RobustnessReport:
    """Return a report on two models."""
    models = tuple(
        ModelRobustness(
            name=name, path="x", kind="onnx", precision="int8", size_bytes=1, input=(16, 16),
            clean=Estimate(value=0.9, ci95=(0.8, 0.95)), clean_drop=Estimate(value=0.0),
            corruptions={one: entry(0.9) for one in CORRUPTIONS}, all=entry(0.85),
        )
        for name in HOSTILE
    )  # fmt: skip
    return RobustnessReport(
        title="Robustness", command="c", data={}, environment={}, seed=0, n=9, models=models,
        gates=(), example="<b>.png",
    )  # fmt: skip


@pytest.mark.parametrize("name", registry.names(sections.__name__))
def test_a_section_renders_sound_html(name: str, report: RobustnessReport) -> None:
    parser = Balance()
    parser.feed(fragment(registry.find(sections.__name__, name, "section"), report))
    parser.close()
    assert not parser.open
    assert set(parser.scripts) <= {"application/json"}
    assert parser.text.strip()


def test_the_page_holds_a_plot_for_each_corruption(report: RobustnessReport) -> None:
    made = PAGE.html(report)
    assert made.count('class="plot"') == len(CORRUPTIONS) + 1
    assert "<script>alert" not in made
    specs = made.split('<script type="application/json">')[1:]
    first = json.loads(specs[0].partition("</script>")[0])
    assert first["data"][0]["x"] == [0, 1, 2, 3, 4, 5]
    assert first["data"][0]["y"] == pytest.approx([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])


def test_a_model_keeps_its_name(report: RobustnessReport) -> None:
    models = (report.models[0].model_copy(update={"name": "my_model_bytes"}),)
    made = PAGE.html(report.model_copy(update={"models": models}))
    assert "<dt>my_model_bytes</dt><dd>x, onnx, int8" in made


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here")
def test_the_page_loads_clean_and_fits(report: RobustnessReport, tmp_path: Path) -> None:
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    PAGE.write(report, tmp_path)
    address = (tmp_path / PAGE.html_file).as_uri()
    with running() as browser:
        for size, scheme in ((PHONE, "dark"), (LAPTOP, "light")):
            seen = watched(browser, address, size, scheme)
            assert seen.said == []
            assert seen.asked == [address]
            assert seen.fits
            assert seen.plots > 0


def test_the_gate_command_measures_what_it_is_asked_for(
    command: Command, colours: Path, tmp_path: Path
) -> None:
    sound, weak = tmp_path / "sound.onnx", fragile(tmp_path / "fragile.onnx")
    write_onnx(sound, COLOURS)
    gate = ("--data", colours, "--gate", "robust_map drop <= 0.02")
    done = command("benchmarks.gate", "--candidate", weak, "--baseline", sound, *gate)
    assert done.code == 3, done.err
    assert "FAIL" in done.out
    assert "mAP on corrupted images drops by" in done.out
    saved, out = tmp_path / "sound.npz", tmp_path / "compared"
    images = ("--data", colours, "--out", out, "--no-latency")
    assert command("benchmarks.compare", sound, *images, "--save", saved).code == 0
    done = command("benchmarks.gate", "--candidate", sound, "--baseline", saved, *gate)
    assert done.code == 4, "nothing is lost, but 80 images cannot show that it is so little"
    wide = (*gate[:-1], "robust_map drop <= 0.2")
    done = command("benchmarks.gate", "--candidate", sound, "--baseline", saved, *wide)
    assert done.code == 0, done.err
    sound.unlink()
    done = command("benchmarks.gate", "--candidate", weak, "--baseline", saved, *gate)
    assert done.code == 2
    assert "robust_map out" in done.err


def test_what_does_not_measure_it_refuses_it_before_the_work(
    command: Command, colours: Path, tmp_path: Path
) -> None:
    write_onnx(tmp_path / "model.onnx", COLOURS)
    out = tmp_path / "out"
    gate = ("--gate", "robust_map drop <= 0.02", "--data", colours, "--out", out)
    for module, *models in (
        ("benchmarks.compare", tmp_path / "model.onnx"),
        ("compress.train",),
        ("export.onnx", "--model", tmp_path / "model.onnx", "--quantize", "int8"),
    ):
        done = command(module, *models, *gate)
        assert done.code == 2, module
        assert "python -m benchmarks.gate" in done.err
        assert not out.exists()
