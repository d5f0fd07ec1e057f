"""The page on the house shows what to add where; each example works in a copy of the house."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pages
import pytest
from house_copy import copy_house

HOUSE = pages.DOCS / "architecture.md"
FIRST_LINE = re.compile(r"(?:# |\{# )(\S+\.(?:py|jinja))")
FILES = {
    found[1]: block
    for language in ("python", "jinja")
    for block in pages.blocks(HOUSE, language)
    if (found := FIRST_LINE.match(block))
}
"""Examples by their path, which the first line names."""

USE = """
import json, runpy, sys
import torch, torch_pruning
from torch import nn
from benchmarks.gates.verdicts import parse
from benchmarks.report.sections import PAGE
from compress.learning import losses, terms
from compress.learning.terms._taught import Taught
from compress.pruning import importance
from export import targets

report = runpy.run_path(sys.argv[1])["full_report"]()
zeros, unknown = torch.zeros(1, 2), torch.tensor([[1.0, float("nan")]])
(term,) = terms.parse(["squared=2"])
taught = Taught(zeros, torch.full((1, 2), 100.0), unknown)
network = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.Conv2d(2, 1, 1, bias=False))
for layer, weights in zip(network, ([1.0, -3.0], [2.0, -1.0])):
    layer.weight.data = torch.tensor(weights).reshape(layer.weight.shape)
graph = torch_pruning.DependencyGraph().build_dependency(network, torch.zeros(1, 1, 4, 4))
group = graph.get_pruning_group(network[0], torch_pruning.prune_conv_out_channels, [0, 1])
print(json.dumps({
    "a gate metric": str(parse("bits ratio <= 0.3")),
    "a loss": float(losses.find("brier")(zeros, unknown)),
    "a distillation term": terms.total([term], taught).item(),
    "an importance": importance.find("readers")(group).tolist(),
    "a target": targets.resolve("my-npu").precisions,
    "a report section": "labels on Solar-cell defects" in PAGE.html(report),
}))
"""


def test_every_addition_that_the_table_links_is_shown_shortly():
    linked = re.findall(r"^\| \[([^]]+)\]\(#([\w-]+)\) \| `([^`]+)` \|", HOUSE.read_text(), re.M)
    assert {folder for *_, folder in linked} == {path.rpartition("/")[0] for path in FILES}
    assert len(linked) == 6
    for block in FILES.values():
        assert len([line for line in block.splitlines() if line.strip()]) <= 16


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what the examples do, in a copy of all rooms."""
    copy = tmp_path_factory.mktemp("house")
    copy_house(copy, left_out=("zoo",))
    for path, code in FILES.items():
        assert not (copy / path).exists()
        (copy / path).write_text(code)
    sample = pages.ROOT / "tests" / "support" / "report_sample.py"
    done = subprocess.run(
        [sys.executable, "-c", USE, sample], cwd=copy, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(copy)}, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_each_is_found_by_its_name_and_does_its_work(found: dict[str, Any]):
    assert found == {
        "a gate metric": "bits ratio <= 0.3",
        "a loss": pytest.approx(0.25),  # at a probability of 1/2
        "a distillation term": pytest.approx(2 * 0.25),
        "an importance": pytest.approx([1.6, 0.4]),  # (2 * 2, 1 * 1) by their mean
        "a target": ["fp32", "int8"],
        "a report section": True,
    }


def test_the_table_names_folders_of_one_file_per_thing():
    rows = re.findall(r"^\| [^|]+ \| `([^`]+)` \| [^|]+ \|$", HOUSE.read_text(), re.M)
    assert len(rows) >= 11
    assert all((pages.ROOT / Path(folder)).is_dir() for folder in rows)
