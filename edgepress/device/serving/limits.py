"""What clients of the server may use."""

from dataclasses import dataclass

from ..errors import DeviceError
from ..images import need
from ..images.decoding import MAX_PIXELS

_CONNECTION_BYTES = 1 << 19


@dataclass(frozen=True)
class Limits:
    """What clients may use."""

    connections: int = 8
    """Open at once; the next ones are turned away with 503."""
    predictions: int = 2
    """Running at once; others wait for their turn."""
    body_bytes: int = 8 * 2**20
    pixels: int = MAX_PIXELS
    seconds: float = 10.0
    """For one request, from its first byte to the end of the response."""
    memory_bytes: int = 512 * 10**6
    """For everything that clients send, on top of what the model takes."""

    @property
    def photo_bytes(self) -> int:
        """Memory for decoding and predicting, all photographs together.

        The rest is for what was received and waits: a body grows by an eighth as it comes.
        """
        return self.memory_bytes - self.connections * (self.body_bytes * 9 // 8 + _CONNECTION_BYTES)

    def check(self) -> None:
        """Refuse limits that do not go together.

        Raises:
            DeviceError: what may be received leaves no memory to look at it.
        """
        least_bytes = need.head(self.body_bytes)
        if self.photo_bytes < least_bytes:
            received = self.memory_bytes - self.photo_bytes
            raise DeviceError(
                "There is too little memory for photographs",
                got=f"{self.memory_bytes / 1e6:g} MB, of which {self.connections} connections "
                f"with their bodies take {received / 1e6:.0f} MB",
                allowed=f"at least {least_bytes / 1e6:.0f} MB besides, for the head of one",
                next_step="a larger --memory-mb, or smaller --connections, --max-body-bytes",
            )
