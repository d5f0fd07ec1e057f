"""`python -m benchmarks.claims.quantization.peers` builds the environments of the other tools."""

import sys
from typing import Annotated

import tyro

from benchmarks.claims.quantization.peers import environments
from edgepress.core import console
from edgepress.core.cli import main
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun


class Config(Noun):
    """Build an environment for every other tool under .venv-peers.

    One that is there and unchanged is left as it is. All five take some ten minutes and, with a
    CPU build of torch, 5 GB.
    """

    names: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Tools, by the names of their requirements (default: all)."""


def run(config: Config) -> dict[str, str]:
    """Build what is missing, print a table, and return how each ended.

    Raises:
        UserError: an unknown tool, or an environment that cannot be built.
    """
    names = config.names or tuple(environments.known())
    for name in names:
        environments.script_of(name)
    ended = {name: _build(name) for name in console.track(names, "building environments")}
    console.table("Other tools", ("tool", "environment"), ended.items())
    failed = [name for name in names if name not in environments.find()]
    if failed:
        raise UserError(
            f"Not built: {', '.join(failed)}",
            next_step="see the table above; the others can be used without them",
        )
    return ended


def _build(name: str) -> str:
    if name in environments.find():
        return "there, unchanged"
    console.say(f"{name} ...")
    try:
        environments.build(name)
    except UserError as error:
        return str(error)
    return "built"


if __name__ == "__main__":
    sys.exit(main(Config, run))
