"""The quantization benchmark: what counts as missed, what the table says, what is trained again."""

from pathlib import Path

import pytest

from benchmarks.claims.quantization import zoo
from benchmarks.claims.quantization.result import (
    OURS,
    Entry,
    NetworkResult,
    header,
    machines,
    mean_speedup,
    missed,
    rows,
)
from edgepress.core import artifact as artifacts
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.labels import Labels
from edgepress.core.manifest import Manifest

GOOD = Entry(
    tool=OURS,
    map=0.897,
    map_drop=0.003,
    map_drop_upper=0.006,
    speedup=2.0,
    speedup_ci95=(1.9, 2.1),
)
SLOW_AND_WRONG = Entry(
    tool="peer",
    map=0.8,
    map_drop=0.1,
    speedup=0.5,
    behind_ours=(0.08, 0.12),
    slower_than_ours=(3.9, 4.1),
)


def network(*entries: Entry) -> NetworkResult:
    """Return the result of a network."""
    return NetworkResult(
        network="net",
        image_size=160,
        map_fp32=0.9,
        size_fp32_bytes=10_000_000,
        p50_fp32_s=0.01,
        aa_ci95=(0.99, 1.01),
        entries=entries,
        environment={},
    )


def changed(entry: Entry, **fields: object) -> Entry:
    """Return an entry with other figures."""
    return Entry.model_validate(entry.model_dump() | fields)


def test_a_good_file_misses_nothing() -> None:
    assert missed(network(GOOD, SLOW_AND_WRONG)) == ()


@pytest.mark.parametrize(
    ("ours", "peer", "miss"),
    [
        ({"map_drop": 0.0051}, {}, "mAP drops by 0.51 points"),
        ({"speedup_ci95": (0.96, 1.2)}, {}, "perhaps 1.04 times fp32's time"),
        ({"failure": "out of memory"}, {}, "out of memory"),
        ({"map_drop": None}, {}, "not measured"),
        ({"search_s": 190.6}, {}, "the search took 191 s"),
        ({"peak_rss_bytes": 2_100_000_000}, {}, "the search took 2.1 GB"),
        ({}, {"behind_ours": (-0.02, -0.001)}, "peer is more accurate"),
        ({}, {"slower_than_ours": (0.8, 0.99)}, "peer is faster"),
    ],
)
def test_what_is_missed_is_said(
    ours: dict[str, object], peer: dict[str, object], miss: str
) -> None:
    found = missed(network(changed(GOOD, **ours), changed(SLOW_AND_WRONG, **peer)))
    assert len(found) == 1
    assert miss in found[0]


def test_some_networks_have_a_speed_to_reach() -> None:
    slow = network(GOOD).model_copy(update={"network": "resnet50"})
    assert missed(slow) == ("resnet50: 2.00 times as fast as fp32",)
    fast = network(changed(GOOD, speedup=3.5)).model_copy(update={"network": "resnet50"})
    assert missed(fast) == ()


def test_a_large_network_may_take_longer() -> None:
    costly = changed(GOOD, search_s=600.0, peak_rss_bytes=5_000_000_000)
    large = network(costly).model_copy(update={"size_fp32_bytes": 500_000_000})
    assert missed(large) == ()
    assert len(missed(network(costly))) == 2


def test_ties_within_the_interval_are_no_miss() -> None:
    tied = changed(SLOW_AND_WRONG, behind_ours=(-0.02, 0.001), slower_than_ours=(0.9, 1.01))
    assert missed(network(GOOD, tied)) == ()


def test_the_mean_is_geometric_and_needs_every_network() -> None:
    both = (network(GOOD), network(changed(GOOD, speedup=8.0)))
    assert mean_speedup(both) == pytest.approx(4.0)
    assert mean_speedup((network(GOOD), network(changed(GOOD, speedup=None)))) is None
    assert mean_speedup(()) is None


def test_the_table_shows_every_tool() -> None:
    absent = Entry(tool="absent", failure="not installed")
    crashed = Entry(tool="crashed", failure="ValueError: no such operator in this opset")
    results = (network(GOOD, SLOW_AND_WRONG, absent, crashed),)
    titles, (row, summary) = header(results), rows(results)
    assert len(titles) == len(row) == len(summary) == 8
    assert row[3:] == (
        "+0.30 (+0.60)",
        "2.00× (1.90 to 2.10)",
        "+10.00, 0.50×",
        "not installed",
        "no file",
    )
    assert summary[3:] == ("+0.30", "2.00×", "+10.00, 0.50×", "none, none", "none, none")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The modules of the commands that are run instead of them."""
    found: list[object] = []
    monkeypatch.setattr(zoo, "command", lambda module, *_: found.append(module))
    return found


def store(folder: Path, parents: tuple[str, ...] = (), **config: object) -> None:
    """Store an artifact with these settings, called after its folder."""
    work = folder.with_name(f"{folder.name}-work")
    work.mkdir(parents=True)
    (work / "model.safetensors").write_bytes(b"weights")
    manifest = Manifest(
        id=f"id-of-{folder.name}",
        stage="compress.train",
        config=config,
        parents=parents,
        kind="torch",
        image=ImageSpec(height=32, width=32),
        labels=Labels(names=("a",), thresholds=(0.5,), prevalence=(0.5,)),
        data=None,
    )
    artifacts.save(folder, work, manifest)


def test_a_network_is_trained_once_for_its_options(tmp_path: Path, run: list[object]) -> None:
    both = ["compress.train", "export.onnx"]
    zoo.float_model("lenet5", {"epochs": 3, "views": 2}, tmp_path)
    assert run == both
    store(tmp_path / "torch", arch="lenet5", epochs=3, views=2, data="elpv")
    zoo.float_model("lenet5", {"epochs": 3, "views": 2}, tmp_path)
    assert run == [*both, "export.onnx"]
    store(tmp_path / "fp32", parents=("id-of-torch",))
    zoo.float_model("lenet5", {"epochs": 3, "views": 2}, tmp_path)
    assert run == [*both, "export.onnx"], "nothing is made again"
    zoo.float_model("lenet5", {"epochs": 4, "views": 2}, tmp_path)
    zoo.float_model("alexnet", {"epochs": 3, "views": 2}, tmp_path)
    assert run[3:] == ["compress.train"] * 2


def test_the_export_of_another_training_is_not_taken(tmp_path: Path, run: list[object]) -> None:
    store(tmp_path / "torch", arch="lenet5", epochs=3, views=2)
    store(tmp_path / "fp32", parents=("id-of-something-else",))
    zoo.float_model("lenet5", {"epochs": 3, "views": 2}, tmp_path)
    assert run == ["export.onnx"]


def test_an_unknown_network_is_refused() -> None:
    assert len(zoo.chosen(())) == 16
    with pytest.raises(UserError, match="resnet19"):
        zoo.chosen(("resnet19",))


def test_each_cpu_is_named_with_what_it_measured() -> None:
    nets = [network(GOOD).model_copy(update={"network": name}) for name in "abc"]
    here, there = {"cpu": "CPU 1"}, {"cpu": "CPU 2"}
    placed = zip(nets, (here, there, here), strict=True)
    mixed = [net.model_copy(update={"environment": where}) for net, where in placed]
    assert machines(mixed) == "Measured on CPU 1: a, c; CPU 2: b."
    assert machines(mixed[:1]) == "Measured on CPU 1."
