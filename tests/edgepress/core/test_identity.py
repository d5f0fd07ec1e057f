"""An id is a hash of what the result depends on, and of nothing else: one test for each of both."""

import csv
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import made_data
import pytest
import tiny_network
import torch
from PIL import Image
from places import ROOT
from plans import plan, store
from pydantic import BaseModel
from safetensors.torch import save_file

from benchmarks import compare
from benchmarks.gates import metrics
from benchmarks.gates.verdicts import judges
from compress import distill, train
from edgepress.core import artifact as artifacts
from edgepress.core import hashing, source
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.source import source_hash
from edgepress.core.stage import JUDGES, Plan
from edgepress.data import random_split, split
from edgepress.data.dataset import open_data
from models import families, pretrained

STAGES = ("compress.train", "compress.prune", "compress.distill", "export.onnx")


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project's source, in one place, so that a file is parsed once."""
    place = tmp_path_factory.mktemp("tree")
    for file in [*ROOT.glob("benchmarks/report/**/*"), *ROOT.glob("*/**/*.py")]:
        if file.is_file() and file.relative_to(ROOT).parts[0] in source.ROOMS:
            fresh(file, place / file.relative_to(ROOT))
    return place


@pytest.fixture
def tree(copied: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a copy of the project's source that may be edited."""
    monkeypatch.setattr(hashing, "ROOT", copied)
    yield copied
    for copy in filter(Path.is_file, copied.rglob("*")):
        fresh(ROOT / copy.relative_to(copied), copy)


def fresh(file: Path, copy: Path) -> None:
    """Make a copy anew where it is missing or was edited, with the times of the file."""
    if not copy.exists() or copy.stat().st_mtime_ns != file.stat().st_mtime_ns:
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, copy)


def edit(tree: Path, name: str, before: str, after: str) -> None:
    file = tree / name
    text = file.read_text()
    assert before in text, (name, before)
    file.write_text(text.replace(before, after))
    os.utime(file, ns=(1, hash((before, after)) % 10**9))  # the clock may be too coarse


COMPUTES = [
    ("compress.train", "compress/learning/loop/run.py", "100_003", "100_019"),
    ("compress.distill", "compress/learning/losses/bce.py", "return mean", "return 2 * mean"),
    ("compress.train", "edgepress/data/random_split.py", "TEST_SHARE = 0.4", "TEST_SHARE = 0.3"),
    ("compress.train", "edgepress/core/image_spec.py", "0.485", "0.5"),
    ("compress.train", "edgepress/core/scaling.py", "1 / self.slope", "2 / self.slope"),
    ("compress.train", "benchmarks/statistics/paired.py", "return ", "return 2 * "),
    ("compress.prune", "compress/pruning/channels.py", "return ", "return 2 * "),
    ("export.onnx", "export/making/int8/quantize.py", "import onnx", "import onnx\nN = 1"),
    ("benchmarks.runtimes.cpu", "benchmarks/runtimes/cpu.py", "return ", "return 2 * "),
    ("export.targets.cpu_vnni", "export/targets/cpu_vnni.py", '"cpu-vnni"', '"cpu-vnnx"'),
]  # fmt: skip


@pytest.mark.parametrize(("module", "file", "before", "after"), COMPUTES)
def test_what_computes_is_in_the_source(
    tree: Path, module: str, file: str, before: str, after: str
):
    first = source_hash(module)
    edit(tree, file, before, after)
    assert source_hash(module) != first


SAYS = [
    ("benchmarks/timing/process.py", '"""', '"""Reworded: '),
    ("benchmarks/timing/tournament.py", "import ", "import math\nimport "),
    ("benchmarks/gates/metrics/latency.py", "median latency is", "the median of the latency is"),
    (
        "benchmarks/gates/metrics/latency.py",
        " times as fast ({evidence.level} interval",
        " times quicker ({evidence.level} interval",
    ),
    (
        "benchmarks/gates/metrics/latency.py",
        "this machine is too noisy",
        "this machine is very much too noisy",
    ),
    ("compress/learning/not_finite.py", "The loss is not finite any more", "The loss is NaN"),
    ("compress/learning/not_finite.py", "lower --learning-rate", "try a lower --learning-rate"),
    ("compress/learning/loop/run.py", "resuming after epoch", "going on after epoch"),
    ("edgepress/data/images.py", "it is a decompression bomb", "it is huge"),
    ("edgepress/data/pixels.py", '"decoding"', '"unpacking pixels"'),
    ("edgepress/core/console.py", "warning: ", "WARNING: "),
    ("edgepress/core/stage.py", "import shutil", "import shutil  # which removes"),
    ("benchmarks/thresholds/demands.py", "ask for less, or train", "ask less, or train"),
]


@pytest.mark.parametrize(("file", "before", "after"), SAYS)
def test_what_only_says_stores_or_times_is_not(tree: Path, file: str, before: str, after: str):
    modules = (*STAGES, *map(metrics.module_of, metrics.names()))
    first = [source_hash(module) for module in modules]
    edit(tree, file, before, after)
    assert [source_hash(module) for module in modules] == first


def test_a_metric_is_in_the_id_where_a_gate_names_it(tree: Path):
    wanted = ("latency p50 <= 5ms", "size <= 1MB"), ("map >= 0.5", "ap[a] drop <= 0.1")
    first, others = map(judges, wanted)
    edit(tree, "benchmarks/gates/metrics/latency.py", "finding.measured / ", "")
    assert judges(wanted[0]) != first
    assert judges(wanted[1]) == others
    edit(
        tree,
        "benchmarks/gates/metrics/_ranking.py",
        "found.bounds(evidence.tail)",
        "found.interval()",
    )
    assert judges(wanted[1]) != others


@pytest.mark.parametrize("module", [*source.SAYING, *source.TIMING])
def test_what_is_left_out_is_there(module: str):
    assert source._module_file(module), module


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('x = "map drop <= 0.05"', 'x = "map drop <= 0.04"'),
        ('x = r"(?P<one>and) some more words"', 'x = r"(?P<two>and) some more words"'),
        ('x = "import numpy\\nprint what is there"', 'x = "import numpy\\nprint what was there"'),
        ("raise UserError(x)", "raise GateFailed(x)"),
        ("x = find(reason, 'cat')", "x = find(reason, 'dog')"),
        ("console.track(x, 'words')", "console.track(y, 'words')"),
        ("x = f'{a} {b}'", "x = f'{b} {a}'"),
    ],
)
def test_texts_that_decide_something_are_kept(tmp_path: Path, before: str, after: str):
    files = [tmp_path / "before.py", tmp_path / "after.py"]
    for file, text in zip(files, (before, after), strict=True):
        file.write_text(text)
    assert source.computing(files[0]) != source.computing(files[1])


def test_four_words_are_a_sentence_and_three_are_not():
    assert source._is_sentence("no such file here")
    assert not source._is_sentence("no such file")


def test_the_version_of_a_library_that_computes_is_in_the_source(monkeypatch):
    first = {module: source_hash(module) for module in ("compress.train", "edgepress.data.table")}
    real = source._version
    monkeypatch.setattr(source, "_version", lambda name: "9.9" if name == "torch" else real(name))
    assert source_hash("compress.train") != first["compress.train"]
    assert source_hash("edgepress.data.table") == first["edgepress.data.table"], "needs no torch"


@pytest.mark.parametrize(
    ("file", "same"),
    [
        ("benchmarks/report/sections/lineage.py", False),
        ("benchmarks/report/sections/lineage.html.jinja", False),
        ("benchmarks/report/templates/layout.html.jinja", False),
        ("benchmarks/report/templates/parts.html.jinja", False),
        ("benchmarks/report/templates/table.js", False),
        ("benchmarks/report/templates/style.css", False),
        ("benchmarks/timing/tournament.py", False),
        ("benchmarks/runtimes/cpu.py", False),
        ("benchmarks/gates/metrics/ece.py", False),
        ("compress/learning/training.py", True),
    ],
)
def test_a_report_is_made_again_when_a_word_of_it_changes(
    tree: Path, monkeypatch, file: str, same: bool
):
    monkeypatch.setattr(compare.render, "__file__", str(tree / "benchmarks/report/render.py"))
    first = compare.source()
    with (tree / file).open("a") as opened:
        opened.write("\n# one word more\n")
    assert (compare.source() == first) == same


def test_a_stage_is_named_in_its_id():
    first = plan(Path("a"))
    assert replace(first, stage="compress.prune").id != first.id


def test_each_ingredient_alone_changes_the_id(tmp_path: Path):
    parent, other = store(tmp_path / "p"), store(tmp_path / "q", b"other weights")
    relabelled = parent.manifest.labels.model_copy(update={"thresholds": (0.5, 0.4)})
    first = replace(plan(tmp_path / "a"), parents=(parent,), chosen={"network": "n"})
    changes = {
        "config": {"config": train.Config(epochs=3)},
        "data": {"data_identity": "other"},
        "no parent": {"parents": ()},
        "parent's id": {"parents": (altered(parent, id="y"),)},
        "parent's weights": {"parents": (other,)},
        "parent's thresholds": {"parents": (altered(parent, labels=relabelled),)},
        "order of parents": {"parents": (parent, other)},
        "network": {"chosen": {"network": "m"}},
        "weights": {"chosen": {"network": "n", "weights": "w"}},
        "gate metrics": {"chosen": {"network": "n", JUDGES: "g"}},
    }
    ids = {what: replace(first, **fields).id for what, fields in changes.items()}
    ids["the other order"] = replace(first, parents=(other, parent)).id
    assert first.id not in ids.values()
    assert len(set(ids.values())) == len(ids)


def test_what_judges_is_not_in_the_work(tmp_path: Path):
    first = replace(plan(tmp_path / "a"), chosen={"network": "n", JUDGES: "one"})
    assert replace(first, chosen={"network": "n", JUDGES: "other"}).work_id == first.work_id
    assert replace(first, chosen={"network": "m", JUDGES: "one"}).work_id != first.work_id


def altered(model: Artifact, **fields: object) -> Artifact:
    return replace(model, manifest=model.manifest.model_copy(update=fields))


def test_places_and_skipped_images_are_not_in_the_id(tmp_path: Path):
    first = replace(plan(tmp_path / "a"), chosen={"weights": "w"})
    for options in (
        {"out": Path("b")},
        {"data": "elsewhere"},
        {"skip_bad_images": True},
        {"weights": "moved.pth"},
    ):
        assert replace(first, config=train.Config(**options)).id == first.id, options


class Asked(Exception):
    """The plan that a command has made, before any work."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Plan]:
    """Return what makes a stage's plan of a config."""

    def made(stage, config: BaseModel) -> Plan:
        def stop(one: Plan, _build: object) -> None:
            raise Asked(one)

        monkeypatch.setattr(stage, "produce", stop)
        with pytest.raises(Asked) as raised:
            stage.run(config)
        found: Plan = raised.value.args[0]
        return found

    return made


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return table(made_data.photos_of_noise(tmp_path / "photos", 24))


def table(folder: Path, **changed: dict[int, object]) -> Path:
    columns = {
        "a": {n: n % 2 for n in range(24)},
        "b": {n: int(n % 3 == 0) for n in range(24)},
        "patient": {n: f"p{n // 2}" for n in range(24)},
        "remark": dict.fromkeys(range(24), ""),
    }
    for name, values in changed.items():
        columns[name] |= values
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerow(["image", *columns])
        csv.writer(file).writerows(
            [f"{n}.png", *(column[n] for column in columns.values())] for n in range(24)
        )
    return folder


def config(photos: Path, **options: object) -> train.Config:
    base = {"data": str(photos), "arch": "tiny_network:build", "weights": "random"}
    return train.Config(**(base | {"image_size": 32, "epochs": 0, "batch_size": 4} | options))


def test_the_data_in_the_id_are_images_labels_and_the_columns_that_split(photos: Path, asked):
    def made(**options: object) -> str:
        return asked(train, config(photos, group_column="patient", **options)).id

    first = made()
    table(photos, remark={3: "blurred"})
    assert made() == first, "a column that splits nothing"
    table(photos, patient={3: "p7"})
    assert made() != first, "a corrected patient"
    table(photos, a={3: 0})
    assert made() != first, "a corrected label"
    table(photos)
    assert made() == first
    Image.new("RGB", (40, 40)).save(photos / "3.png")
    assert made() != first, "another image"


def test_a_corrected_patient_changes_the_id_where_the_parts_stay(photos: Path):
    """Groups are resampled by the gates, so they count even where no image changes its part."""
    before = open_data(str(photos))
    parts = random_split.default_split(before, group_column="patient")
    table(photos, patient={3: "p7"})
    after = open_data(str(photos))
    assert before.fingerprint == after.fingerprint
    assert split.identity(before, parts) != split.identity(after, parts)
    plain = parts.model_copy(update={"group_column": None})
    assert split.identity(before, plain) == split.identity(after, plain)
    moved = plain.model_copy(update={"val": plain.test, "test": plain.val})
    assert split.identity(before, moved) != split.identity(before, plain)


def test_the_content_of_a_weights_file_is_in_the_id_and_its_place_is_not(
    photos: Path, tmp_path: Path, asked
):
    file, moved = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    weights = tiny_network.build(2).state_dict()
    save_file(weights, file)
    first = asked(train, config(photos, weights=str(file))).id
    shutil.copy(file, moved)
    assert asked(train, config(photos, weights=str(moved))).id == first
    save_file({name: torch.ones_like(tensor) for name, tensor in weights.items()}, file)
    assert asked(train, config(photos, weights=str(file))).id != first
    with pytest.raises(UserError, match="no such checkpoint"):
        train.run(config(photos, weights=str(tmp_path / "none.pth")))


def test_weights_that_are_packaged_are_named_by_their_content():
    name = "efficientnet_lite0"
    assert len(pretrained.identity(name, "imagenet")) == 64
    assert pretrained.identity(name, "random") == "random"
    assert pretrained.identity("resnet18", "imagenet") == "imagenet"


def test_another_student_by_name_is_another_artifact(photos: Path, tmp_path: Path, asked):
    assert train.run(config(photos, gate=(), out=tmp_path / "teacher"))

    def made(**options: object) -> Plan:
        base = {"data": str(photos), "teacher": tmp_path / "teacher", "batch_size": 4}
        return asked(distill, distill.Config(**(base | options)))

    first = made(student="efficientnet_lite0").id
    assert made(student="efficientnet_lite1").id != first
    assert made(student="efficientnet_lite0", weights="imagenet").id != first
    shutil.copytree(tmp_path / "teacher", tmp_path / "moved")
    assert made(student="efficientnet_lite0", teacher=tmp_path / "moved").id == first
    several = made(teacher=(tmp_path / "teacher", tmp_path / "moved"), student="resnet18").id
    turned = made(teacher=(tmp_path / "moved", tmp_path / "teacher"), student="resnet18").id
    assert several == turned != made(student="resnet18").id
    onward = made(student=str(tmp_path / "moved"))
    assert onward.id != first
    assert made(student=str(tmp_path / "teacher"), weights="imagenet").id == onward.id


FACTORY = """
from torch import nn
from {imported} import head

def build(num_classes):
    pooled = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(pooled, head(num_classes))
"""
HEAD = "from torch import nn\nfrom .parts import N\n\ndef head(n):\n    return nn.Linear(N, n)\n"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a user's folder: a factory that imports a package of its folder."""
    folder = tmp_path / "mine"
    (folder / "own_layers").mkdir(parents=True)
    (folder / "own_factory.py").write_text(FACTORY.format(imported="own_layers.heads"))
    for name, text in {
        "__init__": "",
        "heads": HEAD,
        "parts": "N = 4\n",
        "other": "N = 4\n",
    }.items():
        (folder / "own_layers" / f"{name}.py").write_text(text)
    (folder / "unrelated.py").write_text("N = 4\n")
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    return folder


def test_the_users_own_factory_is_in_the_id_with_what_it_imports(own: Path):
    first = families.identity("own_factory:build")
    for file, changes in {
        "own_factory.py": True,
        "own_layers/__init__.py": True,
        "own_layers/heads.py": True,
        "own_layers/parts.py": True,
        "own_layers/other.py": False,
        "unrelated.py": False,
    }.items():
        text = (own / file).read_text()
        (own / file).write_text(text + "\n# a remark\n")
        assert families.identity("own_factory:build") == first, "a comment"
        (own / file).write_text(text + "\nADDED = 1\n")
        assert (families.identity("own_factory:build") != first) == changes, file
        (own / file).write_text(text)
    assert families.identity("own_factory:other") != first


def test_an_installed_factory_does_not_drag_in_its_neighbours(tmp_path: Path, monkeypatch):
    site = tmp_path / "site-packages"
    (site / "mynets").mkdir(parents=True)
    (site / "mynets" / "__init__.py").write_text("import neighbour\nfrom mynets.inner import x\n")
    (site / "mynets" / "inner.py").write_text("x = 1\n")
    (site / "neighbour.py").write_text("y = 1\n")
    monkeypatch.syspath_prepend(str(site))
    found = families.find("mynets:x").files("mynets:x")
    assert [file.name for file in found] == ["__init__.py", "inner.py"]


def test_a_factory_that_is_no_python_is_one_message(own: Path):
    (own / "own_factory.py").write_text("def build(:")
    with pytest.raises(UserError, match="cannot be imported"):
        families.identity("own_factory:build")
    with pytest.raises(UserError, match="cannot be imported"):
        families.identity("nowhere_at_all:build")


def test_a_damaged_artifact_is_made_again(tmp_path: Path):
    path = store(tmp_path / "a").path
    (path / "model.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match="altered"):
        artifacts.load(path)
