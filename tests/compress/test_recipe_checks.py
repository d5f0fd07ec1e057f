"""A mistake in any step of a recipe is refused before its first step runs."""

from pathlib import Path

import pytest

from compress.recipes import reading, running
from compress.recipes.running import Place
from compress.recipes.steps import Recipe
from edgepress.core.errors import UserError

TRAIN = 'name = "teacher", stage = "compress.train"'
TINY = 'arch = "tiny_network:build", weights = "random", image_size = 48'
PRUNE = 'name = "pruned", stage = "compress.prune"'
DISTIL = 'name = "student", stage = "compress.distill"'
EXPORT = 'name = "int8", stage = "export.onnx"'
WHOLE = {
    TRAIN: TINY,
    PRUNE: 'model = "@teacher"',
    DISTIL: 'teacher = "@teacher", student = "@pruned"',
    EXPORT: 'model = "@student", quantize = "int8"',
}


def read(folder: Path) -> Recipe:
    return reading.read(folder / "recipe.toml").filled({})


def prepare(
    scenes: Path,
    tmp_path: Path,
    steps: dict[str, str],
    compare: str = "",
    **where: dict[str, str],
) -> None:
    text = "".join(f"{{ {step}, options = {{ {o} }} }},\n" for step, o in steps.items())
    compare = compare or 'models = ["@int8"]'
    file = tmp_path / "recipe.toml"
    file.write_text(f'title = "t"\nstep = [{text}]\ncompare = {{ {compare} }}\n')
    place = Place(str(scenes), tmp_path / "out", skip_bad_images=False, **where)
    running.check(read(tmp_path), place)


def test_the_whole_one_is_sound(scenes: Path, tmp_path: Path) -> None:
    prepare(scenes, tmp_path, WHOLE)
    compare = 'models = ["@teacher", "@int8"], gate = ["ap[digit_1] drop <= 0.1 vs teacher"]'
    prepare(scenes, tmp_path, WHOLE, compare)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("step", "options", "told"),
    [
        (TRAIN, 'gate = ["ap[digt_1] >= 0.5"]', "Step teacher.*did you mean 'digit_1'"),
        (TRAIN, 'gate = ["map drop <= 0.1"]', "Step teacher.*here is none"),
        (TRAIN, 'gate = ["latency p50 <= 1ms"]', "Step teacher: latency is not measured here"),
        (TRAIN, 'gate = ["agreement >= 0.9"]', "Step teacher.*here is none"),
        (TRAIN, 'demand = ["recall[digt_1] >= 0.5"]', "digt_1"),
        (TRAIN, "epochs = -1", "Step teacher: Bad options.*--epochs"),
        (TRAIN, 'out = "elsewhere"', "gives to every step"),
        (TRAIN, 'skip-bad-images = true', "gives to every step"),
        (TRAIN, "batch-size = 4, batch_size = 8", "given twice"),
        (PRUNE, 'gate = ["recall[digt_1] drop <= 0.1"]', "Step pruned.*digit_1"),
        (PRUNE, 'gate = ["map drop <= 0.1 vs teachr"]', "Step pruned.*did you mean 'teacher'"),
        (PRUNE, 'keep = ["6", "0.0x"]', r"Step pruned.*layer in --keep.*0\.0x"),
        (PRUNE, 'remove_blocks = ["0.9"]', r"Step pruned.*block in --remove-blocks.*0\.9"),
        (PRUNE, 'budget = ["latency < 40%"]', "Step pruned: The budget cannot be read"),
        (PRUNE, 'sparsity = "50%"', "Step pruned: This is no pattern of zeros"),
        (PRUNE, 'target = "cpu-vni"', "Step pruned.*did you mean 'cpu-vnni'"),
        (DISTIL, 'gate = ["ap[digt_1] drop <= 0.1"]', "Step student.*digit_1"),
        (DISTIL, 'gate = ["drifting <= 0.1"]', "Step student: drifting is not measured here"),
        (EXPORT, 'gate = ["precision[digt_1] >= 0.1"]', "Step int8.*digit_1"),
        (EXPORT, 'gate = ["robust_map drop <= 0.1"]', "Step int8: Corrupted images are not"),
        (EXPORT, 'target = "cpu-vni"', "Step int8.*did you mean 'cpu-vnni'"),
        (EXPORT, 'budget = "soon"', "Step int8.*soon"),
        (EXPORT, 'provider = "gpuu"', "Step int8.*gpuu"),
    ],
)  # fmt: skip
def test_a_mistake_in_any_step(
    scenes: Path, tmp_path: Path, step: str, options: str, told: str
) -> None:
    steps = WHOLE | {step: f"{WHOLE[step]}, {options}"}
    with pytest.raises(UserError, match=told):
        prepare(scenes, tmp_path, steps)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("compare", "told"),
    [
        ('models = ["@int8"], gate = ["ap[digt_1] >= 0.5"]', "digit_1"),
        ('models = ["@int8"], gate = ["map drop <= 0.5"]', "here is none"),
        ('models = ["@teacher", "@int8"], gate = ["map drop <= 0.5 vs int8"]', "Got: int8"),
        ('models = ["@teacher", "@int8"], gate = ["map drop <= 0.5 vs pruned"]', "Got: pruned"),
        ('models = ["@int8", "@student"], gate = ["latency p50 <= 1ms"]', "latency is not"),
        ('models = ["@int8", "@teachr"]', r"step in \[compare\] models.*teachr"),
        ('models = ["@int8"], threads = 0', r"not valid: compare\.threads"),
        ('models = ["@int8"], latency-time = "soon"', "latency_time is not a duration.*soon"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_comparison(scenes: Path, tmp_path: Path, compare: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        prepare(scenes, tmp_path, WHOLE, compare)


def test_a_student_of_several_teachers(scenes: Path, tmp_path: Path) -> None:
    """Each of them is made before, or is there."""
    second = 'name = "second", stage = "compress.train"'
    taught = 'student = "@pruned", teacher = ["@teacher", {}]'
    steps = {TRAIN: TINY, second: TINY, **WHOLE, DISTIL: taught.format('"@second"')}
    prepare(scenes, tmp_path, steps)
    (step,) = (one for one in read(tmp_path).step if one.name == "student")
    place = Place(str(scenes), tmp_path / "out", skip_bad_images=False)
    found = running._config(step, place).teacher
    assert found == (tmp_path / "out" / "teacher", tmp_path / "out" / "second")
    for name, told in (('"@secnd"', "did you mean 'second'"), ('"zoo:elpv"', "elpv_teacher"),
                       ('"runs/none"', "runs/none")):  # fmt: skip
        with pytest.raises(UserError, match=told):
            prepare(scenes, tmp_path, steps | {DISTIL: taught.format(name)})
    zoo = taught.format('"zoo:elpv_teacher"')
    with pytest.raises(UserError, match="trained already"):
        prepare(scenes, tmp_path, steps | {DISTIL: zoo}, splitting={"fold": "1/5"})


def test_who_names_a_model_that_no_step_makes(scenes: Path, tmp_path: Path) -> None:
    left = {step: options for step, options in WHOLE.items() if step != PRUNE}
    with pytest.raises(UserError, match=r"step in student of step student, or .* Got: pruned"):
        prepare(scenes, tmp_path, left)


def test_two_steps_of_one_name_and_names_of_the_report(scenes: Path, tmp_path: Path) -> None:
    again = 'name = "teacher", stage = "export.onnx"'
    with pytest.raises(UserError, match="one name"):
        prepare(scenes, tmp_path, {TRAIN: TINY, again: 'model = "@teacher"'})
    taken = 'name = "report.json", stage = "export.onnx"'
    with pytest.raises(UserError, match="file of the report"):
        prepare(scenes, tmp_path, {TRAIN: TINY, taken: 'model = "@teacher"'})


def test_a_model_that_is_not_there_and_data_that_are_not(scenes: Path, tmp_path: Path) -> None:
    told = {"zoo:elpv_techer": "Unknown shipped", str(tmp_path / "nowhere"): "Not an artifact"}
    for model, message in told.items():
        with pytest.raises(UserError, match=f"Step int8: {message}"):
            prepare(scenes, tmp_path, WHOLE | {EXPORT: f'model = "{model}"'})
    options = f'teacher = "@teacher", student = "{tmp_path / "nowhere"}"'
    with pytest.raises(UserError, match="Step student: Not an artifact"):
        prepare(scenes, tmp_path, WHOLE | {DISTIL: options})
    with pytest.raises(UserError, match="no such data"):
        prepare(tmp_path / "nowhere", tmp_path, WHOLE)


def test_layers_of_the_shipped_teacher_are_known(tmp_path: Path) -> None:
    steps = {PRUNE: 'model = "zoo:elpv_teacher", keep = ["blocks.9.*"]'}
    with pytest.raises(UserError, match=r"layer in --keep.*blocks\.9"):
        prepare(Path("elpv"), tmp_path, steps, 'models = ["@pruned"]')


def test_the_comparison_takes_options_as_steps_write_them(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'title = "mine"\n[[step]]\nname = "a"\nstage = "compress.train"\n'
        '[compare]\nmodels = ["@a"]\nlatency-time = "30s"\n'
    )
    assert reading.read(file).filled({}).compare.latency_time == "30s"
