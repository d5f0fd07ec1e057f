"""`${NAME}`, `when` and `repeat` in a recipe."""

from pathlib import Path

import pytest

from compress.recipes import reading
from compress.recipes.reading import Template
from compress.recipes.variables import filled, missing, names
from edgepress.core.errors import UserError

STEP = {"name": "a", "stage": "compress.train"}


def steps(*given: dict[str, object], **values: object) -> list[dict[str, object]]:
    return filled({"step": list(given)}, values)["step"]


def test_a_variable_alone_keeps_its_type_and_within_a_text_it_is_text() -> None:
    options = {"epochs": "${n}", "gate": "${g}", "views": "${v}", "arch": "x${n}y${n}"}
    (step,) = steps({**STEP, "options": options}, n=3, g=["map >= 0.5"], v=None)
    assert step["options"] == {
        "epochs": 3, "gate": ["map >= 0.5"], "views": None, "arch": "x3y3",
    }  # fmt: skip


def test_a_variable_without_value_is_named_with_what_is_close() -> None:
    with pytest.raises(UserError, match=r"epoch.*did you mean 'epochs'"):
        steps({**STEP, "options": {"epochs": "${epoch}"}}, epochs=3)


@pytest.mark.parametrize(
    ("when", "belongs"),
    [
        ({"origin": "none"}, True), ({"origin": ["file", "none"]}, True), ({}, True),
        ({"origin": "file"}, False), ({"origin": "none", "kind": "b"}, False),
        ({"origin": "none", "kind": "a"}, True),
    ],
)  # fmt: skip
def test_a_step_belongs_where_all_of_its_when_holds(when: dict[str, object], belongs: bool) -> None:
    made = steps({**STEP, "when": when}, origin="none", kind="a")
    assert made == ([STEP] if belongs else [])


def test_variables_of_steps_that_do_not_belong_need_no_value() -> None:
    other = {**STEP, "when": {"origin": "file"}, "options": {"model": "${file}"}}
    raw = {"title": "${title}", "step": [{**STEP, "options": {"epochs": "${n}"}}, other]}
    assert names(raw) == {"title", "n", "origin", "file"}
    assert missing(raw, {"origin": "none"}) == {"title", "n"}
    assert missing(raw, {"origin": "file", "n": 1}) == {"title", "file"}
    assert missing(raw, {}) == {"title", "n", "origin", "file"}, "as long as it is not known"


def test_models_of_steps_that_do_not_belong_are_left_out_of_comparison_and_bundle() -> None:
    raw = {
        "step": [STEP, {**STEP, "name": "b", "when": {"x": 2}}],
        "compare": {"models": ["@a", "@b"]},
        "bundle": {"model": "@b"},
    }
    made = filled(raw, {"x": 1})
    assert made["compare"]["models"] == ["@a"]
    assert "bundle" not in made
    assert filled(raw, {"x": 2})["bundle"] == {"model": "@b"}


def test_a_repeated_step_goes_on_from_the_one_before() -> None:
    repeat = {"over": "${epochs}", "from": "student"}
    step = {**STEP, "repeat": repeat, "options": {"epochs": "${item}", "student": "@p"}}
    assert steps(step, epochs=7) == [{**STEP, "options": {"epochs": 7, "student": "@p"}}]
    first, second = steps(step, epochs=[7, 9])
    assert first["options"] == {"epochs": 7, "student": "@p"}
    assert second["options"] == {"epochs": 9, "student": "@a"}
    assert (first["name"], second["name"]) == ("a", "a-2")
    assert first["repeats"] == second["repeats"] == "a"


@pytest.mark.parametrize("bad", [{"repeat": 3}, {"repeat": {"over": 2}}, {"when": "none"}])
def test_what_cannot_be_read_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(UserError, match=r"repeat|when"):
        steps({**STEP, **bad})


def write(folder: Path, text: str) -> Path:
    file = folder / "own.toml"
    file.write_text(text)
    return file


def test_a_recipe_may_be_another_one_with_values(tmp_path: Path) -> None:
    base = reading.read(Path("default"))
    file = write(tmp_path, 'recipe = "default"\ntitle = "Mine"\n[values]\nkeep = ["stem"]\n')
    mine = reading.read(file)
    assert mine.raw == {**base.raw, "title": "Mine"}
    assert mine.values == {**base.values, "keep": ["stem"]}
    assert base.values["keep"] == [], "the shipped one is as it was"


def test_values_of_the_caller_win_over_those_of_the_file(tmp_path: Path) -> None:
    text = (
        'title = "${name}"\nstep = [{ name = "a", stage = "compress.train" }]\n'
        'compare = { models = [] }\n[values]\nname = "file"\n'
    )
    template = reading.read(write(tmp_path, text))
    assert template.filled({}).title == "file"
    assert template.filled({"name": "caller"}).title == "caller"


def test_a_variable_that_nothing_fills_is_not_called_unknown() -> None:
    with pytest.raises(UserError) as refused:
        filled({"step": [{"name": "a", "options": {"x": "${keep}"}}]}, {"arch": "r"})
    assert str(refused.value).startswith("A variable of the recipe has no value. Got: keep. Next:")
    assert "--set keep=VALUE" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[step]]\nname = "a"\nstage = "b"\noption = 1\n[compare]\nmodels = []\n',
         "key in step a of .*own.toml. Got: option.*did you mean 'options'"),
        ('[[step]]\nname = "a"\nstage = "b"\n[compare]\nmodel = []\nmodels = []\n',
         "key in compare of .*Got: model.*did you mean 'models'"),
        ('[[step]]\nname = "a"\n[compare]\nmodels = []\n', "step a.stage: Field required"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_recipe_is_said_by_the_step(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        reading.read(write(tmp_path, f'title = "mine"\n{text}')).filled({})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('recipe = "defalt"\n', "did you mean 'default'"),
        ('recipe = "default"\nstep = []\n', "only these"),
        ("values = 3\n", r"\[values\]"),
    ],
)
def test_a_bad_file_is_one_message(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        reading.read(write(tmp_path, text))


VALUES = {
    "origin": "none", "model": "m.onnx", "teacher": "@teacher", "teacher_kind": "torch",
    "teacher_fp32": "@teacher-fp32", "student_kind": "pruned", "student_start": "@pruned",
    "last": "student-int8",
}  # fmt: skip


def shape(template: Template, **changed: object) -> list[str]:
    """Return the names of the steps of the default recipe, whatever else is chosen."""
    values = {**VALUES, **changed}
    rest = dict.fromkeys(template.missing(values), 1) | {"title": "t", "compare_gates": []}
    rest |= {"student_epochs": values.get("student_epochs", 1), "latency_time": "3m"}
    return [step.name for step in template.filled({**rest, **values}).step]


SMALL = ["student", "student-fp32", "student-int8"]


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({}, ["teacher", "teacher-fp32", "teacher-int8", "pruned", *SMALL]),
        ({"origin": "checkpoint"}, ["teacher", "teacher-fp32", "teacher-int8", "pruned", *SMALL]),
        ({"origin": "network"}, ["teacher-fp32", "teacher-int8", "pruned", *SMALL]),
        (
            {"origin": "file", "teacher_kind": "onnx", "student_kind": "named"},
            ["teacher", "teacher-int8", *SMALL],
        ),
        (
            {"origin": "graph", "teacher_kind": "onnx", "student_kind": "none"},
            ["teacher-int8"],
        ),
        (
            {"student_epochs": [1, 2]},
            [
                "teacher", "teacher-fp32", "teacher-int8", "pruned", "student", "student-2",
                *SMALL[1:],
            ],
        ),
    ],
)  # fmt: skip
def test_the_default_recipe_has_the_steps_that_the_start_and_the_student_ask_for(
    changed: dict[str, object], wanted: list[str]
) -> None:
    assert shape(reading.read(Path("default")), **changed) == wanted
