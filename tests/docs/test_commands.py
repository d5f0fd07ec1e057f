"""Every command in README and docs can be typed: it is there, and takes these options."""

import importlib
import re
import tomllib
from argparse import ArgumentParser
from functools import cache
from pathlib import Path

import pages
import pytest
from pydantic import BaseModel, ValidationError

from benchmarks import latency_table
from benchmarks.gates import budgets
from benchmarks.gates.text import parse
from edgepress.core import cli, registry
from edgepress.core.errors import EdgepressError, UserError
from edgepress.device import cli as device
from edgepress.device.errors import DeviceError
from export import targets

PROGRAMS = {"openssl", "npm", "ffmpeg", "optuna-dashboard"}
"""What others have made, as far as the pages use it."""
HOUSE = ("edgepress.", "models.", "benchmarks.", "compress", "export.")
SHOWN = re.findall(
    r"^# benchmarks/gates/metrics/(\w+)\.py$",
    (pages.DOCS / "architecture.md").read_text(),
    re.MULTILINE,
)
"""Gate metrics that the page on the house shows how to add."""
today = pytest.mark.parametrize("page", pages.TODAY, ids=pages.name)
PROJECT = tomllib.loads((pages.ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


@cache
def config_of(module: str) -> type[BaseModel] | None:
    """Return the options of `python -m MODULE`, `None` where there is no such command."""
    for name in (f"{module}.__main__", module):
        try:
            found = importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        if "main(" in Path(str(found.__file__)).read_text():
            return getattr(found, "Config", None)
    return None


@cache
def known_options() -> frozenset[str]:
    files = [
        file
        for room in ("models", "benchmarks", "compress", "export")
        for file in (pages.ROOT / room).rglob("*.py")
    ]
    modules = [
        ".".join(file.relative_to(pages.ROOT).with_suffix("").parts)
        for file in files
        if "main(Config, run)" in file.read_text()
    ]
    fields = {
        (name, field.annotation is bool)
        for module in modules
        for name, field in importlib.import_module(module).Config.model_fields.items()
    }
    ours = {f"--{name.replace('_', '-')}" for name, _ in fields} | {"--help", "--config"}
    ours |= {f"--no-{name.replace('_', '-')}" for name, is_switch in fields if is_switch}
    return frozenset(ours | set(re.findall(r'"(--[a-z-]+)"', Path(device.__file__).read_text())))


def wrong(words: list[str]) -> str:
    """Return what is wrong with a command, nothing where it can be typed."""
    program, rest = words[0], words[1:]
    if program == "python" and rest[0] == "run.py":
        return on_the_device(rest[1:])
    if program == "python" and rest[:2] == ["-m", "pytest"]:
        return "" if (pages.ROOT / rest[2]).exists() else f"no tests in {rest[2]}"
    if program == "python" and rest[0] == "-m":
        return of_ours(rest[1], rest[2:])
    if program == "make":
        return of_make([word for word in rest if "=" not in word])
    if program == "pip":
        return of_pip(rest)
    return "" if program in PROGRAMS else f"unknown program {program}"


def of_ours(module: str, options: list[str]) -> str:
    config = config_of(module)
    if module == "benchmarks.latency_table":  # without pydantic, as on a device
        return by_argparse(latency_table._parser(), options)
    if config is None:
        listing = pages.ROOT / module / "__main__.py"
        return "" if listing.is_file() and not options else f"no command {module}"
    if options == ["--help"]:
        return ""
    try:
        cli.parse(config, [word.replace("$k", "1") for word in options])
    except (SystemExit, ValidationError, EdgepressError) as error:
        return f"{module}: {error}"
    return ""


def on_the_device(options: list[str]) -> str:
    return by_argparse(device._parser(), options)


def by_argparse(parser: ArgumentParser, options: list[str]) -> str:
    try:
        parser.parse_args(options)
    except (SystemExit, DeviceError) as error:
        return str(error)
    return ""


def of_make(targets: list[str]) -> str:
    rules = re.findall(r"^([a-z]+):", (pages.ROOT / "Makefile").read_text(), re.MULTILINE)
    return "" if set(targets) <= set(rules) else f"no rule for {targets}"


def of_pip(words: list[str]) -> str:
    if words[0] != "install":
        return "pip only installs"
    named = re.findall(r"\[([\w,]+)\]", " ".join(words))
    extras = {extra for group in named for extra in group.split(",")}
    return "" if extras and extras <= set(EXTRAS) else f"no extra of {words}"


def named(block: str) -> re.Match[str] | None:
    """Match an option file whose first line names its command: `# a.toml, for export.onnx`."""
    return re.match(r"# (\S+), for (\S+)\n", block)


@today
def test_every_command_can_be_typed(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for block in pages.blocks(page, "toml"):
        if found := named(block):
            (tmp_path / found[1]).write_text(block)
    code = pages.blocks(page, "sh") + [c for c in pages.blocks(page, "") if c.startswith("make")]
    typed = [words for block in code for words in pages.commands(block)]
    assert [problem for words in typed if (problem := wrong(words))] == []


@today
def test_every_command_in_a_sentence_can_be_typed(page: Path):
    starts = ("python -m ", "make ", "pip install ", *HOUSE)
    told = [code for code in pages.inline(page) if code.startswith(starts)]
    for code in told:
        words = next(pages.commands(code))
        if words[0].startswith(HOUSE):  # its module alone, or with options
            if len(words) == 1 and config_of(words[0]) is None:
                continue  # a module or a folder, not a command
            words = ["python", "-m", *words]
        assert not wrong(words), code


@today
def test_every_option_in_a_sentence_is_one_of_some_command(page: Path):
    told = {code.split()[0] for code in pages.inline(page) if code.startswith("--")}
    assert told <= known_options()


def _is_gate_or_budget(text: str) -> bool:
    try:
        return bool(parse(text).metric)
    except UserError:
        return bool(budgets.parse((text,)).each)


@today
def test_every_demand_in_a_sentence_is_a_gate(page: Path):
    for code in pages.inline(page):
        demand = re.search(r'"(.*[<>]= .*)"', code)
        text = demand[1] if demand else code
        if re.search(r" [<>]= ", text) and text.split()[0] not in SHOWN:
            assert _is_gate_or_budget(text)


@today
def test_every_option_file_is_one_of_its_command(page: Path):
    for block in pages.blocks(page, "toml"):
        options = tomllib.loads(block)
        if found := named(block):
            config = config_of(found[2])
            assert config is not None
            config(**cli.check_options(config, options))
        else:
            assert options


def test_the_page_of_gates_names_every_metric():
    with pytest.raises(UserError) as refused:
        parse("no_such_metric >= 1")
    metrics = re.search(r"Allowed: (.*?)\.( |$)", str(refused.value))
    assert metrics
    text = (pages.DOCS / "gates.md").read_text()
    assert [name for name in metrics[1].split(", ") if f"`{name}" not in text] == []


@pytest.mark.parametrize(
    ("page", "package"),
    [
        ("int8.md", "export.targets"),
        ("runtimes.md", "export.converting.formats"),
        ("data.md", "edgepress.data.formats"),
    ],
)
def test_a_page_names_every_entry_of_its_folder(page: str, package: str):
    told = set(pages.inline(pages.DOCS / page))
    assert [name for name in registry.names(package) if name not in told] == []


def test_the_table_of_targets_says_what_each_takes():
    row = re.compile(
        r"^\| `([\w-]+)` \| [^|]+ \| (yes|no) \| (yes|no) \| (yes|no) \|$", re.MULTILINE
    )
    told = {name: takes for name, *takes in row.findall((pages.DOCS / "int8.md").read_text())}
    formats = ("fp16", "int8", "int8_weights")
    assert told == {
        name: ["yes" if one in targets.resolve(name).precisions else "no" for one in formats]
        for name in targets.names()
    }


def test_exit_codes_are_those_of_the_errors():
    from edgepress.core import errors, unforeseen

    codes = {errors.EXIT_DONE, unforeseen.EXIT_UNFORESEEN, errors.EXIT_BAD_INPUT}
    codes |= {errors.EXIT_GATE_FAILED, errors.EXIT_GATE_UNDECIDED}
    for page in (pages.README, pages.DOCS / "gates.md"):
        rows = re.findall(r"^\| (\d) \| ", page.read_text(), re.MULTILINE)
        assert {int(code) for code in rows} == codes


@pytest.mark.parametrize(
    "line",
    [
        "python -m compress.no_such_command",
        "python -m compress.train --no-such-option 3",
        "python -m compress.train --epochs many",
        "EDGEPRESS_FUZZ=1 python -m pytest tests/none",
        "for x in a b; do python -m export.onnx --target; done",
        "cat x | python run.py predict --no-such-option",
        "make nothing",
        "pip install 'edgepress[nothing]'",
        "sudo rm",
    ],
)
def test_the_check_of_commands_can_fail(line: str):
    (*_, last) = pages.commands(line)
    assert wrong(last)
