"""The tiny network in each format, converted once."""

from collections.abc import Callable
from pathlib import Path

import pytest
from made_once import made_once

from edgepress.core.artifact import Artifact
from export import convert
from export.converting import writing
from export.converting.writing import Converted


@pytest.fixture(scope="session")
def in_fp32(
    trained: Artifact, data_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Converted]:
    """Return what converts the tiny network to a format, as it is."""

    def converted(name: str) -> Converted:
        def make(out: Path) -> None:
            given = {"model": (trained.path,), "data": str(data_folder), "images": 4}
            made = convert.run(convert.Config(format=name, out=out, **given))
            assert made == writing.read(out)

        found = writing.read(made_once(tmp_path_factory, f"tiny-{name}", make))
        assert found is not None
        return found

    return converted
