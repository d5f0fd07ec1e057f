import base64
import gzip
import itertools
import json
import re
from collections.abc import Iterator
from html import escape
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import report_sample

from benchmarks.comparison.against_first import MOST_FLIPS
from benchmarks.comparison.thumbnails import MOST_BYTES
from benchmarks.report import figure, of_models
from benchmarks.report import format as fmt
from benchmarks.report.markdown import markdown, models_table_md
from benchmarks.report.render import write
from benchmarks.report.schema import GateEntry, ModelEntry, PrCurve, Report
from benchmarks.report.sections import PAGE, reproduce
from benchmarks.report.summary import summary

LOADING = {"src", "href", "data", "poster", "srcset", "action"}


class Page(HTMLParser):
    """Collects what a page would fetch, its plots and its headings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.plots: list[str] = []
        self.headings: list[int] = []
        self._in_plot = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        targets = [value or "" for name, value in attrs if name in LOADING]
        self.fetched += [target for target in targets if not target.startswith(("#", "data:"))]
        self._in_plot = tag == "script" and ("type", "application/json") in attrs
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_data(self, data: str) -> None:
        if self._in_plot:
            self.plots.append(data)
            self._in_plot = False


def changed(report: Report, place: int, **fields: object) -> Report:
    """Return the report with some fields of a model replaced."""
    models = list(report.models)
    models[place] = ModelEntry.model_validate(models[place].model_dump() | fields)
    return report.model_copy(update={"models": tuple(models)})


@pytest.fixture(scope="module")
def page(full: Report) -> str:
    """Return the page of the full report."""
    return PAGE.html(full)


def test_json_comes_back_as_it_went(full: Report, tmp_path: Path) -> None:
    write(full, tmp_path / "new" / "folder")
    text = (tmp_path / "new" / "folder" / "report.json").read_text(encoding="utf-8")
    assert Report.model_validate_json(text) == full
    assert json.loads(text)["schema_version"] == 1


def test_the_page_is_one_small_file_that_fetches_nothing(full: Report, tmp_path: Path) -> None:
    write(full, tmp_path)
    file = tmp_path / "report.html"
    assert file.stat().st_size < 6_000_000
    text = file.read_text(encoding="utf-8")
    assert Page(text).fetched == []
    assert "url(http" not in text[: text.index("</style>")]
    assert "default-src 'none'" in text


def large_model(like: ModelEntry, place: int) -> ModelEntry:
    """Return a model with 20 labels, curves of 100 points and far more samples than needed."""
    rng = np.random.default_rng(place)
    labels = [f"label-{number}" for number in range(20)]
    recall = tuple(np.sort(rng.random(100)).tolist())
    samples = {"cpu:1": tuple(rng.uniform(1e-3, 2e-3, 15 * 60))}
    curves = {label: PrCurve(recall=recall, precision=tuple(rng.random(100))) for label in labels}
    wide = {
        "name": f"model-{place}",
        "ap": dict.fromkeys(labels, 0.8),
        "ap_ci95": dict.fromkeys(labels, (0.7, 0.9)),
        "pr_curves": curves,
        "label_drops": dict.fromkeys(labels, like.label_drops["defect_certain"]),
        "agreement": report_sample.agreement(n_flips=MOST_FLIPS),
        "latency_samples_s": like.latency_samples_s | samples,
    }
    return ModelEntry.model_validate(like.model_dump() | wide)


def test_a_large_comparison_is_still_a_small_file(full: Report, tmp_path: Path) -> None:
    models = tuple(large_model(full.models[4], place) for place in range(30))
    thumbnails = {str(number): bytes(MOST_BYTES // 200) for number in range(200)}
    write(full.model_copy(update={"models": models}), tmp_path, thumbnails)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert len(page.encode()) < 6_000_000
    assert page.count('class="thumb"') == 30 * MOST_FLIPS
    script = re.search(r'<script type="text/plain" id="plotly">([^<]+)</script>', page)
    packed = gzip.decompress(base64.b64decode(script[1]))
    assert packed == (resources.files("plotly") / "package_data/plotly.min.js").read_bytes()
    assert Page(page).fetched == []


def test_thumbnails_are_in_the_page_and_not_in_the_json(full: Report, tmp_path: Path) -> None:
    flip = full.models[4].agreement.flips[0]
    write(full, tmp_path, {flip.image_id: b"jpeg"})
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f'<image id="image-{flip.image_id}"' in page
    assert "data:image/jpeg;base64,anBlZw==" in page
    assert "anBlZw==" not in (tmp_path / "report.json").read_text(encoding="utf-8")


def test_a_report_from_before_the_new_fields_still_opens() -> None:
    text = Path(__file__).parents[3].joinpath("docs/results/elpv/report.json").read_text()
    old = json.loads(text)
    for model in old["models"]:
        for name in ("made_by", "map_drop_ci95", "label_drops", "agreement"):
            model.pop(name, None)
        if model["int8_convs"]:
            model["int8_convs"].pop("kept_float", None)
    page = PAGE.html(Report.model_validate(old))
    assert "was compared with the first one image by image" in page


def test_the_check_of_fetches_can_fail() -> None:
    assert Page('<script src="https://example.org/x.js"></script>').fetched


def test_every_model_and_gate_is_on_the_page(full: Report, page: str) -> None:
    for model in full.models:
        assert escape(model.name) in page
        for gate in model.gates:
            assert str(figure.text(gate.reason)) in page


def test_names_are_text_and_not_markup(full: Report) -> None:
    hostile = "<b>x</b></script><img src=x onerror=alert(1)>"
    text = PAGE.html(changed(full, 4, name=hostile))
    assert Page(text).fetched == []
    assert hostile not in text
    assert "&lt;b&gt;x&lt;/b&gt;" in text
    assert "&lt;b&gt;" in markdown(changed(full, 4, name=hostile))


def test_plots_are_what_plotly_accepts(page: str) -> None:
    graph_objects = pytest.importorskip("plotly.graph_objects")
    plots = [json.loads(text) for text in Page(page).plots]
    assert len(plots) == (2 + 2) + 4 + 2 + 1  # trade-off, precision and recall, latency, throughput
    for plot in plots:
        plain = json.loads(re.sub(r'"var\(--font\)"', '"serif"', json.dumps(plot)))
        coloured = json.loads(re.sub(r'"var\(--[\w-]+\)"', '"#123456"', json.dumps(plain)))
        assert graph_objects.Figure(coloured).data


def test_headings_go_down_one_level_at_a_time(page: str) -> None:
    levels = Page(page).headings
    assert levels.count(1) == 1
    assert all(low - high <= 1 for high, low in itertools.pairwise(levels))


def test_nan_does_not_break_the_page(full: Report) -> None:
    text = PAGE.html(changed(full, 0, map=float("nan"), map_ci95=(float("nan"), float("nan"))))
    for plot in Page(text).plots:
        assert json.loads(plot, parse_constant=_refuse)["data"] is not None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def cells(line: str) -> list[str]:
    """Return the cells of a row of a Markdown table."""
    return re.split(r"(?<!\\)\|", line)[1:-1]


def rows_of(table: str) -> Iterator[list[str]]:
    """Yield the rows of a Markdown table."""
    return (cells(line) for line in table.splitlines())


def test_the_markdown_table_has_a_row_for_each_model(full: Report) -> None:
    header, rule, *rows = rows_of(models_table_md(full))
    assert len(rows) == len(full.models)
    assert {len(row) for row in (header, rule, *rows)} == {len(header)}
    assert [row[0].strip() for row in rows] == [model.name for model in full.models]


def test_a_pipe_in_a_name_stays_in_its_cell(full: Report) -> None:
    rows = list(rows_of(models_table_md(changed(full, 0, name="a|b"))))
    assert len({len(row) for row in rows}) == 1
    assert rows[2][0].strip() == r"a\|b"


def test_what_was_not_measured_is_said_and_not_zero(full: Report, minimal: Report) -> None:
    _, _, row = rows_of(models_table_md(minimal))
    assert "not measured" in [cell.strip() for cell in row]
    pruned = models_table_md(full).splitlines()[3]
    assert pruned.count("not measured") == 2
    assert not re.search(r"\b0(\.0+)?( ms| s|×)", pruned)


def test_markdown_tells_the_worst_label_and_the_agreement(full: Report) -> None:
    told = re.split("^### ", markdown(full), flags=re.MULTILINE)[1]
    assert told.startswith("Against efficientnet_lite0-teacher, image by image")
    int8 = next(line for line in told.splitlines() if "mobilenetv3-int8" in line)
    assert "1.6 defect_possible (1.0 to 2.3; p 0.004)" in int8
    assert "98.4% (97.9–98.9%)" in int8
    assert "3: 1 now wrong, 1 now right" in int8


def test_the_short_table_fits_a_readme(full: Report) -> None:
    header = next(rows_of(models_table_md(full)))
    assert len(header) <= 12
    assert "Worst label drop" in [cell.strip() for cell in header]


def test_markdown_tells_every_gate_and_the_command(full: Report) -> None:
    text = markdown(full)
    assert text.count("✅ pass |") == 5 + 2  # five gates, and two models in the table
    assert full.command in text


def test_the_summary_says_what_a_manager_asks(full: Report) -> None:
    told = summary(full)
    assert told.title == "Not decided"
    assert "18.2× smaller and 17.3× faster" in told.sentence
    assert "−0.7 points (95% interval −1.8 to +0.3)" in told.sentence
    assert "5 of 6 gates passed, 1 could not be decided." in told.sentence


def test_the_head_is_the_recommendation_where_there_is_a_budget(recommending: Report) -> None:
    told = summary(recommending)
    assert (told.verdict, told.title) == ("pass", "Take mobilenetv3-int8")
    assert "the most accurate of the 2 models that keep latency ≤ 2.00 ms" in told.sentence
    assert "5 of 6 gates passed" in told.sentence
    assert "18.2× smaller" in {figure.value for figure in told.figures}
    text = markdown(recommending)
    assert "**Take mobilenetv3-int8.**" in text
    assert text.count("✅ pass |") == 5 + 2 + 2  # gates, and models in two tables
    assert "Budget" in PAGE.html(recommending)


def test_without_gates_nothing_has_passed(minimal: Report) -> None:
    told = summary(minimal)
    assert told.verdict is None
    assert "No gate was set" in told.sentence


def test_a_slower_and_larger_model_is_called_that(full: Report) -> None:
    slow = {"cpu:1": {"ratio": 0.37, "ci95": (0.36, 0.38)}}
    told = summary(changed(full, 4, speedup=slow, size_bytes=27_080_000))
    assert "2.00× larger and 2.70× slower" in told.sentence


def test_map_over_other_labels_is_not_compared(full: Report) -> None:
    ap = {**full.models[4].ap, "defect_certain": None}
    told = summary(changed(full, 4, ap=ap))
    assert "changes by" in summary(full).sentence
    assert "changes by" not in told.sentence


def test_a_model_is_as_good_as_its_worst_gate(full: Report) -> None:
    failed = GateEntry(
        gate="size <= 1", against=None, measured=2, ci95=None, verdict="fail", reason="No."
    )
    gates = [*full.models[4].gates, failed]
    assert of_models.verdict_of(full.models[4]) == "inconclusive"
    assert of_models.verdict_of(changed(full, 4, gates=gates).models[4]) == "fail"
    assert of_models.verdict_of(full.models[0]) is None


def gate_of(text: str, verdict: str = "pass") -> GateEntry:
    return GateEntry(
        gate=text, against=None, measured=0.4, ci95=None, verdict=verdict, reason="so it is"
    )


@pytest.mark.parametrize(
    ("gates", "word"),
    [
        (("macs ratio <= 0.5", "params ratio <= 0.5"), "✅ pass (no accuracy gate)"),
        (("latency speedup >= 2", "size <= 1e6", "ece <= 0.1"), "✅ pass (no accuracy gate)"),
        (("macs ratio <= 0.5", "ap[a b] drop <= 0.1"), "✅ pass"),
        (("map >= 0.5",), "✅ pass"),
        (("parity <= 0.001",), "✅ pass"),
        ((), "no gates"),
    ],
)
def test_a_pass_without_an_accuracy_gate_says_so(full: Report, gates, word: str) -> None:
    report = changed(full, 0, gates=tuple(map(gate_of, gates)))
    assert list(rows_of(models_table_md(report)))[2][1].strip() == word
    page = PAGE.html(report)
    assert ("no accuracy gate" in page) == ("no accuracy gate" in word)


def test_a_failed_gate_on_costs_is_a_plain_failure(full: Report) -> None:
    report = changed(full, 0, gates=(gate_of("macs ratio <= 0.5", "fail"),))
    assert list(rows_of(models_table_md(report)))[2][1].strip() == "❌ fail"


def test_a_label_that_no_test_image_tells_has_no_share(full_report: Report):
    data = full_report.data | {"label_names": ["crack", "spot"], "prevalence": [0.25, None]}
    report = full_report.model_copy(update={"data": data})
    assert [of_models.prevalence(report, label) for label in ("crack", "spot")] == [0.25, None]
    told = reproduce._with_prevalence(data)["prevalence"]
    assert told == {"crack": "25.0%", "spot": fmt.UNDEFINED}
