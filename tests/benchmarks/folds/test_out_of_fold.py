"""`python -m benchmarks.out_of_fold` on models that really were trained fold by fold."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import scenes as scene_maker

from edgepress.core import artifact as artifacts
from edgepress.core.artifact import load

OUT_OF_FOLD = "benchmarks.out_of_fold"
IMAGES = 120


@dataclass(frozen=True)
class Trained:
    """A data set, and a baseline and a candidate of each fold."""

    data: Path
    baselines: tuple[Path, ...]
    candidates: tuple[Path, ...]

    def pairs(self, *numbers: int, baselines: tuple[int, ...] | None = None) -> list[object]:
        """Return the options that name these folds' models."""
        others = numbers if baselines is None else baselines
        chosen = ["--candidates", *(self.candidates[number - 1] for number in numbers)]
        return (
            chosen
            + (["--baselines"] if others else [])
            + [self.baselines[number - 1] for number in others]
        )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    from compress import prune, train

    data = scene_maker.write(tmp_path_factory.mktemp("few"), n=IMAGES)
    runs = tmp_path_factory.mktemp("runs")
    common = {"data": str(data), "batch_size": 8, "mixup": 0, "augmentation": 0}
    for number in (1, 2, 3):
        model = runs / f"model-{number}"
        options = common | {"arch": "tiny_network:build", "arch_kwargs": '{"width": 8}'}
        options |= {"weights": "random", "image_size": 48, "epochs": 1, "gate": ("map >= 0",)}
        train.run(train.Config(**options, fold=f"{number}/3", out=model))
        options = common | {"model": model, "macs": 0.7, "rounds": 1, "epochs": 0, "round_to": 2}
        gate = ("macs ratio <= 1",)
        prune.run(prune.Config(**options, gate=gate, out=runs / f"pruned-{number}"))
    return Trained(
        data,
        tuple(runs / f"model-{number}" for number in (1, 2, 3)),
        tuple(runs / f"pruned-{number}" for number in (1, 2, 3)),
    )


def test_every_image_is_tested_once_and_the_folds_are_averaged(
    trained: Trained, command, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "folds.json"
    done = command(
        OUT_OF_FOLD, *trained.pairs(1, 2, 3), "--gate", "map drop <= 0.9",
        "--gate", "worst_ap drop <= 1", "--out", out,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert done.out.count("PASS") == 2
    for words in ("120 of 120 images, 3 folds", "images can certify", "candidates", "baselines"):
        assert words in done.out
    found = json.loads(out.read_text())
    assert found["n_images"] == found["n_data"] == IMAGES
    assert sum(fold["n_images"] for fold in found["folds"]) == IMAGES
    for kind, paths in (("map", trained.candidates), ("map_baseline", trained.baselines)):
        maps = [fold[kind] for fold in found["folds"]]
        stored = [load(path).manifest.measurements.map for path in paths]
        assert maps == pytest.approx(stored, abs=1e-6), "what the stages measured on their folds"
    for side, kind in (("candidate", "map"), ("baseline", "map_baseline")):
        mean = np.mean([fold[kind] for fold in found["folds"]])
        assert found[side]["map"] == pytest.approx(mean)
        assert found[side]["map_ci95"][0] < mean < found[side]["map_ci95"][1]
    width = np.diff(found["drop_ci95"])[0]
    assert width < min(np.diff(fold["drop_ci95"])[0] for fold in found["folds"])
    assert [verdict["against"] for verdict in found["verdicts"]] == ["baselines"] * 2
    assert not list(out.parent.glob(".*"))
    bias, error = (found["candidate"][name] for name in ("map_bias", "map_se"))
    assert bias > 0.25 * error, "40 images a fold are too few for the value of AP"
    assert "reads too high" in done.err


def test_the_worst_verdict_is_the_exit_code(trained: Trained, command, tmp_path: Path) -> None:
    out = tmp_path / "folds.json"
    pairs = trained.pairs(1, 2)
    done = command(OUT_OF_FOLD, *pairs, "--gate", "map drop <= -0.9", "--out", out)
    assert done.code == 3
    assert "FAIL" in done.out
    found = json.loads(out.read_text())
    drop = found["drop"]
    done = command(OUT_OF_FOLD, *pairs, "--gate", f"map drop <= {drop:.6f}")
    assert done.code == 4, done.out
    assert "INCONCLUSIVE" in done.out
    assert found["n_images"] < found["n_data"]
    assert f"{found['n_images']} of {IMAGES} images, 2 folds" in done.out


def test_candidates_alone_are_held_to_a_value(trained: Trained, command) -> None:
    done = command(OUT_OF_FOLD, "--candidates", *trained.candidates, "--gate", "map >= 0.01")
    assert done.code == 0, done.err
    assert "PASS" in done.out
    assert "baseline" not in done.out
    done = command(OUT_OF_FOLD, "--candidates", *trained.candidates)
    assert done.code == 0, "nothing was demanded"


def refused(done, *words: str) -> None:
    """Assert one message before any work."""
    assert done.code == 2, done.out + done.err
    assert "Traceback" not in done.err
    assert not done.out
    *counts, message = done.err.strip().splitlines()  # of what the data's reader has read
    assert message.startswith("error: "), done.err
    assert all(line.startswith(("labels: ", "read ")) for line in counts), done.err
    for word in words:
        assert word in done.err


def test_pairs_that_do_not_fit_are_named(trained: Trained, command) -> None:
    refused(command(OUT_OF_FOLD), "no candidate")
    some = trained.pairs(1, 2, baselines=(1,))
    refused(command(OUT_OF_FOLD, *some), "2 candidates and 1 baselines")
    crossed = trained.pairs(1, 2, 3, baselines=(1, 3, 2))
    refused(command(OUT_OF_FOLD, *crossed), "Pair 2", "different splits", "model-3")
    twice = trained.pairs(1, 2, 1)
    refused(command(OUT_OF_FOLD, *twice), "Pairs 1 and 3 share ", "count twice")
    mixed = ["--candidates", trained.candidates[0], trained.baselines[1]]
    refused(command(OUT_OF_FOLD, *mixed), "Pair 2", "compress.prune", "compress.train")


def test_models_of_other_or_unknown_data_are_refused(
    trained: Trained, command, tmp_path: Path
) -> None:
    other = scene_maker.write(tmp_path / "other", n=IMAGES, seed=1)
    done = command(OUT_OF_FOLD, *trained.pairs(1, 2), "--data", other)
    refused(done, "Pair 1", "other images", "pruned-1")
    known = load(trained.candidates[1])
    work = tmp_path / "work"
    work.mkdir()
    (work / "model.safetensors").write_bytes(known.weights.read_bytes())
    silent = known.manifest.model_copy(update={"data": None})
    path = artifacts.save(tmp_path / "silent", work, silent).path
    done = command(OUT_OF_FOLD, "--candidates", trained.candidates[0], path)
    refused(done, "Pair 2", "does not say which images", "silent")


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        ("size <= 1MB", "about one model file"),
        ("agreement >= 0.9", "about one model file"),
        ("latency speedup >= 1", "about one model file"),
        ("map drop <= 0.1 vs teacher", "leave 'vs teacher' out"),
        ("ap[digit_11] drop <= 0.1", "digit_1"),
    ],
)
def test_gates_that_cannot_be_held_are_refused(
    trained: Trained, command, gate: str, words: str
) -> None:
    refused(command(OUT_OF_FOLD, *trained.pairs(1, 2), "--gate", gate), words)


def test_a_drop_without_baselines_is_refused(trained: Trained, command) -> None:
    done = command(OUT_OF_FOLD, "--candidates", *trained.candidates, "--gate", "map drop <= 0.1")
    refused(done, "there are none", "--baselines")


def test_a_result_that_cannot_be_written_is_refused(
    trained: Trained, command, tmp_path: Path
) -> None:
    refused(command(OUT_OF_FOLD, *trained.pairs(1, 2), "--out", tmp_path), "cannot be written")


@pytest.fixture(scope="module")
def patients(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[Path, ...]]:
    """Return data with a column of patients, and an untrained model of each fold by patient."""
    from compress import train

    data = scene_maker.write(tmp_path_factory.mktemp("patients"), n=IMAGES)
    header, *rows = (data / "labels.csv").read_text().splitlines()
    named = [f"{row},p{number // 6}" for number, row in enumerate(rows)]
    (data / "labels.csv").write_text("\n".join([f"{header},patient", *named]) + "\n")
    made = []
    for number in (1, 2):
        out = tmp_path_factory.mktemp("grouped") / f"model-{number}"
        options = {"arch": "tiny_network:build", "arch_kwargs": '{"width": 8}', "epochs": 0}
        options |= {"weights": "random", "image_size": 48, "gate": ("map >= 0",)}
        config = train.Config(
            **options, data=str(data), fold=f"{number}/2", group_column="patient", out=out
        )
        train.run(config)
        made.append(out)
    return data, tuple(made)


def test_groups_that_the_split_kept_together_are_resampled(
    patients: tuple[Path, tuple[Path, ...]], command, tmp_path: Path
) -> None:
    _, models = patients
    out = tmp_path / "folds.json"
    done = command(OUT_OF_FOLD, "--candidates", *models, "--gate", "map >= 0.01", "--out", out)
    assert done.code == 0, done.err
    assert "intervals from the 20 groups of 'patient'" in done.out
    assert "20 groups of 'patient' are few" in done.err
    found = json.loads(out.read_text())
    assert (found["group_column"], found["n_groups"]) == ("patient", 20)
    by_group = json.loads(out.read_text())["candidate"]["map_ci95"]
    for path in models:
        manifest = json.loads((path / "manifest.json").read_text())
        manifest["data"]["split"]["group_column"] = None
        (path / "manifest.json").write_text(json.dumps(manifest))
    done = command(OUT_OF_FOLD, "--candidates", *models, "--out", out)
    assert done.code == 0, done.err
    assert "groups" not in done.out
    found = json.loads(out.read_text())
    assert found["group_column"] is None
    assert found["candidate"]["map_ci95"] != by_group


def test_a_fold_of_one_group_tells_nothing(
    patients: tuple[Path, tuple[Path, ...]], command
) -> None:
    data, models = patients
    rows = (data / "labels.csv").read_text().splitlines()
    for path in models:
        manifest = json.loads((path / "manifest.json").read_text())
        manifest["data"]["split"]["group_column"] = "patient"
        (path / "manifest.json").write_text(json.dumps(manifest))
    test = set(load(models[0]).manifest.data.split.test)
    from edgepress.data.dataset import open_data

    tested = [image_id in test for image_id in open_data(str(data)).image_ids]
    renamed = [
        f"{row.rpartition(',')[0]},p0" if hit else row
        for row, hit in zip(rows[1:], tested, strict=True)
    ]
    (data / "labels.csv").write_text("\n".join([rows[0], *renamed]) + "\n")
    done = command(OUT_OF_FOLD, "--candidates", *models)
    assert done.code == 2
    assert not done.out
    for words in ("Pair 1", "one group of 'patient'", "fewer folds"):
        assert words in done.err
