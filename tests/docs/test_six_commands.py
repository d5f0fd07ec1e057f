"""The way step by step from a folder of images to a bundle, as it stands, with small networks."""

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
"""Options that the page leaves to their defaults, for which a test has no time."""
INSTEAD = {"efficientnet_lite0": "resnet10t"}


def six() -> list[list[str]]:
    (found,) = [
        code
        for code in pages.blocks(pages.DOCS / "training.md", "sh")
        if "benchmarks.inspection" in code
    ]
    return list(pages.commands(found))


def test_they_are_six():
    assert [words[2] for words in six()] == list(LEFT_OUT)


def test_the_one_command_stands_first_on_every_first_page():
    for page in (pages.README, pages.DOCS / "index.md", pages.DOCS / "training.md"):
        first = [words for code in pages.blocks(page, "sh") for words in pages.commands(code)]
        own = [words for words in first if words[0] == "python"]
        assert own[0] == ["python", "-m", "compress", "--data", "cells"], page


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
