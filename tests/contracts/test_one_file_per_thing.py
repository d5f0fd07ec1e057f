"""Every file of a one-file-per-thing folder keeps its folder's contract."""

import importlib
import pkgutil
import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import get_args

import gated_network
import numpy as np
import pytest
import torch
import torch_pruning
from pydantic import BaseModel

from benchmarks.claims.papers.__main__ import Protocol
from benchmarks.runtimes._session import Availability
from compress.learning import losses, methods, optimizers, sampling, schedules, terms
from compress.learning.features import PENULTIMATE, Pairing
from compress.learning.schedules._course import Course
from compress.learning.teaching import LOSS_OPTIONS, Teaching, terms_of
from compress.learning.terms._taught import Taught
from compress.planning.options import Config
from compress.planning.plan import plan
from compress.pruning import allocation, importance
from compress.recipes import reading, running
from edgepress.core import registry
from export.converting.formats._format import Format
from export.targets._target import Target
from models import rewrites

ROOT = Path(__file__).resolve().parents[2]
ENTRIES = {
    package: registry.names(package)
    for package in (
        "edgepress.data.formats",
        "models.families",
        "models.network_files",
        "models.rewrites",
        "benchmarks.runtimes",
        "export.targets",
        "export.adopting.sources",
        "export.converting.formats",
        "benchmarks.report.sections",
        "compress.learning.losses",
        "compress.learning.optimizers",
        "compress.learning.sampling",
        "compress.learning.schedules",
        "compress.learning.terms",
        "compress.learning.methods",
        "compress.pruning.allocation",
        "compress.pruning.importance",
    )
}


def entries(package: str):
    return pytest.mark.parametrize("name", ENTRIES[package])


def load(package: str, name: str):
    return registry.find(package, name, "entry")


def test_no_folder_is_empty():
    assert all(ENTRIES.values()), ENTRIES


@pytest.mark.parametrize("package", ENTRIES)
def test_every_module_is_found_by_its_public_name(package: str):
    folder = importlib.import_module(package).__path__
    modules = [info.name for info in pkgutil.iter_modules(folder) if info.name[0] != "_"]
    assert len(modules) == len(set(ENTRIES[package]))
    for name in ENTRIES[package]:
        assert load(package, name).__doc__


@entries("edgepress.data.formats")
def test_a_format_recognises_and_reads(name: str, tmp_path: Path):
    module = load("edgepress.data.formats", name)
    assert callable(module.read)
    assert module.recognises(tmp_path / "nothing.here") is False


@entries("models.families")
def test_a_family_knows_its_own_names(name: str):
    family = load("models.families", name)
    assert not family.knows("no_such_network_anywhere")
    assert all(family.knows(known) for known in family.names()[:5])
    assert all(family.native(known).size for known in family.names()[:5])


@entries("benchmarks.runtimes")
def test_a_runtime_says_whether_it_is_there(name: str):
    found = load("benchmarks.runtimes", name).available()
    assert isinstance(found, Availability)
    assert found.ok or (found.reason and found.remedy)


@entries("export.targets")
def test_a_target_names_itself_and_its_formats(name: str):
    target = load("export.targets", name).TARGET
    assert isinstance(target, Target)
    assert target.name == name
    assert "fp32" in target.precisions
    assert target.refusal or len(target.precisions) == 4


@entries("models.rewrites")
def test_a_rewrite_names_what_it_changes_and_draws_nothing(name: str):
    network, drawn = gated_network.build(2), torch.random.get_rng_state()
    before = dict(network.named_modules())
    changed = load("models.rewrites", name).rewrite(network)
    after = dict(network.named_modules())
    assert changed
    assert all(after[one] is not before[one] for one in changed)
    assert torch.equal(drawn, torch.random.get_rng_state())
    assert rewrites.left_over(network, (name,), torch.zeros(1, 3, 32, 32)) == []
    assert load("models.rewrites", name).rewrite(network) == []


@entries("compress.learning.losses")
def test_a_loss_is_less_where_the_logits_are_right(name: str):
    loss, targets = losses.find(name), torch.tensor([[1.0, 0.0, float("nan")]])
    right, wrong = torch.tensor([[2.0, -2.0, 0.0]]), torch.tensor([[-2.0, 2.0, 0.0]])
    assert loss(right, targets, None) < loss(wrong, targets, None)


@entries("compress.learning.optimizers")
def test_an_optimizer_takes_groups_with_rates_and_decays_of_their_own(name: str):
    weights = [torch.nn.Parameter(torch.ones(2)) for _ in range(2)]
    groups = [
        {"params": [weights[0]], "weight_decay": 0.3, "lr": 0.1},
        {"params": [weights[1]], "weight_decay": 0.0},
    ]
    found = optimizers.find(name)(groups, 0.2).param_groups
    assert [group["lr"] for group in found] == [0.1, 0.2]
    assert [group["weight_decay"] for group in found] == [0.3, 0.0]


@entries("compress.learning.schedules")
def test_a_schedule_says_whether_it_goes_by_validation_images(name: str):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    found = schedules.find(name)(optimizer, Course(10, 0.2))
    assert isinstance(found, torch.optim.lr_scheduler.LRScheduler)
    assert hasattr(found, "judge") == schedules.judged(name)


@entries("compress.learning.sampling")
def test_a_sampling_draws_rows_that_there_are(name: str):
    has = np.eye(6, 3, dtype=bool)
    how = sampling.parse(name)
    rows = how.rows(has, seed=0)
    assert set(rows) <= set(range(6))
    assert len(how.rows(has, seed=1)) == len(rows)
    assert how.value is None or how.module.LIMITS[0] < how.value <= how.module.LIMITS[1]


@entries("compress.learning.methods")
def test_a_method_is_values_of_the_options_of_the_loss(name: str):
    options = load("compress.learning.methods", name).OPTIONS
    assert set(options) <= set(LOSS_OPTIONS)
    found = methods.applied(name, Teaching(hard_share=0.9, epochs=7))
    assert Teaching.model_validate(found.model_dump()) == Teaching(epochs=7, **options)
    assert terms_of(found)


@entries("compress.learning.terms")
def test_a_term_is_least_for_a_perfect_student(name: str):
    """Of four images, three with the first label; one has all three labels."""
    module = load("compress.learning.terms", name)
    assert module.NEEDS in get_args(terms.Needs)
    logits = torch.tensor([[3.0, 1.0, 2.0], [1.0, -3.0, -1.0], [2.0, -2.0, -3.0], [-1.0, 1.0, -2]])
    maps = torch.arange(32.0).view(4, 2, 2, 2) ** 2
    features = {name: maps.flatten(1) for name in ("1", PENULTIMATE)}
    weights = torch.arange(24.0).view(3, 8).sin()
    pairing = Pairing((), ("", ""), (8, 8), channels=((2, 2),))
    (given,), _ = terms.equipped([terms.weighted(1, module)], pairing)
    right = Taught(logits, logits, (logits > 0).float(), None, 1.0, features, features)
    right = replace(right, maps=[(maps, maps)], label_weights=(weights, weights))
    other = {name: feature.flip(0) for name, feature in features.items()}
    wrong = replace(right, logits=-logits, features=other, maps=[(maps.flip(3), maps)])
    assert given.term(right) < given.term(wrong)


@entries("compress.pruning.allocation")
def test_a_way_of_allocation_plans(name: str):
    assert callable(allocation.find(name))
    assert allocation.identity(name)


@entries("compress.pruning.importance")
def test_an_importance_has_a_value_for_each_channel(name: str):
    first, last = torch.nn.Conv2d(3, 8, 3), torch.nn.Conv2d(8, 4, 3)
    network = torch.nn.Sequential(first, torch.nn.BatchNorm2d(8), last).eval()
    importance.require(name, lambda: network)
    if importance.needs(name) is not None:
        assert importance.needs(name) in get_args(importance.Needs)
        for parameter in network.parameters():
            parameter.grad = torch.ones_like(parameter)
    graph = torch_pruning.DependencyGraph().build_dependency(network, torch.zeros(1, 3, 8, 8))
    group = graph.get_pruning_group(first, torch_pruning.prune_conv_out_channels, [*range(8)])
    found = importance.find(name)(group)
    assert found.shape == (8,)
    assert found.isfinite().all()
    assert not found.requires_grad


@entries("models.network_files")
def test_a_kind_of_network_file_recognises_its_own_and_says_what_it_is(name: str, tmp_path: Path):
    kind = load("models.network_files", name)
    (tmp_path / "notes.txt").write_text("no network")
    assert kind.recognises(tmp_path / "notes.txt") is False
    assert kind.NAME
    assert all(ending.startswith(".") for ending in kind.ENDINGS)
    assert isinstance(kind.RUNS_CODE, bool)
    assert callable(load("export.adopting.sources", name).open_file)
    assert len(ENTRIES["export.adopting.sources"]) == len(ENTRIES["models.network_files"])


@entries("export.converting.formats")
def test_a_format_names_itself_and_what_it_needs(name: str):
    module = load("export.converting.formats", name)
    found = module.FORMAT
    assert isinstance(found, Format)
    assert found.name == name
    assert callable(module.write)
    assert callable(module.run)
    assert found.refusal or len(found.precisions) == 4
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    wanted = {re.split("[<>=]", one)[0] for one in extras.get(found.extra, ())}
    assert set(found.packages) <= wanted


@pytest.mark.parametrize("stage", running.STAGES)
def test_a_stage_has_a_config_whose_every_option_is_explained(stage: str):
    module = importlib.import_module(stage)
    assert issubclass(module.Config, BaseModel)
    module.Config()  # every option has a default
    for name, field in module.Config.model_fields.items():
        assert field.description, f"{stage} --{name}"
    assert callable(module.run)


@pytest.mark.parametrize(
    "file",
    [*(ROOT / "compress" / "recipes").glob("*.toml"), *(ROOT / "tests" / "recipes").glob("*.toml")],
    ids=lambda file: file.stem,
)
def test_a_recipe_says_what_it_is(file: Path):
    assert file.read_text().startswith("#"), "the header says what it is and how long it takes"
    reading.read(file)


def test_options_of_the_recipe_of_the_solar_cells_exist(tmp_path: Path):
    planned = plan(Config(out=tmp_path))
    assert [step.name for step in planned.recipe.step] == [
        "teacher-fp32", "teacher-int8", "pruned", "student", "student-fp32", "student-int8",
    ]  # fmt: skip
    assert not planned.ledger.choices, "the recipe states every value"


@pytest.mark.parametrize(
    "file",
    [*(ROOT / "benchmarks" / "claims" / "papers").glob("*.toml")],
    ids=lambda file: file.stem,
)
def test_a_protocol_is_valid_and_its_options_exist(file: Path):
    from compress.train import Config
    from edgepress.core.cli import check_options

    protocol = Protocol.model_validate(tomllib.loads(file.read_text()))
    assert len(protocol.seeds) >= 3
    Config(**check_options(Config, protocol.train))
