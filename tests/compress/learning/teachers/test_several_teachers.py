"""Several teachers: the mean of their logits, by name, each with pixels of its own."""

import contextlib
from dataclasses import replace
from pathlib import Path

import pytest
import small_training
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from compress import train
from compress.distill import Config
from compress.learning import teaching
from compress.learning.augmentation import Batch
from compress.learning.features import PENULTIMATE
from compress.learning.preparing import as_taken
from compress.learning.racing import race
from compress.learning.teachers.loading import teacher_of
from compress.learning.teachers.several import Member, Several, shown
from compress.learning.teaching import Student, Teaching, lesson
from compress.learning.terms import relational
from compress.learning.terms._taught import Taught
from edgepress.core import artifact as artifacts
from edgepress.core import cli
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.image_spec import ImageSpec
from export import onnx
from models.stored import load_network

SPEC = small_training.SPEC
NAMES = ("crack", "spot")
STUDENT = (
    "--student", "tiny_network:build", "--epochs", 1, "--batch-size", 12, "--gate",
    "params <= 1e9",
)  # fmt: skip


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def member(seed: int, spec: ImageSpec = SPEC, labels: tuple[str, ...] = NAMES) -> Member:
    return Member(small_training.network(len(labels), seed).eval(), spec, labels)


def test_the_mean_of_two_by_hand():
    one, two, images = member(1), member(2), draw(3, 3, 32, 32)
    wanted = (one.network(images) + two.network(images)) / 2
    assert torch.allclose(Several([one, two])(images), wanted, atol=1e-6)
    of_three = Several([one, two, member(3)])(images)
    assert torch.allclose(of_three, (2 * wanted + member(3).network(images)) / 3, atol=1e-6)


def test_labels_are_matched_by_name():
    images, names = draw(3, 3, 32, 32), ("a", "b", "c")
    first, other = member(1, labels=names), member(2, labels=("c", "a", "b"))
    theirs = other.network(images)
    wanted = (first.network(images) + theirs[:, [1, 2, 0]]) / 2
    assert torch.allclose(Several([first, other])(images), wanted, atol=1e-6)


def test_each_sees_its_own_pixels():
    """The second one is smaller, of other numbers; the third one sees grey."""
    small = ImageSpec(height=16, width=24, mean=(0.0,) * 3, std=(1 / 255,) * 3)
    grey = SPEC.in_channels(1)
    one, two, three = member(1), member(2, small), member(3, grey)
    stem = nn.Conv2d(1, 4, 3, 4)
    three.network[0] = stem
    images = draw(2, 3, 32, 32)
    mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (SPEC.mean, SPEC.std))
    sized = interpolate(images, (16, 24), mode="bilinear", antialias=True)
    each = [
        one.network(images),
        two.network((sized * std + mean) * 255),
        three.network(as_taken(images, SPEC, grey)),
    ]
    assert torch.allclose(Several([one, two, three])(images), sum(each) / 3, atol=1e-6)


def test_probabilities_learnt_are_the_means_and_features_the_firsts(monkeypatch):
    monkeypatch.setattr(teaching, "_cheap_precision", lambda device: contextlib.nullcontext())
    one, two, student = member(1), member(2), small_training.network(seed=5).eval()
    several = Several([one, two])
    assert shown(several) is one.network
    assert shown(one.network) is one.network
    settings = Teaching(hard_share=0, feature_weight=0, term=("relational=2",))
    images = draw(4, 3, 32, 32)
    batch = Batch(images, torch.zeros(4, 2), torch.ones(4, 2))
    with lesson(Student(student, SPEC), several, SPEC, settings) as given:
        found = given.loss(given.pupil(images), batch)
        wanted = terms_by_hand(student, one.network, two.network, images)
    assert torch.allclose(found, wanted, atol=1e-6)


def terms_by_hand(student, one, two, images: Tensor) -> Tensor:
    wanted = ((one(images) + two(images)) / 2).sigmoid()
    soft = nn.functional.binary_cross_entropy_with_logits(student(images), wanted)
    ours, theirs = ({PENULTIMATE: network[:5](images)} for network in (student, one))
    bare = Taught(*(torch.zeros(0, 2),) * 3)
    return soft + 2 * relational.term(replace(bare, features=ours, teacher_features=theirs))


def test_one_or_several_in_every_way_of_saying_it(tmp_path: Path):
    one, several = (Path("a"),), (Path("a"), Path("b"))
    assert cli.parse(Config, ["--teacher", "a"]).teacher == one
    assert cli.parse(Config, ["--teacher", "a", "b"]).teacher == several
    assert cli.parse(Config, ["--teacher", "a", "--teacher", "b"]).teacher == several
    for text, wanted in (('"a"', one), ('["a"]', one), ('["a", "b"]', several)):
        (tmp_path / "options.toml").write_text(f"teacher = {text}\n")
        assert cli.parse(Config, ["--config", str(tmp_path / "options.toml")]).teacher == wanted
    assert Config(teacher="a").teacher == Config(teacher=Path("a")).teacher == one
    assert Config(teacher=several).teacher == several
    assert Config(teacher=None).teacher == Config().teacher == ()


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("several") / "data"
    return small_training.write(folder, lambda row: (row % 2, row // 2 % 2))


@pytest.fixture(scope="module")
def turned(data: Path, tmp_path_factory) -> Path:
    """Return the same data with the columns of their labels in the other order."""
    folder = tmp_path_factory.mktemp("several") / "turned"
    folder.mkdir()
    (folder / "images").symlink_to(data / "images")
    rows = [line.split(",") for line in (data / "labels.csv").read_text().splitlines()]
    table = "".join(f"{image},{part},{spot},{crack}\n" for image, part, crack, spot in rows)
    (folder / "labels.csv").write_text(table)
    return folder


@pytest.fixture(scope="module")
def trained(data: Path, turned: Path, tmp_path_factory) -> dict[str, Path]:
    """Return a teacher, one of other labels' order and size, and the first one's ONNX file."""
    folder = tmp_path_factory.mktemp("several")
    for name, source, more in (("one", data, ()), ("two", turned, ("--image-size", 48))):
        words = [*small_training.FAST, "--data", source, "--out", folder / name, "--seed", 3, *more]
        assert main(train.Config, train.run, [str(word) for word in words]) == 0
    words = ["--model", folder / "two", "--data", turned, "--out", folder / "graph"]
    words += ["--quantize", "none", "--gate", "params <= 1e9"]
    assert main(onnx.Config, onnx.run, [str(word) for word in words]) == 0
    return {name: folder / name for name in ("one", "two", "graph")}


def test_a_network_and_a_graph_teach_together(trained: dict[str, Path]):
    """The graph is of a network that sees 48 px and has its labels in the other order."""
    one, graph = (artifacts.load(trained[name]) for name in ("one", "graph"))
    images = draw(4, 3, 32, 32)
    several, settings = teacher_of([one, graph], Teaching())
    assert settings == Teaching(), "features are those of the first, a network"
    own = as_taken(images, one.manifest.image, graph.manifest.image)
    assert own.shape[-1] == 48
    theirs = load_network(artifacts.load(trained["two"]))(own)[:, [1, 0]]
    wanted = (load_network(one)(images) + theirs) / 2
    assert torch.allclose(several(images), wanted, atol=1e-4, rtol=1e-4)
    assert teacher_of([graph, one], Teaching())[1].feature_weight == 0


def test_a_student_of_several_teachers(
    data: Path, trained: dict[str, Path], tmp_path: Path, command, monkeypatch
):
    seen = []

    def spy(student, network, images, settings, scratch):
        seen.append(network)
        return teach(student, network, images, settings, scratch)

    teach = race.teach
    monkeypatch.setattr(race, "teach", spy)
    three = [trained[name] for name in ("one", "two", "graph")]
    common = ("--data", data, "--out", tmp_path / "student", "--term", "fitnets=1")
    done = command("compress.distill", "--teacher", *three, *STUDENT, *common)
    assert done.code == 0, done.err
    assert "features are learnt of the first teacher alone, one" in done.err
    assert done.err.count("are taken by name") == 2
    (several,) = seen
    assert isinstance(several, Several)
    student = artifacts.load(tmp_path / "student")
    assert student.manifest.parents == tuple(artifacts.load(each).manifest.id for each in three)
    assert student.manifest.config["teacher"] == [str(each) for each in three]
    assert student.manifest.labels.names == NAMES
    again = command("compress.distill", "--teacher", *three, *STUDENT, *common)
    assert "unchanged" in again.err
    weights = load_network(student).state_dict()
    assert weights.keys() == load_network(artifacts.load(three[0])).state_dict().keys()


def test_a_network_is_its_own_teacher(
    data: Path, trained: dict[str, Path], tmp_path: Path, command
):
    """It knows at the start what it is to learn, and is trained on all the same."""
    own, out = trained["one"], tmp_path / "student"
    words = ("--data", data, "--out", out, *STUDENT[2:], "--method", "feature-maps")
    done = command("compress.distill", "--teacher", own, "--student", own, *words)
    assert done.code == 0, done.err
    parent, student = artifacts.load(own), artifacts.load(out)
    assert student.manifest.parents == (parent.manifest.id,) * 2
    before, after = (load_network(each).state_dict() for each in (parent, student))
    assert before.keys() == after.keys()
    assert not torch.equal(before["6.weight"], after["6.weight"])
    assert all(weight.isfinite().all() for weight in after.values())


def renamed(model: Artifact, to: Path, **fields: object) -> Path:
    """Write a copy of a model with other values in its manifest."""
    work = to.with_name(f"{to.name}-work")
    work.mkdir()
    for file in model.path.iterdir():
        if file.name != "manifest.json":
            (work / file.name).write_bytes(file.read_bytes())
    artifacts.save(to, work, model.manifest.model_copy(update=fields))
    return to


def test_teachers_that_do_not_go_together_are_refused(
    data: Path, trained: dict[str, Path], tmp_path: Path, command
):
    one = artifacts.load(trained["one"])
    labels, image = one.manifest.labels, one.manifest.image
    other = labels.model_copy(update={"names": ("crack", "scratch")})
    cut = image.model_copy(update={"crop": "center"})
    grey = artifacts.load(trained["graph"]).manifest.image.in_channels(1)
    graph = renamed(artifacts.load(trained["graph"]), tmp_path / "grey", image=grey)
    first = trained["one"]
    cases = {
        "scratch only in the model": (first, renamed(one, tmp_path / "labels", labels=other)),
        "crop center of": (first, renamed(one, tmp_path / "cut", image=cut)),
        "name that one first": (graph, first),
        "named twice": (first, trained["two"], first),
        "shows no features": (trained["graph"], first, "--term", "relational=1"),
        "term feature-maps": (trained["graph"], "--method", "feature-maps"),
    }
    for told, words in cases.items():
        done = command(
            "compress.distill", "--teacher", *words, *STUDENT, "--data", data,
            "--out", tmp_path / "out",
        )  # fmt: skip
        assert done.code == 2, done.err
        assert told in done.err
        assert "taken by name" not in done.err or told == "named twice"
        assert not (tmp_path / "out").exists()
