"""The sections on what changed against the first model, and the audit."""

import re

import pytest

from benchmarks.report.markdown import markdown, models_table_md
from benchmarks.report.page import fragment
from benchmarks.report.schema import ConvsEntry, LabelDrop, ModelEntry, Report
from benchmarks.report.sections import (
    audit,
    drops,
    flips,
    gates,
    labels,
    latency,
    reproduce,
)
from edgepress.core.manifest import TimeShares


def changed(report: Report, place: int, **fields: object) -> Report:
    """Return the report with some fields of a model replaced."""
    models = list(report.models)
    models[place] = ModelEntry.model_validate(models[place].model_dump() | fields)
    return report.model_copy(update={"models": tuple(models)})


def test_only_significant_drops_are_coloured(full: Report) -> None:
    page = fragment(drops, full)
    significant = [
        drop
        for model in full.models
        for drop in model.label_drops.values()
        if drop and drop.p_holm <= drops.SIGNIFICANT
    ]
    assert len(significant) > 0
    assert page.count('class="worse"') == len(significant)
    assert page.count(">▼ ") == len(significant)


def test_a_significant_gain_is_not_painted_as_a_loss(full: Report) -> None:
    gain = LabelDrop(drop=-0.03, ci95=(-0.05, -0.01), p_holm=0.01)
    page = fragment(drops, changed(full, 4, label_drops={"defect_certain": gain}))
    assert "▲ −3.0" in page
    assert 'class="better"' in page


def test_a_cell_tells_interval_and_p_to_a_screen_reader(full: Report) -> None:
    page = fragment(drops, full)
    told = "defect_possible: 1.6 points lost, 95% interval 1.0 to 2.3, p 0.004"
    assert f'title="{told}"' in page
    assert f'<span class="unseen">{told}</span>' in page


def test_an_undefined_label_is_said(full: Report) -> None:
    page = fragment(drops, changed(full, 4, label_drops={"defect_certain": None}))
    assert '<td class="missing">n/a</td>' in page


def test_a_flip_tells_truth_and_both_probabilities(full: Report) -> None:
    page = fragment(flips, full)
    assert "0.20 → 0.90" in page
    assert "✓ now yes, truth yes" in page
    assert "now yes, truth unknown" in page
    assert "98.4% of decisions agree (95% interval 97.9–98.9%); 3 changed" in page


def test_only_the_candidates_flips_are_open(full: Report) -> None:
    page = fragment(flips, full)
    assert page.count("<details") == 4
    assert re.findall(r'<details class="card flips" data-place="(\d)" open>', page) == ["4"]


def test_the_audit_adds_up(full: Report) -> None:
    assert "52 of 53 convolutions run in int8, 1 float on purpose<" in fragment(audit, full)
    assert "features.0.0 stays float" in fragment(audit, full)
    worse = changed(full, 4, int8_convs=ConvsEntry(fused=50, total=53, kept_float=1))
    assert "2 float against the plan" in fragment(audit, worse)
    unknown = changed(full, 4, int8_convs=None)
    assert "not measured" in fragment(audit, unknown)


def test_the_audit_says_where_the_time_goes(full: Report) -> None:
    assert "Of its time" not in fragment(audit, full)
    shares = TimeShares(
        integer=0.7, conversions=0.1, layout=0.05, floats={"Conv": 0.1, "Gemm": 0.05}
    )
    page = fragment(audit, changed(full, 4, time_shares=shares, qdq_nodes=6))
    assert "integer kernels 70.0%, conversions 10.0% (6 nodes), moving values 5.0%" in page
    assert "nodes in float 15.0% (Conv 10.0%, Gemm 5.0%)" in page


def test_many_labels_are_a_table_with_the_same_figures(
    full: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars = fragment(labels, full)
    monkeypatch.setattr(labels, "MOST_BARS", 3)
    table = fragment(labels, full)
    assert 'class="bars"' in bars
    assert 'class="bars"' not in table
    assert 'class="plain heat"' in table
    for model in full.models:
        for value in model.ap.values():
            assert f"{value:.3f}" in table
    assert table.count("0.879<small>0.843–0.909</small>") == 1


def test_in_a_long_report_only_what_wants_attention_is_unfolded(
    full: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = re.compile(r'<details class="card gated" data-place="(\d)" open>')
    assert opened.findall(fragment(gates, full)) == ["1", "3", "4"]
    monkeypatch.setattr(gates, "MOST_OPEN", 2)
    assert opened.findall(fragment(gates, full)) == ["4"]
    assert "2 of 3 passed" in fragment(gates, full)


def test_a_model_that_could_not_be_timed_says_why(full: Report) -> None:
    broken = changed(full, 4, latency_failure="its process was killed", latency_s={},
                     latency_samples_s={}, speedup={})  # fmt: skip
    assert "could not be timed: its process was killed" in fragment(latency, broken)
    assert "not measured (failed)" in models_table_md(broken)
    assert "mobilenetv3-int8 could not be timed: its process was killed" in markdown(broken)
    assert "could not be timed" not in fragment(latency, full)


def test_the_commands_name_the_commit_unless_it_is_not_all(full: Report) -> None:
    commit = full.environment["commit"]
    assert f"git checkout {commit}&#10;python -m" in fragment(reproduce, full), "on its own line"
    dirty = full.model_copy(update={"environment": {**full.environment, "dirty": True}})
    assert "git checkout" not in fragment(reproduce, dirty)
    for model in full.models:
        assert model.made_by is not None
        assert model.made_by in fragment(reproduce, full)
