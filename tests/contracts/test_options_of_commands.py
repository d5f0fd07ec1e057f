"""Every command keeps what it is given: no value of an option that takes several is dropped."""

import importlib
import shlex
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from colours import LABELS, SPEC
from pydantic import BaseModel

from edgepress.core import cli, several
from edgepress.core.commands import made_by
from edgepress.core.errors import UserError
from edgepress.core.manifest import Manifest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("edgepress", "models", "benchmarks", "compress", "export")
COMMANDS = sorted(
    ".".join(file.relative_to(ROOT).with_suffix("").parts)
    for room in ROOMS
    for file in (ROOT / room).rglob("*.py")
    if "sys.exit(main(Config, run))" in file.read_text()
)


def configs() -> dict[str, type[BaseModel]]:
    return {name: importlib.import_module(name).Config for name in COMMANDS}


@cache
def options(length: float) -> tuple[tuple[str, str], ...]:
    """Return command and option of every option that takes so many values."""
    return tuple(
        (command, name)
        for command, config in configs().items()
        for name, field in config.model_fields.items()
        if several.length(field) is not None and (several.length(field) == length)
    )


def words(config: type[BaseModel], name: str) -> tuple[str, str]:
    """Return two values that an option can have."""
    kinds: list[Any] = [config.model_fields[name].annotation]
    while kinds:
        kind = kinds.pop()
        if get_origin(kind) is Literal:
            return get_args(kind)[-1], get_args(kind)[0]
        if kind is int:
            return "4", "6"
        if kind is float:
            return "4.5", "6.5"
        kinds += [part for part in get_args(kind) if not isinstance(part, str)]
    return "one", "two"


def given(config: type[BaseModel], arguments: list[str], name: str) -> object:
    found = getattr(cli.parse(config, arguments), name)
    return [str(value) for value in found] if isinstance(found, tuple) else found


def test_the_walk_finds_the_commands_and_their_options() -> None:
    assert {"compress.train", "compress.prune", "export.onnx", "benchmarks.gate"} <= set(COMMANDS)
    assert len(COMMANDS) > 30
    many = options(float("inf"))
    assert {("compress.train", "gate"), ("compress.prune", "keep"), ("export.onnx", "gate"),
            ("benchmarks.latency", "models"), ("benchmarks.claims.selftest.__main__", "parts"),
            ("benchmarks.architectures", "train")} <= set(many)  # fmt: skip
    assert ("benchmarks.accuracy", "prf_weights") in options(3)


@pytest.mark.parametrize("command", COMMANDS)
def test_an_option_given_again_adds_to_it_and_replaces_default_and_file(
    command: str, tmp_path: Path
) -> None:
    config = configs()[command]
    for name in [option for module, option in options(float("inf")) if module == command]:
        flag, (first, second) = f"--{name.replace('_', '-')}", words(config, name)
        file = tmp_path / "options.toml"
        text = second if second.replace(".", "").isdigit() else f'"{second}"'
        file.write_text(f"{name} = [{text}, {text}]\n")
        for source in ([], ["--config", str(file)]):
            apart = [*source, flag, first, flag, second]
            assert given(config, apart, name) == [first, second], apart
            spelt = [f"--{name}={first}", *source, f"{flag}={second}"]
            assert given(config, spelt, name) == [first, second], spelt
            assert given(config, [*source, flag, first], name) == [first]
        assert given(config, ["--config", str(file)], name) == [second] * 2
        with pytest.raises(UserError, match=f"{flag} needs a value"):
            cli.parse(config, [flag])


@pytest.mark.parametrize("command", COMMANDS)
def test_values_in_a_row_are_the_same_where_no_positional_word_could_be_meant(command: str) -> None:
    config = configs()[command]
    positional = [n for n, field in config.model_fields.items() if several.is_positional(field)]
    for name in [option for module, option in options(float("inf")) if module == command]:
        flag, (first, second) = f"--{name.replace('_', '-')}", words(config, name)
        if not positional or several.FOLLOWING in config.model_fields[name].metadata:
            assert given(config, [flag, first, second], name) == [first, second]
        elif several.length(config.model_fields[positional[0]]) is None:
            arguments = [flag, first, second]
            if get_origin(config.model_fields[positional[0]].annotation) is Literal:
                with pytest.raises(UserError, match="invalid choice"):
                    cli.parse(config, arguments)
                continue
            assert given(config, arguments, name) == [first]
            assert second in str(getattr(cli.parse(config, arguments), positional[0]))


def test_a_second_one_of_a_fixed_number_of_values_is_refused() -> None:
    fixed = {*options(2), *options(3), *options(4)}
    assert fixed
    for command, name in fixed:
        flag, n = f"--{name.replace('_', '-')}", int(several.length(
            configs()[command].model_fields[name]) or 0)  # fmt: skip
        values = range(1, n + 1)  # ascending, since of two one can be a range
        once = [flag, *map(str, values)]
        assert getattr(cli.parse(configs()[command], once), name) == tuple(values)
        with pytest.raises(UserError, match=f"{flag} is given twice"):
            cli.parse(configs()[command], once * 2)


def test_who_reads_images_can_go_on_without_the_bad_ones() -> None:
    """Else a stage passes over one on which its report dies."""
    reads = {name for name, config in configs().items() if "data" in config.model_fields}
    assert {"benchmarks.compare", "benchmarks.gate", "export.onnx"} <= reads
    inspection = {"benchmarks.inspection.__main__", "compress.data.__main__"}  # one; lists them
    skips = {name for name in reads if "skip_bad_images" in configs()[name].model_fields}
    assert reads - skips == inspection


def test_a_number_below_zero_is_a_value() -> None:
    arguments = several.merged(configs()["compress.train"], ["--gate", "-1", "--seed", "3"])
    assert arguments == ["--seed", "3", "--gate", "-1"]


def test_an_option_in_two_spellings_is_refused() -> None:
    config = configs()["compress.train"]
    with pytest.raises(UserError, match=r"given twice.*batch-size"):
        cli.check_options(config, {"batch-size": 4, "batch_size": 8})


@pytest.mark.parametrize("command", COMMANDS)
def test_a_switch_can_be_turned_on_and_off_whatever_the_file_says(
    command: str, tmp_path: Path
) -> None:
    config = configs()[command]
    switches = [name for name, field in config.model_fields.items() if field.annotation is bool]
    for name in switches:
        flag = name.replace("_", "-")
        for said in ("true", "false"):
            (tmp_path / "options.toml").write_text(f"{name} = {said}\n")
            file = ["--config", str(tmp_path / "options.toml")]
            assert given(config, [*file, f"--{flag}"], name) is True
            assert given(config, [*file, f"--no-{flag}"], name) is False


@pytest.mark.parametrize("stage", ["compress.train", "compress.prune", "export.onnx"])
def test_the_command_that_makes_a_model_again_can_be_typed(stage: str) -> None:
    config = configs()[stage](gate=("map >= 0.5", "size <= 1MB"), demand=("recall[a b] >= 0.9",))
    told = {"id": "one", "stage": stage, "kind": "onnx", "image": SPEC, "labels": LABELS}
    made = made_by(Manifest(**told, config=config.model_dump(mode="json"), data=None))
    assert cli.parse(configs()[stage], shlex.split(made)[3:]) == config
