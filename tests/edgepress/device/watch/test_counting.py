"""What the watch measures, how it counts, and that counts add up in any order."""

import ast
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import ROOT
from scipy.ndimage import gaussian_filter, laplace
from watched import LABELS, images, probs, reference, values

from edgepress.device.watch import Watch, WatchError, latency, watch_from
from edgepress.device.watch.signals import (
    BINS,
    bins,
    brightness,
    doubtful,
    edges,
    measure,
    scales,
    sharpness,
)

REFERENCE = reference()
FOLDER = ROOT / "edgepress" / "device" / "watch"


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.py")), ids=lambda file: file.stem)
def test_the_device_needs_numpy_and_the_standard_library_only(file: Path) -> None:
    taken = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            taken |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            taken.add((node.module or "").split(".")[0])
    assert taken <= {"numpy", *sys.stdlib_module_names}


def test_brightness_and_sharpness_of_an_image() -> None:
    image = next(images(1))
    inner = laplace(image[..., 0].astype(float), mode="nearest")[1:-1, 1:-1]
    assert brightness(image) == pytest.approx(image.mean() / 255)
    assert sharpness(image) == pytest.approx(inner.var(), rel=0.1)  # of some of the rows
    few = image[:20]  # of all of the rows
    assert sharpness(few) == pytest.approx(inner[:18].var(), rel=1e-6)
    soft = gaussian_filter(image.astype(float), (1, 1, 0)).astype(np.uint8)
    assert sharpness(soft) < sharpness(image) / 4
    assert sharpness(np.full((9, 9, 3), 7, np.uint8)) == 0


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 500, 3), (500, 2, 3), (3, 3, 3), (1, 4000, 3)])
def test_an_image_of_any_shape_is_measured(shape: tuple[int, ...]) -> None:
    found = measure(np.full(shape, 51, np.uint8), [0.1, 0.9], LABELS)
    assert found[2:6] == pytest.approx([0.2, 0, np.log2(1 + shape[1]), np.log2(1 + shape[0])])


def test_labels_are_found_as_the_model_finds_them() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    at = np.float32([0.5, 0.3])
    assert measure(image, at, LABELS)[-2:].tolist() == [2, 1]  # float32(0.3) is above 0.3
    assert measure(image, [0.1, 0.9], LABELS)[-2:].tolist() == [1, 0]
    assert doubtful([0.41, 0.9], LABELS)
    assert not doubtful([0.39, 0.9], LABELS)
    assert not doubtful([0.5, 0.3], {"names": ["crack", "dirt"]})


@given(st.floats(0, 1), st.floats(0, 1e6), st.integers(1, 20000))
@settings(max_examples=100, deadline=None)
def test_a_value_lies_between_the_edges_of_its_bin(
    prob: float, laplacian: float, side: int
) -> None:
    of = scales(LABELS).values()
    raw = [prob, prob, prob, laplacian, side, side, 3, 1]
    inside = np.clip(prob, 1e-6, 1 - 1e-6)
    logit = np.log(inside / (1 - inside))
    log = np.log2(1 + np.array([laplacian, side, side]))
    places = bins(of).places(np.array([logit, logit, prob, *log, 3, 1]))
    for place, scale, value in zip(places, of, raw, strict=True):
        low, high = edges(scale)[place], edges(scale)[place + 1]
        assert place == 0 or low <= value * (1 + 1e-9)
        assert place == BINS - 1 or value <= high * (1 + 1e-9)


@given(st.lists(st.floats(2e-5, 900), min_size=1, max_size=200), st.floats(0.01, 1))
@settings(max_examples=100, deadline=None)
def test_a_quantile_of_latency_is_within_a_twentieth(seconds: list[float], share: float) -> None:
    sketch: latency.Sketch = latency.Sketch()
    sketch.update(latency.bin_of(one) for one in seconds)
    exact = float(np.quantile(seconds, share, method="inverted_cdf"))
    assert latency.quantile(sketch, share) == pytest.approx(exact, rel=0.05)


@pytest.mark.parametrize("odd", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_an_odd_latency_is_counted(odd: float) -> None:
    watch = Watch(REFERENCE)
    watch.count(values(1)[0], odd)
    assert watch.latency.total() == 1
    assert latency.quantile(latency.Sketch(), 0.5) is None


def watched(n: int, seed: int, darker: float = 0.0) -> Watch:
    watch = Watch(REFERENCE)
    for place, one in enumerate(values(n, seed, darker)):
        watch.count(one, 0.001 * (1 + (seed + place) % 7))
    return watch


streams = st.tuples(st.integers(0, 250), st.integers(0, 50), st.sampled_from([0.0, 0.2]))


@given(streams, streams, streams)
@settings(max_examples=15, deadline=None)
def test_counts_add_up_in_any_order(
    one: tuple[int, int, float], two: tuple[int, int, float], three: tuple[int, int, float]
) -> None:
    a, b, c = (watched(*stream) for stream in (one, two, three))
    before = a.state()
    assert a.merge(b).state() == b.merge(a).state()
    assert a.merge(b).merge(c).state() == a.merge(b.merge(c)).state()
    assert a.state() == before, "what is merged stays as it is"
    nothing = Watch(REFERENCE)
    nothing.devices = 0
    assert a.merge(nothing).state() == before


def test_two_devices_have_seen_what_one_would_have_seen() -> None:
    both = Watch(REFERENCE)
    for place, one in enumerate(np.concatenate([values(120, 1), values(90, 2)])):
        both.count(one, 0.001 * (1 + (1 + place if place < 120 else 2 + place - 120) % 7))
    merged = watched(120, 1).merge(watched(90, 2))
    assert (merged.total == both.total).all()
    assert merged.latency == both.latency
    assert (merged.images, merged.devices) == (210, 2)


def test_only_devices_of_one_reference_add_up() -> None:
    other = reference(window=50)
    with pytest.raises(WatchError, match="same reference"):
        Watch(REFERENCE).merge(Watch(other))
    with pytest.raises(WatchError, match="same reference"):
        Watch(REFERENCE).merge(Watch(None, LABELS))


def test_a_state_is_small_and_comes_back() -> None:
    watch = watched(333, 5, darker=0.2)
    text = json.dumps(watch.state(), separators=(",", ":"))
    assert len(text) < 6000
    again = watch_from(json.loads(text))
    assert again.state() == watch.state()
    for one in values(200, 6):
        watch.count(one, 0.01)
        again.count(one, 0.01)
    assert again.state() == watch.state(), "a state that came back goes on as if nothing had been"


def test_without_a_reference_there_are_counts_and_no_findings() -> None:
    watch = Watch(None, LABELS)
    for image, one in zip(images(60, light=0.1), probs(60), strict=True):
        watch.observe(image, one, 0.004)
    assert watch.images == 60
    assert watch.findings() == []
    assert watch.psi() == {}
    assert watch_from(watch.state()).state() == watch.state()
    assert watch.latency_s(0.5) == pytest.approx(0.004, rel=0.05)
    with pytest.raises(WatchError, match="names of the labels"):
        Watch(None)


def test_labels_without_thresholds_are_watched_too() -> None:
    watch = Watch(None, {"names": ["crack", "dirt"]})
    watch.observe(next(images(1)), [0.2, 0.8], 0.1)
    assert watch.signals[-1] == "height"
    assert watch_from(watch.state()).images == 1


def test_answers_that_are_no_probabilities_are_a_finding() -> None:
    watch = Watch(REFERENCE)
    image = next(images(1))
    for score in (0.5, float("nan"), 0.25):
        watch.observe(image, [0.1, score], 0.01)
    assert (watch.images, watch.invalid) == (2, 1)
    (found,) = watch.findings()
    assert found.test == "invalid"
    assert "1 of 3 images" in found.text
    assert watch_from(watch.state()).invalid == 1
    with pytest.raises(WatchError, match="2 labels"):
        watch.observe(image, [0.1, 0.2, 0.3], 0.01)


def broken(text: str, rng: np.random.Generator) -> str:
    """Return a state with one piece of it cut out, doubled or replaced."""
    start = int(rng.integers(len(text)))
    end = min(len(text), start + int(rng.integers(1, 9)))
    instead = ["", text[start:end] * 2, "0", "-1", "null", "1e999", '"x"', "[", "{}", "true"]
    return text[:start] + instead[rng.integers(len(instead))] + text[end:]


def test_a_damaged_state_is_refused_or_true() -> None:
    rng = np.random.default_rng(3)
    text = json.dumps(watched(333, 5, darker=0.2).state())
    refused = 0
    for _ in range(800):
        try:
            found = watch_from(json.loads(broken(text, rng)))
        except (WatchError, ValueError):  # json's error is a ValueError
            refused += 1
            continue
        found.count(values(1)[0], 0.1)
        assert (found.total.sum(axis=1) == found.images).all()
        assert all(one.text for one in found.findings())
    assert refused > 500


@pytest.mark.parametrize(
    "wrong", [None, [], {}, "x", 7, {"schema_version": 2}, {"schema_version": 1}]
)
def test_what_is_no_state_or_reference_is_refused(wrong: object) -> None:
    with pytest.raises(WatchError):
        watch_from(wrong)
    if wrong is not None:
        with pytest.raises(WatchError):
            Watch(wrong)  # type: ignore[arg-type]
