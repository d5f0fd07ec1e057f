"""Every file in `benchmarks/gates/metrics` is a metric that a gate can name, find and show."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from verdicts import FORMS, evaluation, latency, model

from benchmarks.evaluation.robustness import Robustness
from benchmarks.gates import metrics, verdicts
from benchmarks.gates.evidence import Evidence, Subject
from benchmarks.gates.metrics import Metric, Need
from benchmarks.gates.text import base_metric, examples, form_of, in_words, metric_of
from benchmarks.report import format as fmt
from benchmarks.statistics.paired import ranks
from edgepress.core.errors import UserError
from edgepress.core.gates import Gate
from edgepress.core.manifest import Measurements, TimeShares

METRICS = metrics.every()
EACH = pytest.mark.parametrize("name", METRICS)
EACH_FORM = pytest.mark.parametrize("key", FORMS, ids=" ".join)
SHARES = TimeShares(integer=0.7, conversions=0.1, layout=0.1, floats={"Conv": 0.1})
STARTS: dict[str, Need] = {
    "parity": "parity", "int8": "integers", "convs": "integers", "dense": "integers",
    "qdq": "integers", "time": "integers",
}  # fmt: skip
MEASURED: dict[str, Need] = {
    name: STARTS.get(name.partition("_")[0], "network") for name in Measurements.model_fields
}
"""What a manifest holds of a model, and what must be measured for it."""


def subject(folder: Path, needs: set[Need]) -> Subject:
    """Return a model of which these were measured, and nothing else."""
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"0" * 1000)
    told = {name: 1 for name, need in MEASURED.items() if need in needs}
    told |= {"time_shares": SHARES} if "time_shares" in told else {}
    made = Subject(replace(model("new", **told), path=folder))
    result = evaluation(0)
    corrupted = Robustness(result, {"blur": (ranks(result),)})
    known = {"evaluation": "accuracy", "latency": "latency", "robustness": "robustness"}
    every = {"evaluation": result, "latency": latency(0.001), "robustness": corrupted}
    return replace(made, **{name: every[name] for name, need in known.items() if need in needs})


def gate(key: tuple[str, str]) -> Gate:
    name = f"{key[0]}[a]" if METRICS[key[0]].of_label else key[0]
    return Gate(metric=name, form=key[1], op=FORMS[key].op, limit=0.5)


def test_metrics_are_found_by_the_names_of_their_files() -> None:
    files = (Path(metrics.__file__).parent).glob("[!_]*.py")
    assert set(METRICS) == {file.stem for file in files}
    for name in ("worst-ap", "map_", "_metric", "Map"):
        with pytest.raises(UserError, match="Unknown gate metric"):
            metrics.find(name)


@EACH
def test_a_metric_says_what_it_is(name: str) -> None:
    found = METRICS[name]
    assert isinstance(found, Metric)
    assert found.needs in get_args(Need)
    assert found.forms
    assert set(found.aliases.values()) <= set(found.forms)
    assert not set(found.aliases) & set(found.forms)
    assert __import__(metrics.module_of(name), fromlist=["x"]).__doc__


@EACH
def test_its_examples_are_gates_on_it_and_show_every_form(name: str) -> None:
    found = [verdicts.parse(one) for one in METRICS[name].examples]
    assert {base_metric(one) for one in found} == {name}
    assert {one.form for one in found} == set(METRICS[name].forms)
    assert all(metric_of(one) is METRICS[name] for one in found)
    assert METRICS[name].examples[0] in examples([name])


@EACH_FORM
def test_a_form_is_read_as_it_is_written_told_and_shown(key: tuple[str, str]) -> None:
    wanted = gate(key)
    assert verdicts.parse(str(wanted)) == wanted
    assert form_of(wanted) is FORMS[key]
    assert FORMS[key].unit.told(0.5)
    assert fmt.measured(str(wanted), 0.5)[0].isdigit()
    for unit, factor in FORMS[key].unit.written.items():
        name, _, limit = str(wanted).rpartition(" ")
        assert verdicts.parse(f"{name} {limit}{unit}").limit == pytest.approx(0.5 * factor)


@EACH_FORM
def test_it_is_not_measured_without_what_it_needs_and_found_with_that_alone(
    key: tuple[str, str], tmp_path: Path
) -> None:
    need, find = METRICS[key[0]].needs, FORMS[key].find
    others: set[Need] = set(get_args(Need)) - {need}
    less, pair = (
        [subject(tmp_path / f"{what}{place}", needs) for place in "ab"]
        for what, needs in (("less", others), ("only", {need}))
    )
    here, aa = gate(key), (0.99, 1.01)
    if need != "network" or key[0] in ("macs", "params"):  # a file says what the others need
        assert find(here, Evidence(*less, aa)) is None
    alone = find(here, Evidence(pair[0], None, aa))
    assert (alone is None) == (FORMS[key].compares or need == "fleet")
    found = find(here, Evidence(*pair, aa))
    assert (found is None) == (need == "fleet")
    assert found is None or found.bounds[0] <= found.measured <= found.bounds[1]
    assert found is None or len(found.reason) > 20 or key[0] in found.reason


@EACH_FORM
def test_each_of_three_candidates_has_a_third_of_the_error(
    key: tuple[str, str], tmp_path: Path
) -> None:
    """The 90th percentile has 99% bounds whoever asks; what has no interval has no error."""
    need, find = METRICS[key[0]].needs, FORMS[key].find
    pair = [subject(tmp_path / place, {need}) for place in "ab"]
    pair[0] = replace(pair[0], evaluation=pair[0].evaluation and evaluation(0.4))
    alone, third = (find(gate(key), Evidence(*pair, (0.99, 1.01), n)) for n in (1, 3))
    if alone is None or third is None or alone.bounds[0] == alone.bounds[1]:
        return
    wider = third.bounds[0] < alone.bounds[0] or third.bounds[1] > alone.bounds[1]
    assert wider == (key != ("latency", "p90"))
    assert third.bounds[0] <= alone.bounds[0]
    assert third.bounds[1] >= alone.bounds[1]
    assert third.ci95 in (alone.ci95, None)  # nine rounds tell none at 98.3%


def test_what_judges_is_known_by_its_source() -> None:
    one, other = verdicts.judges(("map >= 0.5",)), verdicts.judges(("size <= 1MB",))
    assert one != other
    assert one == verdicts.judges(("map drop <= 0.1 vs x", "map >= 0.5"))


def test_metrics_are_listed_in_words() -> None:
    assert in_words(["ap"]) == "ap[LABEL]"
    assert in_words(["ap", "map"]) == "ap[LABEL] and map"
    assert examples(["robust_map"]).endswith("which takes minutes)")
