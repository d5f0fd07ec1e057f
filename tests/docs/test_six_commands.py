"""The README's way from a folder of images to a bundle, as it stands, with small networks."""

from pathlib import Path

import pages
import pytest

SHORT = ("--epochs", "1", "--batch-size", "64", "--gate", "map >= 0")
LEFT_OUT: dict[str, tuple[str, ...]] = {
    "benchmarks.inspection": (),
    "compress.train": (*SHORT, "--weights", "random", "--image-size", "32"),
    "compress.prune": (
        *("--epochs", "1", "--batch-size", "64", "--gate", "macs ratio <= 0.3"),
        *("--rounds", "1", "--round-to", "4", "--no-keep-residual"),
    ),
    "compress.distill": SHORT,
    "export.onnx": ("--budget", "0", "--emulate", "0", "--gate", "int8_convs >= 1"),
    "export.bundle": ("--golden-images", "2", "--check-images", "16"),
}
"""Options that the README leaves to their defaults, for which a test has no time."""
INSTEAD = {"efficientnet_lite0": "resnet10t"}


def six() -> list[list[str]]:
    (found,) = [
        code for code in pages.blocks(pages.README, "sh") if "benchmarks.inspection" in code
    ]
    return list(pages.commands(found))


def test_they_are_six_and_stand_on_the_first_page_too():
    assert [words[2] for words in six()] == list(LEFT_OUT)
    first = [
        words
        for code in pages.blocks(pages.DOCS / "index.md", "sh")
        for words in pages.commands(code)
    ]
    assert six() == [words for words in first if words[0] == "python"]


@pytest.mark.slow
def test_they_lead_from_a_folder_to_a_bundle(command, scenes: Path, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cells").symlink_to(scenes)
    for _, _, module, *options in six():
        place = (
            f"{module}.__main__" if module in ("benchmarks.inspection", "export.bundle") else module
        )
        options = [INSTEAD.get(word, word) for word in options]
        done = command(place, *options, *LEFT_OUT[module])
        assert done.code == 0, (module, done.err)
    assert (tmp_path / "cells.zip").is_file()
