"""Addresses of cameras: parsed, and shown without what is secret in them."""

import base64
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from .errors import DeviceError

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Address:
    """Where a camera answers."""

    scheme: str
    host: str
    port: int
    path: str
    query: str
    """May hold a password, as some cameras want it; never shown, and neither is the next."""
    authorization: str | None = None
    """The header of basic authentication."""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"

    @property
    def target(self) -> str:
        """What is asked for, as a request line has it."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def redirected(self, place: str) -> "Address":
        """Return the address that a camera sends us on to; another host does not get the log-in.

        Raises:
            DeviceError: it is not one of http or https.
        """
        try:
            there = parse(urljoin(str(self), place))
        except ValueError:
            raise _refused("its host or port is not valid") from None
        same = (there.scheme, there.host, there.port) == (self.scheme, self.host, self.port)
        login = self.authorization if same else None
        return Address(there.scheme, there.host, there.port, there.path, there.query, login)


def parse(text: str) -> Address:
    """Return an address such as `http://user:password@camera.local:8080/stream.mjpg`.

    >>> print(parse("http://me:secret@camera.local:8080/stream?pwd=secret"))
    http://camera.local:8080/stream

    Raises:
        DeviceError: another scheme than http and https, no host, or characters that no address has.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _refused("its host or port is not valid") from None
    if parts.scheme not in PORTS:
        raise _refused(f"it begins with {parts.scheme}://")
    if not parts.hostname:
        raise _refused("it has no host")
    if not _is_name(parts.hostname):
        raise _refused("its host is not valid")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise _refused("it holds a space or a letter that must be written as %XX")
    return Address(
        parts.scheme, parts.hostname, PORTS[parts.scheme] if port is None else port,
        parts.path or "/", parts.query, _login(parts),
    )  # fmt: skip


def _is_name(host: str) -> bool:
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True


def _login(parts: SplitResult) -> str | None:
    if parts.username is None:
        return None
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _refused(reason: str) -> DeviceError:
    """Return what is to be said; the address is not in it: it may hold a password."""
    return DeviceError(
        f"The camera's address cannot be used: {reason}",
        allowed="http://... and https://...",
        next_step="other cameras: ffmpeg -i ADDRESS -f mjpeg - | predict --stdin mjpeg",
    )
