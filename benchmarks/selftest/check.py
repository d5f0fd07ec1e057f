"""One thing that the self-test demands, and what it found."""

from compress.core.noun import Noun


class Check(Noun):
    """A demand on the measuring itself."""

    name: str
    demanded: str
    measured: str
    met: bool | None
    """`None` where it could not be measured here."""
    runs: tuple[str, ...] = ()
    """What every run gave, where there were several."""
