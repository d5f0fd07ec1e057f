"""The quantization benchmark: what counts as missed, what the table says, what is trained again."""

from pathlib import Path

import pytest

from benchmarks.quantization import zoo
from benchmarks.quantization.result import (
    OURS,
    Entry,
    NetworkResult,
    header,
    mean_speedup,
    missed,
    rows,
)
from compress.core.errors import UserError
from compress.core.noun import Noun

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
        ({"seconds": 181.0}, {}, "the search took 181 s"),
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


def test_a_large_network_may_take_longer() -> None:
    costly = changed(GOOD, seconds=600.0, peak_rss_bytes=5_000_000_000)
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


class Manifest(Noun):
    """What is read of a trained artifact."""

    config: dict[str, object]


class Trained(Noun):
    """An artifact, as far as it is read."""

    manifest: Manifest


def test_a_network_is_trained_once_for_its_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = {"arch": "lenet5", "epochs": 3, "data": "elpv"}
    run: list[object] = []
    monkeypatch.setattr(zoo, "command", lambda module, *_: run.append(module))
    monkeypatch.setattr(zoo, "is_artifact", lambda _: True)
    monkeypatch.setattr(zoo, "load", lambda _: Trained(manifest=Manifest(config=stored)))
    zoo.float_model("lenet5", {"epochs": 3}, tmp_path)
    assert run == ["export.onnx"]
    zoo.float_model("lenet5", {"epochs": 4}, tmp_path)
    zoo.float_model("alexnet", {"epochs": 3}, tmp_path)
    assert run[1:] == ["compress.train", "export.onnx"] * 2
    monkeypatch.setattr(zoo, "is_artifact", lambda _: False)
    zoo.float_model("lenet5", {"epochs": 3}, tmp_path)
    assert run[-2:] == ["compress.train", "export.onnx"]


def test_an_unknown_network_is_refused() -> None:
    assert len(zoo.chosen(())) == 16
    with pytest.raises(UserError, match="resnet19"):
        zoo.chosen(("resnet19",))
