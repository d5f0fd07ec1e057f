"""`python -m benchmarks.inspection`: what was planted is found, and nothing stops it."""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import trees
from chromium import CHROMIUM, LAPTOP, PHONE, running, watched
from PIL import Image

from benchmarks.inspection.labels import cooccurrence, label_facts, mean_ir
from benchmarks.inspection.opened import open_images
from benchmarks.inspection.report import inspect
from benchmarks.inspection.schema import DataReport
from benchmarks.inspection.scores import certifiable, check_fit, probabilities
from benchmarks.inspection.sections import PAGE
from edgepress.core.errors import UserError
from edgepress.core.eval_file import load_eval, save_eval
from edgepress.core.results import EvalResult

BOLD = "<b>never</b>"
WRONG = 17


def picture(number: int) -> Image.Image:
    """A photograph whose left, or top, half is bright where it has label `left`, or `top`."""
    rng = np.random.default_rng(number)
    coarse = rng.integers(20, 120, (6, 6)).astype(np.uint8)
    pixels = np.asarray(Image.fromarray(coarse).resize((48, 40))).astype(int)
    pixels[:, :24] += 90 * (number % 2)
    pixels[:20] += 40 * (number % 3 == 0)
    return Image.fromarray(pixels.astype(np.uint8))


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """150 photographs with a wrong label and two unknown ones; copies, and a broken file."""
    lines = [["image", "split", "left", "top", BOLD]]
    for number in range(150):
        picture(number).save(tmp_path / f"{number}.png")
        left = number % 2 if number != WRONG else 1 - number % 2
        top = "" if number in (5, 6) else int(number % 3 == 0)
        lines.append([f"{number}.png", "train", left, top, 0])
    (tmp_path / "same.png").write_bytes((tmp_path / "3.png").read_bytes())
    lines.append(["same.png", "train", 0, 1, 0])
    picture(40).save(tmp_path / "again.jpg", quality=90)
    lines.append(["again.jpg", "test", 0, 0, 0])
    (tmp_path / "broken.png").write_bytes((tmp_path / "3.png").read_bytes()[:200])
    lines.append(["broken.png", "train", 1, 1, 0])
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(lines)
    return tmp_path


@pytest.fixture
def report(planted: Path, command, tmp_path: Path) -> DataReport:
    pytest.importorskip("cleanlab")
    done = command("benchmarks.inspection.__main__", planted, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert "broken.png" in done.out
    return DataReport.model_validate_json((tmp_path / "out" / "data.json").read_text())


def test_what_was_planted_is_found(report: DataReport):
    assert (report.n_rows, report.n_images, report.n_unknown) == (153, 152, 2)
    assert [file.file for file in report.unreadable] == ["broken.png"]
    assert (report.n_grey, report.n_sizes, report.sizes[0].width) == (152, 1, 48)
    copies = report.duplicates
    assert (copies.exact.groups, copies.near.groups, copies.near.across_splits) == (1, 1, 1)
    exact, near = sorted(copies.groups, key=lambda group: not group.exact)
    assert [member.file for member in exact.images] == ["3.png", "same.png"]
    assert exact.different_labels == ("left",)
    assert [member.file for member in near.images] == ["40.png", "again.jpg"]
    assert near.splits == ("test", "train")
    assert near.different_labels == exact.splits == ()
    assert report.suspects.method == "cross-validation"
    top = [(suspect.file, suspect.label) for suspect in report.suspects.most_suspicious[:3]]
    assert (f"{WRONG}.png", "left") in top
    assert report.suspects.labels[2].suspects is None
    assert report.labels[2].ir_lbl is None
    assert any(BOLD in finding for finding in report.findings)
    assert report.certifiable.drop is None


def test_the_page_escapes_names_and_fetches_nothing(report: DataReport, tmp_path: Path):
    html = (tmp_path / "out" / "data.html").read_text()
    assert BOLD not in html
    assert "&lt;b&gt;never&lt;/b&gt;" in html
    assert "<script" not in html
    assert "http://" not in html
    assert "https://" not in html
    assert html.count("data:image/jpeg") >= 4
    assert "broken.png" in html
    assert "weak classifier" in html
    assert not list((tmp_path / "out").glob("*.draft*"))


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here")
def test_the_page_loads_clean_and_fits(report: DataReport, tmp_path: Path):
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    address = (tmp_path / "out" / PAGE.html_file).as_uri()
    with running() as browser:
        for size, scheme in ((PHONE, "dark"), (LAPTOP, "light")):
            seen = watched(browser, address, size, scheme)
            assert (seen.said, seen.asked, seen.fits) == ([], [address], True)


def test_a_file_name_is_escaped_too(report: DataReport):
    file = report.unreadable[0].model_copy(update={"file": "<img src=x>.png", "reason": "<i>"})
    html = PAGE.html(report.model_copy(update={"unreadable": (file,)}), {})
    assert "<img src=x>" not in html
    assert "<i>" not in html
    assert "&lt;img src=x&gt;" in html


def test_without_cleanlab_it_says_so_and_goes_on(planted: Path, command, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cleanlab", None)
    monkeypatch.setitem(sys.modules, "cleanlab.filter", None)
    done = command("benchmarks.inspection.__main__", planted, "--out", tmp_path / "out")
    assert done.code == 0
    assert done.err.count("cleanlab is not installed") == 1
    assert "edgepress[inspect]" in (tmp_path / "out" / "data.html").read_text()
    stored = json.loads((tmp_path / "out" / "data.json").read_text())
    assert stored["suspects"]["method"] is None
    assert stored["duplicates"]["exact"]["groups"] == 1


def evaluation(planted: Path, views: int = 2, part: str = "test") -> EvalResult:
    """Probabilities of a good model for the first 60 images."""
    opened = open_images(str(planted))
    rng = np.random.default_rng(0)
    true = np.stack([np.arange(60) % 2, np.arange(60) % 3 == 0, np.zeros(60)], axis=1)
    unsure = rng.uniform(0, 0.4, (views, 60, 3))
    unsure[:, WRONG] = 0.01
    scores = np.abs(true - unsure)
    return EvalResult(
        data_id=f"x:{part}",
        label_names=opened.table.label_names,
        image_ids=opened.image_ids[:60],
        view_names=("identity", "rot180")[:views],
        scores=scores.astype(np.float32),
        targets=opened.table.targets[:60],
        ap={}, map=None, f1_macro=None, ece=None,
    )  # fmt: skip


def test_scores_of_a_model_are_used_and_tell_what_can_be_certified(planted: Path, command):
    pytest.importorskip("cleanlab")
    save_eval(evaluation(planted), planted)
    done = command(
        "benchmarks.inspection.__main__", planted, "--scores", planted, "--out", planted / "out"
    )
    assert done.code == 0, done.err
    found = DataReport.model_validate_json((planted / "out" / "data.json").read_text())
    assert found.suspects.method == "scores"
    assert found.suspects.labels[0].images == 61  # 3.png and its copy have one score
    assert found.suspects.most_suspicious[0].file == f"{WRONG}.png"
    assert found.certifiable.n_images == 60
    assert 0 < found.certifiable.drop < 0.2
    assert "60 scored images can certify" in done.out


def test_scores_in_another_order_of_labels_are_taken_by_name(planted: Path):
    opened, result = open_images(str(planted)), evaluation(planted)
    order = [2, 0, 1]
    names = tuple(result.label_names[label] for label in order)
    turned = result.model_copy(update={"label_names": names, "scores": result.scores[:, :, order]})
    check_fit(opened, turned)
    np.testing.assert_array_equal(probabilities(opened, turned), probabilities(opened, result))


def test_one_view_certifies_nothing_and_says_why(planted: Path):
    found = certifiable(evaluation(planted, views=1))
    assert found.drop is None
    assert "two views" in found.told


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data_id": "x:train"}, "trained on"),
        ({"label_names": ("a", "b", "c")}, "labels are not the labels"),
        ({"image_ids": tuple(f"{n:016x}" for n in range(60))}, "none of the images"),
    ],
)
def test_scores_that_do_not_fit_are_refused(planted: Path, command, monkeypatch, change, message):
    monkeypatch.setitem(sys.modules, "cleanlab.filter", None)  # they are not for it alone
    save_eval(evaluation(planted).model_copy(update=change), planted)
    done = command(
        "benchmarks.inspection.__main__", planted, "--scores", planted, "--out", planted / "out"
    )
    assert done.code == 2
    assert message in done.err
    assert not (planted / "out").exists()


def test_scores_that_are_none(planted: Path, command):
    (planted / "eval.npz").write_bytes(b"no scores")
    done = command(
        "benchmarks.inspection.__main__", planted, "--scores", planted, "--out", planted / "out"
    )
    assert done.code == 2
    assert "cannot be read" in done.err
    with pytest.raises(UserError, match="cannot be read"):
        load_eval(planted / "missing.npz")


@pytest.mark.parametrize("where", ["missing", "empty", "words"])
def test_what_is_no_data_set_is_refused(command, tmp_path: Path, where: str):
    (tmp_path / "empty").mkdir()
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "note.txt").write_text("nothing here")
    done = command("benchmarks.inspection.__main__", tmp_path / where, "--out", tmp_path / "out")
    assert done.code == 2
    assert len(done.err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_one_image_only(command, tmp_path: Path):
    picture(1).save(tmp_path / "1.png")
    (tmp_path / "labels.csv").write_text("image,left\n1.png,1\n")
    done = command("benchmarks.inspection.__main__", tmp_path, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    found = DataReport.model_validate_json((tmp_path / "out" / "data.json").read_text())
    assert (found.n_images, found.cardinality, found.labels[0].prevalence) == (1, 1.0, 1.0)
    assert "on every image" in done.out


def test_no_image_can_be_read(command, tmp_path: Path):
    (tmp_path / "labels.csv").write_text("image,left\n1.png,1\n2.png,0\n")
    (tmp_path / "1.png").write_bytes(b"no image")
    done = command("benchmarks.inspection.__main__", tmp_path, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    found = DataReport.model_validate_json((tmp_path / "out" / "data.json").read_text())
    assert found.n_images == 0
    assert [file.file for file in found.unreadable] == ["1.png", "2.png"]
    assert "no such file" in found.unreadable[1].reason
    assert found.cardinality is found.mean_ir is found.labels[0].prevalence is None


@pytest.mark.parametrize("tree_name", trees.TREES)
def test_every_format_can_be_inspected(tree_name: str, tmp_path: Path):
    _, path = trees.make(tree_name, tmp_path)
    opened = open_images(str(path))
    found = inspect(opened, None, seed=0)
    assert found.n_rows == found.n_images + len(found.unreadable) > 5
    assert len(PAGE.html(found, {})) > 20_000
    assert sum(found.images_by_labels) == found.n_images


def test_a_place_that_cannot_be_written_is_refused_before_the_work(planted: Path, command):
    done = command(
        "benchmarks.inspection.__main__", planted, "--out", planted / "labels.csv" / "out"
    )
    assert done.code == 2
    assert "cannot be written" in done.err
    assert "read 153 images" not in done.err


def test_imbalance_by_hand():
    targets = np.array([[1, 0, 0], [1, 1, 0], [1, np.nan, 0], [0, 0, 0]], np.float32)
    facts = label_facts(("a", "b", "c"), targets)
    assert [label.ir_lbl for label in facts] == [1.0, 3.0, None]
    assert [label.prevalence for label in facts] == [0.75, pytest.approx(1 / 3), 0.0]
    assert [label.unknown for label in facts] == [0, 1, 0]
    assert mean_ir(facts) == 2.0
    both = cooccurrence(("a", "b", "c"), targets)
    assert both.labels == ("a", "b", "c")
    assert both.counts == ((3, 1, 0), (1, 1, 0), (0, 0, 0))


def test_what_is_unusual_of_labels_and_shapes_is_said(tmp_path: Path, command):
    pytest.importorskip("cleanlab")
    lines = ["image,a,same,opposite,mostly_unknown"]
    for number in range(30):
        size = (90, 30) if number == 4 else (40, 40)
        picture(number).resize(size).save(tmp_path / f"{number}.png")
        known = number % 2 if number < 2 else ""
        lines.append(f"{number}.png,{number % 2},{number % 2},{1 - number % 2},{known}")
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    findings = inspect(open_images(str(tmp_path)), None, 0).findings
    assert [one for one in findings if "a = same = not opposite" in one and "Next: keep" in one]
    assert [one for one in findings if one.endswith("mostly_unknown (known of 2)")]
    assert [one for one in findings if one.startswith("1 of 30 images lose their shape")]
