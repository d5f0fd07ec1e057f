"""Stand-ins are made once for a machine: their place in the cache."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from compress.stand_ins import costs
from edgepress.core import artifact as artifacts
from edgepress.core import place
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.hashing import value_hash
from edgepress.core.source import source_hash
from edgepress.data.cache import cache_dir


def kept(key: list[object], make: Callable[[Path], object]) -> Artifact:
    """Return a stand-in of the cache; one that is not there, or damaged, is made first.

    Args:
        key: All that its layers depend on, as JSON has it.
        make: Writes it at a path.

    Raises:
        UserError: as `make`.
    """
    path = cache_dir() / "stand-ins" / value_hash([*key, source_hash(costs.__name__)])
    try:
        return artifacts.load(path)
    except UserError:
        path.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        draft = Path(folder) / path.name
        make(draft)
        place.put(draft, path)
    return artifacts.load(path)
