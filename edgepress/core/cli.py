"""The command-line layer: flags and TOML file in, exit code out."""

import inspect
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import tyro
from pydantic import BaseModel, ValidationError

from edgepress.core import console, memory, misread, several, starting, unforeseen
from edgepress.core.errors import EXIT_DONE, EdgepressError, UserError, unknown_name
from edgepress.core.unforeseen import EXIT_UNFORESEEN

C = TypeVar("C", bound=BaseModel)


def main(
    config_type: type[C], run: Callable[[C], object], argv: Sequence[str] | None = None
) -> int:
    """Parse a stage's config, run it and return the exit code.

    Every option can also stand in the TOML file given with `--config`; flags win over the file.
    However it ends, it is with one message: an error that nobody has foreseen leaves its traceback
    in a file.
    """
    words = sys.argv[1:] if argv is None else argv
    starting.loaded()
    try:
        config = parse(config_type, words)
        with memory.watched():
            run(config)
    except ValidationError as error:
        console.fail(explain(error))
        return UserError.exit_code
    except EdgepressError as error:
        console.fail(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        console.fail(starting.INTERRUPTED)
        return starting.EXIT_INTERRUPTED
    except Exception as error:
        console.fail(unforeseen.told(error, [_program() or "python", *words]))
        return EXIT_UNFORESEEN
    finally:
        console.flush()
    return EXIT_DONE


def parse(config_type: type[C], argv: Sequence[str]) -> C:
    """Return the config that a command line stands for; flags win over `--config FILE`.

    Raises:
        UserError: the file cannot be read, an option that takes several values has none, or an
            option or a value that tyro cannot read.
        ValidationError: a value that an option does not take.
        SystemExit: `--help`.
    """
    arguments = list(argv)
    default = _from_file(config_type, arguments)
    try:
        with misread.in_one_message(_program()):
            return tyro.cli(
                config_type,
                args=several.merged(config_type, arguments),
                default=default,
                prog=_program(),
                description=_description(config_type),
                config=(tyro.conf.OmitArgPrefixes,),
            )
    except BrokenPipeError:  # nobody reads the help
        raise SystemExit(EXIT_DONE) from None


def explain(error: ValidationError) -> str:
    """Return every problem of a config in one message."""
    problems = []
    for item in error.errors():
        option = "--" + "-".join(str(part).replace("_", "-") for part in item["loc"])
        problems.append(f"{option}: {item['msg']} (got: {item['input']!r})")
    return "Bad options. " + "; ".join(problems)


def _program() -> str | None:
    """Return the command as a user types it: `python -m compress.train`."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return f"python -m {spec.name.removesuffix('.__main__')}" if spec else None


def _description(config_type: type[BaseModel]) -> str:
    text = inspect.cleandoc(config_type.__doc__ or "")
    return text + "\n\nAny option can stand in a TOML file: --config FILE.toml"


def _from_file(config_type: type[C], arguments: list[str]) -> C:
    """Take `--config FILE` out of the arguments and return the defaults with it applied."""
    return config_type(**check_options(config_type, _read_toml(_pop_config(arguments))))


def _pop_config(arguments: list[str]) -> Path | None:
    for position, argument in enumerate(arguments):
        if argument.startswith("--config="):
            return Path(arguments.pop(position).partition("=")[2])
        if argument == "--config":
            if position + 1 == len(arguments):
                raise UserError("--config needs a TOML file")
            del arguments[position]
            return Path(arguments.pop(position))
    return None


def _read_toml(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    return read_toml(path)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        UserError: there is none, or it is not TOML.
    """
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise UserError(f"The file cannot be read ({error.strerror})", got=path) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"The file is not TOML ({error})", got=path) from None


def check_options(config_type: type[BaseModel], options: dict[str, Any]) -> dict[str, Any]:
    """Return options with their names as fields of the config.

    Raises:
        UserError: an option that the config does not have, or one in two spellings.
    """
    fields = {name.replace("-", "_"): value for name, value in options.items()}
    if len(fields) < len(options):
        twice = [name for name in options if name != name.replace("-", "_") in options]
        raise UserError(
            "An option is given twice, with - and with _", got=", ".join(twice), allowed="once"
        )
    for name in fields:
        if name not in config_type.model_fields:
            raise unknown_name("option", name, config_type.model_fields)
    return fields
