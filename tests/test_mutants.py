"""The tool of `make mutants`: its operators, its draw, its table, its reasons and its page."""

import ast
from pathlib import Path

import pytest
from places import ROOT

pytest.importorskip("cosmic_ray", reason="of the dev extra")

from mutants import page, table, tried
from mutants import places as drawing
from mutants.rewrites import OURS
from mutants.running import Job, slots
from mutants.running import run as run_jobs


@pytest.mark.parametrize(
    ("operator", "source", "expected"),
    [
        ("swapped_arguments", "f(a, b)", ["f(b, a)"]),
        ("swapped_arguments", "max(a, b)", []),
        ("swapped_arguments", "f(a, 'b')", []),
        ("dropped_keyword", "f(a, axis=1)", ["f(a)"]),
        ("dropped_keyword", "f(axis=1)", ["f()"]),
        ("dropped_keyword", "zip(a, b, strict=True)", []),
        ("dropped_operand", "a - b", ["a"]),
        ("dropped_operand", "a * b", ["a", "b"]),
        ("dropped_operand", "a ** 2", ["a"]),
        ("dropped_operand", "a and b and c", ["a and c", "a and b", "b and c"]),
        ("dropped_statement", "seen.append(x)\n", ["pass\n"]),
        ("dropped_statement", "loss += x\n", ["pass\n"]),
        ("dropped_statement", "console.say(x)\n", []),
        ("dropped_guard", "if a:\n    b()\n", ["if False:\n    b()\n"]),
        ("dropped_guard", "if a:\n    b()\nelse:\n    c()\n", []),
        ("swapped_name", "min(a)", ["max(a)"]),
        ("swapped_name", "limits.min", []),
        ("swapped_text", "'train'", ["'test'"]),
        (
            "other_parameter",
            "def f(a: int, b: int):\n    g(a)\n",
            ["def f(a: int, b: int):\n    g(b)\n"],
        ),
        ("other_parameter", "def f(a: int, b: str):\n    g(a)\n", []),
        ("other_attribute", "s.train + s.test", ["s.test + s.test", "s.train + s.train"]),
        ("other_attribute", "import s\ns.train + s.test", []),
        ("swapped_targets", "low, high = x", ["high, low = x"]),
        ("swapped_slice", "x[1:]", ["x[:1]"]),
        ("unwrapped", "sorted(x)", ["(x)"]),
        ("unwrapped", "x.copy()", ["x"]),
        (
            "uncaught",
            "try: pass\nexcept (A, b.B) as e: pass\n",
            [
                "try: pass\nexcept (b.B, ) as e: pass\n",
                "try: pass\nexcept (A, ) as e: pass\n",
            ],
        ),
        ("uncaught", "try: pass\nexcept A: pass\n", ["try: pass\nexcept (): pass\n"]),
        ("turned_membership", "a not in b", ["a in b"]),
        ("nudged_number", "0.5", ["0.45", "0.55"]),
        ("nudged_number", "0.0", ["0.1"]),
        ("nudged_number", "1e-9", []),
        ("nudged_number", "0xE", []),
    ],
)
def test_an_operator_of_ours_changes_what_it_says(operator: str, source: str, expected: list[str]):
    found = [place for place in drawing.places(source) if place.operator == operator]
    made = [drawing.make("f.py", source, place) for place in found]
    assert [mutant.source for mutant in made if mutant] == expected


def test_every_operator_of_ours_has_an_example():
    cases = test_an_operator_of_ours_changes_what_it_says.pytestmark[0].args[1]
    assert {case[0] for case in cases if case[2]} == {rewrites.__name__ for rewrites in OURS}


@pytest.mark.parametrize(
    "wording",
    [
        "raise ValueError(f'{a + 1} of 2', 3 < 4)",
        "x = f'{a + 1:.2f}'",
        "x: int | None",
        "P = Literal['train']",
    ],
)
def test_wording_and_annotations_are_no_places(wording: str):
    assert drawing.places(wording) == []


SOURCE = "def f(a, b):\n    return a < b + 1\n\n\ndef g(a):\n    return [a, 2, not a]\n"


def test_a_draw_is_the_same_wherever_the_line_stands():
    below = "# a comment\n\n" + SOURCE
    first, n = drawing.drawn("f.py", SOURCE, 4, 16)
    second, _ = drawing.drawn("f.py", below, 4, 16)
    assert [mutant.key for mutant in first] == [mutant.key for mutant in second]
    assert len(first) == 4 < n
    assert [mutant.line + 2 for mutant in first] == [mutant.line for mutant in second]


def test_another_seed_draws_others_and_none_draws_all():
    every, n = drawing.drawn("f.py", SOURCE, None, 16)
    other = [drawing.drawn("f.py", SOURCE, 4, seed)[0] for seed in range(6)]
    assert len(every) == n
    assert len({tuple(mutant.key for mutant in drawn) for drawn in other}) > 1


def test_mutants_are_python_and_say_something_else():
    every, _ = drawing.drawn("f.py", SOURCE, None, 16)
    texts = {ast.dump(ast.parse(mutant.source)) for mutant in every}
    assert len(texts) == len(every)
    assert ast.dump(ast.parse(SOURCE)) not in texts


def test_the_table_names_files_and_tests_that_are_there():
    rows = table.guarded()
    assert rows
    missing = {
        name
        for row in rows
        for name in (row.file, *(test.split("::")[0] for test in row.tests))
        if not (ROOT / name).exists()
    }
    assert not missing
    assert len({row.file for row in rows}) == len(rows)


def test_an_unknown_file_is_refused():
    with pytest.raises(SystemExit, match="is in no row"):
        table.chosen(["benchmarks/gate"])


def test_a_file_a_folder_and_an_area_can_be_chosen():
    assert [row.file for row in table.chosen(["benchmarks/gates/verdicts.py"])] == [
        "benchmarks/gates/verdicts.py"
    ]
    assert {row.area for row in table.chosen(["export/making/int8/"])} == {"int8"}
    assert len({row.area for row in table.chosen(["split", "losses"])}) == 2


def test_every_reason_speaks_of_a_line_that_is_there():
    gone = [
        reason.key
        for reason in table.reasons()
        for line in reason.was.split(" / ")
        if line not in (ROOT / reason.file).read_text()
    ]
    assert not gone


def test_the_page_is_made_of_the_committed_results():
    assert page.committed() == (page.FOLDER / "README.md").read_text()


def test_the_page_has_tried_something_in_every_file_it_names():
    results = list(page.stored().values())
    assert results, "an empty page says nothing"
    assert all(one.tried > 0 for one in results)


def test_every_survivor_has_a_reason_and_nine_of_ten_die():
    results = list(page.stored().values())
    assert page.unexplained(results) == []
    assert sum(one.killed for one in results) >= page.WANTED * sum(one.tried for one in results)


def a_result(**changes: object) -> page.FileResult:
    plain = {"area": "gates", "file": "a.py", "source": tried.digest("x = 1\n")}
    counts = {"places": 9, "tried": 4, "killed": 4, "late": 1}
    return page.FileResult(**plain | counts | changes)


def test_results_of_other_draws_and_of_files_that_have_changed_are_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(page, "ROOT", tmp_path)
    monkeypatch.setattr(page, "FOLDER", tmp_path / "results")
    rows = [table.Guarded("gates", name, ("t.py",)) for name in ("a.py", "b.py", "c.py")]
    monkeypatch.setattr(page, "guarded", lambda: rows)
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "b.py").write_text("x = 2\n")
    page.write({"a.py": a_result(), "b.py": a_result(file="b.py")}, 8, 16)
    assert list(page.current(8, 16)) == ["a.py"]
    assert page.current(9, 16) == page.current(8, 17) == page.current(None, 16) == {}
    text = (page.FOLDER / "README.md").read_text()
    assert "in 2 of the 3 files" in text
    assert "`make mutants SAMPLE=8`" in text
    assert "Not tried: `c.py`." in text
    assert "8 of 8 changes (100.0%)**, 2 of them because they took too long" in text


def a_project(root: Path) -> Path:
    (root / "tests").mkdir(parents=True)
    (root / "rule.py").write_text("LIMIT = 3\n\n\ndef passes(x):\n    return x <= LIMIT\n")
    (root / "tests" / "test_rule.py").write_text(
        "from rule import passes\n\n\ndef test_far():\n    assert passes(0) and not passes(9)\n"
    )
    (root / "pyproject.toml").write_text("[tool.pytest.ini_options]\npythonpath = ['.']\n")
    return root


def test_the_tests_notice_what_they_can_see_and_the_file_is_put_back(tmp_path: Path):
    root = a_project(tmp_path / "project")
    source = (root / "rule.py").read_text()
    changes = {
        "kept": source,
        "edge": source.replace("<=", "<"),
        "turned": source.replace("<=", ">"),
    }
    hangs = source.replace("return", "while True: pass\n    return")
    ended = {}
    jobs = [
        Job(
            "rule.py",
            source,
            text,
            ["tests/test_rule.py"],
            60,
            lambda how, n=name: ended.update({n: how}),
        )
        for name, text in changes.items()
    ]
    jobs.append(
        Job("rule.py", source, hangs, ["tests"], 5, lambda how: ended.update({"hangs": how}))
    )
    among = slots(tmp_path / "work", root, 2)
    run_jobs(jobs, among)
    codes = {name: how.code for name, how in ended.items()}
    assert codes == {"kept": 0, "edge": 0, "turned": 1, "hangs": None}
    assert ended["turned"].by == "tests/test_rule.py::test_far"
    assert all((slot.tree / "rule.py").read_text() == source for slot in among)


def a_mutant() -> drawing.Mutant:
    return drawing.Mutant("f.py", "f", "a < b", "a <= b", 2, "...")


def test_a_result_holds_while_the_file_and_the_tests_are_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tried, "ROOT", tmp_path)
    (tmp_path / "a.py").write_text("a = 1")
    (tmp_path / "b.py").write_text("b = 2")
    tests = ["a.py", "b.py"]
    killed = tried.outcome(a_mutant(), "source", tests, "b.py::test", tried.KILLED)
    lives = tried.outcome(a_mutant(), "source", tests, "", tried.SURVIVED)
    assert tried.holds(killed, "source", tests)
    assert tried.holds(lives, "source", tests)
    assert not tried.holds(killed, "other", tests)
    assert not tried.holds(None, "source", tests)
    tried._digest_below.cache_clear()
    (tmp_path / "a.py").write_text("a = 3")
    assert tried.holds(killed, "source", tests)
    assert not tried.holds(lives, "source", tests)
    tried._digest_below.cache_clear()


def test_a_digest_is_of_what_the_code_does():
    code = 'def f(x):\n    """Say."""\n    return x + 1\n'
    moved = "import os\nfrom a import b\n" + code.replace("Say", "Tell").replace("1", "1  # one")
    assert tried.digest(moved) == tried.digest(code)
    assert tried.digest(code.replace("+ 1", "+ 2")) != tried.digest(code)


def test_a_record_goes_on_where_it_was_cut_off(tmp_path: Path):
    file = tmp_path / "tried.jsonl"
    record = tried.Record(file, fresh=False)
    record.add(tried.outcome(a_mutant(), "s", ["none.py"], "", tried.SURVIVED))
    with file.open("a") as out:
        out.write('{"key": "cut')
    again = tried.Record(file, fresh=False)
    assert list(again.known) == [a_mutant().key]
    assert not tried.Record(file, fresh=True).known
