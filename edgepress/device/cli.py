"""The commands of the device runtime."""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from . import process
from .bundle.manifest import MANIFEST, open_folder
from .errors import EXIT_BAD_INPUT, EXIT_CHECK_FAILED, EXIT_DONE, DeviceError
from .serving.limits import Limits

Command = Callable[[Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code: 0 done, 2 bad input, 3 a check failed."""
    process.open_streams()
    with process.ended_well():
        try:
            return _run(argv)
        except DeviceError as error:
            process.complain(f"error: {error}")
            return error.exit_code
        except BrokenPipeError:  # whoever read our lines has gone
            process.drop_output()
            return EXIT_DONE
        except OSError as error:  # a full or read-only disk, also behind standard output
            process.drop_output()
            process.complain(f"error: {error.strerror or error}: {error.filename or 'output'}.")
            return EXIT_BAD_INPUT
        except ImportError as error:
            process.complain(f"error: {error}. Next: pip install onnxruntime numpy pillow")
            return EXIT_BAD_INPUT
        except KeyboardInterrupt:
            return 130


def _run(argv: Sequence[str] | None) -> int:
    try:
        options = _parser().parse_args(argv)
        if "bundle" in options:
            _choose_bundle(options)
        code: int = options.command(options)
        return code
    finally:
        sys.stdout.flush()  # here, where it is known what to do when it fails


def _choose_bundle(options: Namespace) -> None:
    """Take the bundle that this package lies in where neither a bundle nor a root is given."""
    if options.bundle is None and options.root is None:
        around = Path(__file__).absolute().parents[1]
        if not (around / MANIFEST).is_file():
            raise DeviceError("There is no bundle", next_step="give --bundle DIR or --root DIR")
        options.bundle = around


def _module(name: str) -> Command:
    """Return a command that is imported when it is run: a device starts with what it needs."""

    def run(options: Namespace) -> int:
        code: int = import_module(f".{name}", __package__).run(options)
        return code

    return run


def _selftest(options: Namespace) -> int:
    from .model import selftest
    from .root import slots, tuned

    bundle = slots.opened(options.root) if options.root else open_folder(options.bundle)
    runtime = tuned.stored(options.root) if options.root else None
    found = selftest.report(bundle, selftest.run(bundle, runtime), runtime)
    print(json.dumps(found, indent=1))
    return EXIT_DONE if found["passed"] else EXIT_CHECK_FAILED


def _tune(options: Namespace) -> int:
    from .model import tune
    from .root import locks, slots, tuned

    place = slots.opened(options.root).folder if options.root else options.bundle
    trials = tune.measure(place)
    chosen = tune.choose(trials)
    if options.root:
        with locks.locked(options.root):
            tuned.store(options.root, chosen)
    print(json.dumps({"runtime": chosen, "trials": [asdict(one) for one in trials]}, indent=1))
    return EXIT_DONE


def _install(options: Namespace) -> int:
    from .root.install import install

    done = install(options.archive, options.root, options.key, options.probation)
    print(json.dumps(asdict(done)))
    return EXIT_DONE


def _rollback(options: Namespace) -> int:
    from .root import locks, slots

    with locks.locked(options.root):
        slots.recover(options.root)
        bundle = slots.roll_back(options.root, "by hand")
    print(json.dumps({"release": bundle.release, "slot": bundle.folder.name}))
    return EXIT_DONE


def _status(options: Namespace) -> int:
    from .root.status import status

    print(json.dumps(status(options.root), indent=1))
    return EXIT_DONE


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line, as everything else does, and without the whole usage."""
        raise DeviceError(message[:1].upper() + message[1:], next_step=f"{self.prog} --help")


def _parser() -> ArgumentParser:
    parser = _Parser(
        prog="edgepress_device",
        description="Runs an edgepress bundle. Exit codes: 0 done, 2 bad input, 3 a check failed.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Command, text: str) -> ArgumentParser:
        one = commands.add_parser(
            name, help=text, description=text, formatter_class=RawDescriptionHelpFormatter
        )
        one.set_defaults(command=command)
        return one

    _predict_options(
        add("predict", _module("running.predict"), "Predict images; one JSON line for each.")
    )
    _serve_options(
        add("serve", _module("serving.server"), "Serve /predict, /healthz and /metrics.")
    )
    for name, command, text in (
        ("selftest", _selftest, "Test answers, latency and memory against the bundle's promises."),
        (
            "tune",
            _tune,
            "Choose threads, arena and spinning by measuring; --root keeps the choice.",
        ),
    ):
        _source_options(add(name, command, text))
    _install_options(add("install", _install, "Verify, test and switch to a newer bundle."))
    for name, command, text in (
        ("rollback", _rollback, "Go back to the release in the other slot."),
        ("status", _status, "Tell what is installed, in use and on probation."),
    ):
        add(name, command, text).add_argument("--root", type=Path, required=True, metavar="DIR")
    return parser


def _source_options(parser: ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--bundle", type=Path, metavar="DIR", help="unpacked bundle (default: ours)"
    )
    source.add_argument("--root", type=Path, metavar="DIR", help="folder that install has filled")


def _watch_options(parser: ArgumentParser) -> None:
    text = "count what is seen and answered there, without keeping images"
    parser.add_argument("--watch", type=Path, metavar="DIR", help=text)
    text = "with --watch: keep doubtful images too"
    parser.add_argument("--keep-images", action="store_true", help=text)


def _predict_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("images", type=_path, nargs="*", help="files, and folders of them")
    text = "read from standard input: a path a line; image files, each behind its length (4 bytes, "
    text += "big-endian); or raw RGB frames of --width and --height, as ffmpeg gives of any camera"
    add("--stdin", choices=("paths", "lengths", "raw"), help=text)
    add("--width", type=_positive, metavar="PIXELS", help="of raw frames")
    add("--height", type=_positive, metavar="PIXELS", help="of raw frames")
    text = "of raw frames always take the newest and pass over those that came meanwhile"
    add("--latest", action="store_true", help=text)
    _source_options(parser)
    _watch_options(parser)


def _serve_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address (default: %(default)s, this device only)")
    add("--port", type=int, default=8765, help="0 takes a free one (default: %(default)s)")
    usual = Limits()
    text = "open at once (default: %(default)s)"
    add("--connections", type=_positive, default=usual.connections, help=text)
    text = "running at once (default: %(default)s)"
    add("--predictions", type=_positive, default=usual.predictions, help=text)
    add("--max-body-bytes", type=_positive, default=usual.body_bytes, help="default: %(default)s")
    add("--max-pixels", type=_positive, default=usual.pixels, help="default: %(default)s")
    text = "for all requests together, on top of the model; what takes more is refused with 413, "
    text += "what finds too little left waits (default: %(default)s)"
    mb = usual.memory_bytes // 10**6
    add("--memory-mb", type=_positive, default=mb, metavar="MB", help=text)
    text = "for one request (default: %(default)s)"
    add("--timeout-s", type=_seconds, default=usual.seconds, help=text)
    _source_options(parser)
    _watch_options(parser)


def _install_options(parser: ArgumentParser) -> None:
    parser.add_argument("archive", type=Path, metavar="BUNDLE.zip")
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="where it goes")
    parser.add_argument(
        "--key", type=Path, metavar="PEM",
        help="public key that it must be signed with; demanded from then on",
    )  # fmt: skip
    parser.add_argument(
        "--probation", type=_whole, default=200, metavar="N",
        help="predictions after which it is kept; 0: at once (default: %(default)s)",
    )  # fmt: skip


def _path(text: str) -> Path:
    if not text:
        raise ArgumentTypeError("a name is empty; a variable may not be set")
    if "://" in text:  # which may hold a password, and is not shown
        raise ArgumentTypeError("an address is no file; README.md shows how ffmpeg reads a camera")
    return Path(text)


def _whole(text: str) -> int:
    if not text.isdecimal() or not text.isascii():
        raise ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 3600:
        raise ArgumentTypeError(f"{text!r} is not a time in seconds, above 0")
    return value
