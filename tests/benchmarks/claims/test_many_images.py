"""Many generated images: what is planted among them is there, and the command measures."""

import csv
from pathlib import Path

import pytest

from benchmarks.claims import many_images
from edgepress.data.survey import survey


def test_planted_copies_and_broken_files_are_there(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(many_images, "EVERY", 10)
    many_images.make(tmp_path / "images", many_images.Config(images=300, labels=4))
    with (tmp_path / "images" / "labels.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["image", "split", "shape0", "shape1", "shape2", "shape3"]
    assert len(rows) == 301
    found = survey(tuple(tmp_path / "images" / row[0] for row in rows[1:]))
    broken = [fault for fault in found.faults if fault]
    assert 0 < len(broken) < 90
    assert all("truncated" in fault for fault in broken)
    assert 210 < len(set(found.image_ids)) < 300


def test_the_command_inspects_and_measures(tmp_path: Path, command):
    words = ("--images", 120, "--keep", tmp_path / "kept", "--out", tmp_path / "many.json")
    done = command("benchmarks.claims.many_images", *words)
    assert done.code == 0, done.err
    assert "120 images, 10 labels" in done.out
    (work,) = many_images.Result.model_validate_json((tmp_path / "many.json").read_text()).works
    assert work.name == "inspected"
    assert work.cost.cpu_s > 0
    assert work.cost.peak_rss_bytes > 1e7
    assert "120 images, 10 labels, on" in (tmp_path / "many.md").read_text()
    assert (tmp_path / "kept-inspected" / "data.html").is_file()
    again = command("benchmarks.claims.many_images", *words)
    assert again.code == 2
    assert "there already" in again.err


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [("--images", 5, "equal to 100"), ("--labels", 11, "equal to 10")],
)
def test_bad_options_are_told(command, option, value, allowed):
    done = command("benchmarks.claims.many_images", option, value)
    assert done.code == 2
    assert allowed in done.err
