"""What clients of the server may use."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What clients may use."""

    connections: int
    """Open at once; the next ones are turned away with 503."""
    predictions: int
    """Running at once; others wait for their turn."""
    body_bytes: int
    pixels: int
    seconds: float
    """For one request, from its first byte to the end of the response."""
