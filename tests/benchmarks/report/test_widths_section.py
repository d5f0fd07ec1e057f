"""What was pruned, in the page: widths before and after, and what a scan says of each layer."""

import re
from html import unescape

import pytest
from report_sample import PRUNED

from benchmarks.report.markdown import markdown
from benchmarks.report.page import fragment
from benchmarks.report.schema import ModelEntry, Report, WidthEntry
from benchmarks.report.sections import widths
from edgepress.core.pruning import Cut, LayerSensitivity, Pruning, Sensitivity


def changed(report: Report, place: int, **fields: object) -> Report:
    models = list(report.models)
    models[place] = models[place].model_copy(update=fields)
    return report.model_copy(update={"models": tuple(models)})


def words(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def rows(page: str) -> list[str]:
    return [words(row) for row in re.findall(r"<tr><th scope=.row.*?</tr>", page, re.DOTALL)]


def pruned(report: Report) -> ModelEntry:
    return next(model for model in report.models if model.name == PRUNED)


def test_each_layer_has_its_width_before_and_after_and_what_half_of_it_is_worth(full: Report):
    found = rows(fragment(widths, full))
    assert found[0].startswith("blocks.1.0.conv_pw and 1 with it 96 → 64 66.7% 1.1 48 left")
    assert found[2].startswith("blocks.6.0.conv_pw and 1 with it 1152 → 320 27.8% 0.1 576 left")
    assert found[3].startswith("conv_head 1280 → 1280 100.0% 0.0 640 left")


def test_blocks_that_were_taken_out_are_named_with_their_scores(full: Report):
    page = words(fragment(widths, full))
    assert "mAP without them and those before: blocks.5.2 (0.934); with all blocks 0.940" in page


def test_the_score_before_says_whether_blocks_were_gone(full: Report):
    page = words(fragment(widths, full))
    assert "(mAP with all channels, without the blocks that were taken out: 0.934)" in page
    bare = pruned(full).pruning.model_copy(update={"blocks": None})
    page = words(fragment(widths, changed(full, 1, pruning=bare)))
    assert "(mAP with all channels: 0.934)" in page


def test_markdown_tells_the_same(full: Report, minimal: Report):
    page = markdown(full)
    _, _, found = page.partition("### What was pruned\n")
    assert "mAP without them and those before: blocks.5.2 (0.934)" in found
    assert "Zeros (2:4) in 30 layers" in found
    assert "| Layer | Channels, before → after | Kept | Lost without half, points of mAP" in found
    assert "| blocks.1.0.conv_pw and 1 with it | 96 → 64 | 66.7% | 1.1 (48 left) |" in found
    bare = markdown(changed(full, 1, pruning=None))
    assert "| blocks.3.0.conv_pw | 240 → 128 | 53.3% |" in bare
    assert "What was pruned" not in markdown(minimal)


def test_the_history_alone_is_shown_without_a_scan(full: Report):
    page = fragment(widths, changed(full, 1, pruning=None))
    assert [row.split()[0] for row in rows(page)] == [
        "blocks.1.0.conv_pw", "blocks.3.0.conv_pw", "blocks.6.0.conv_pw"
    ]  # fmt: skip
    assert "240 → 128 53.3%" in rows(page)[1]
    assert "were not scanned" in page
    assert "<svg class=" not in page


def test_what_is_made_from_a_pruned_network_is_not_shown_again(full: Report):
    alike = changed(full, 2, widths=pruned(full).widths)
    assert fragment(widths, alike) == fragment(widths, full)
    other = changed(full, 2, widths=(WidthEntry(layer="stem", before=8, after=4),))
    assert len(rows(fragment(widths, other))) == 5


def test_a_width_that_the_record_gives_by_a_coupled_layer_stands_in_its_row(full: Report):
    named = (WidthEntry(layer="blocks.1.0.conv_dw", before=96, after=32),)
    found = rows(fragment(widths, changed(full, 1, widths=named)))
    assert len(found) == 4
    assert found[0].startswith("blocks.1.0.conv_pw and 1 with it 96 → 32 33.3%")


def curve_of(cuts: list[tuple[int, float]], after: int, metric: str = "map") -> widths.Curve:
    one = LayerSensitivity(
        name="conv", channels=100, cuts=tuple(Cut(channels=c, score=s) for c, s in cuts)
    )
    scan = Sensitivity(metric=metric, images=9, whole=0.5, layers=(one,))
    entry = WidthEntry(layer="conv", before=100, after=after)
    made = ModelEntry.model_construct(widths=(entry,), pruning=Pruning(sensitivity=scan))
    (layer,) = widths._layers(made, 0)
    assert layer.curve is not None
    return layer.curve


def test_a_curve_falls_to_what_is_lost_most():
    curve = curve_of([(75, 0.48), (50, 0.5), (0, 0.4)], after=50)
    assert curve.points == "3.0,3.0 27.5,7.4 52.0,3.0 101.0,25.0"
    assert (curve.zero, curve.left) == (3.0, 52.0)
    assert curve.says == "75 left: 2.0 lost, 50 left: 0.0 lost, 0 left: 10.0 lost"


def test_a_gain_stands_above_the_line_and_a_trifle_stays_small():
    curve = curve_of([(50, 0.51), (25, 0.499)], after=100)
    assert curve.zero == 14.0
    assert curve.points == "3.0,14.0 52.0,3.0 76.5,15.1"


def test_a_loss_is_worse_the_higher_it_is():
    assert curve_of([(50, 0.7)], 50, "loss").says == "50 left: 0.2 lost"


def test_nothing_is_shown_where_nothing_was_pruned(minimal: Report):
    assert not widths.shown(minimal)
    assert fragment(widths, minimal).strip()


@pytest.mark.parametrize("cuts", [0, 1])
def test_a_layer_as_narrow_as_it_may_be_has_no_curve(full: Report, cuts: int):
    scan = pruned(full).pruning.sensitivity
    one = scan.layers[0].model_copy(update={"cuts": scan.layers[0].cuts[:cuts]})
    made = Pruning(sensitivity=scan.model_copy(update={"layers": (one,)}))
    page = fragment(widths, changed(full, 1, pruning=made))
    assert page.count("<svg") == cuts


def test_what_zeros_save_is_said_and_no_more(full: Report):
    page = words(fragment(widths, full))
    assert "Zeros (2:4) in 30 layers, 47.2% of all weights" in page
    assert (
        "takes 3.91 MB compressed (zlib, level 9) instead of 6.38 MB, and 6.90 MB as it is" in page
    )
    assert "It is 1.00× as fast (0.99–1.01×; ONNX Runtime, cpu, 1 thread)." in page
    zeros = pruned(full).pruning.sparsity.model_copy(update={"speedup": None})
    untimed = pruned(full).pruning.model_copy(update={"sparsity": zeros})
    assert "It was not timed." in words(fragment(widths, changed(full, 1, pruning=untimed)))
