"""A camera on the network: a stream of JPEGs (multipart/x-mixed-replace), or one image an answer.

A camera that falls silent or hangs up is asked again, after a while that grows; one that refuses is
not, because a second attempt would not change that, and may lock a user out.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from socket import SHUT_RDWR
from ssl import SSLCertVerificationError

from .address import Address
from .errors import DeviceError
from .jpegs import split

STREAMS = ("multipart/x-mixed-replace", "multipart/mixed", "video/x-motion-jpeg")
IMAGES = ("image/jpeg", "image/png")
MOST_FRAME_BYTES = 16 * 2**20
MOST_REDIRECTS = 5
LONGEST_WAIT_S = 30.0
_CHUNK = 65_536


@dataclass(frozen=True)
class Wishes:
    """How a camera is asked."""

    every_s: float
    """An address of one image is asked again after this time; 0: once."""
    timeout_s: float
    """Longest time without a whole frame."""
    retries: int
    """Times in a row that it is asked anew."""


class Lost(Exception):
    """The connection is of no use any more; another one may be."""


def images(address: Address, wishes: Wishes) -> Iterator[bytes]:
    """Yield the image files that a camera gives; standard error tells when it is asked anew.

    Raises:
        DeviceError: it refuses, gives no images, or was lost too often in a row.
    """
    lost = 0
    while True:
        try:
            for content in _answer(address, wishes.timeout_s):
                lost = 0
                yield content
            if not wishes.every_s:
                return
            time.sleep(wishes.every_s)
        except SSLCertVerificationError as error:
            raise DeviceError(
                f"The camera's certificate is not trusted: {error.verify_message}", got=address,
                next_step="let the variable SSL_CERT_FILE name the certificate to trust",
            ) from None  # fmt: skip
        except TimeoutError:
            lost += 1
            _wait(lost, f"nothing came for {wishes.timeout_s:g} s", address, wishes)
        except (Lost, OSError, HTTPException) as error:
            lost += 1
            _wait(lost, _reason(error), address, wishes)


def _wait(lost: int, reason: str, address: Address, wishes: Wishes) -> None:
    if lost > wishes.retries:
        raise DeviceError(
            f"The camera gives no more frames: {reason}", got=address,
            next_step="see whether it answers; --retries and --timeout-s give it more time",
        ) from None  # fmt: skip
    wait_s = min(LONGEST_WAIT_S, 2.0 ** (lost - 1))
    text = f"camera: {reason}; asked again in {wait_s:g} s ({lost} of {wishes.retries})"
    print(text, file=sys.stderr, flush=True)
    time.sleep(wait_s)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error) or type(error).__name__


def _answer(address: Address, timeout_s: float) -> Iterator[bytes]:
    """Yield the images of one answer; a stream never ends well."""
    with _opened(address, timeout_s) as response:
        kind = response.headers.get_content_type()
        if kind in IMAGES:
            yield _whole(response, timeout_s)
        elif kind in STREAMS:
            yield from _stream(response, timeout_s)
            raise Lost("the stream ended")
        else:
            raise DeviceError(
                "The address gives no images", got=f"{address} ({kind})",
                allowed=", ".join((*STREAMS, *IMAGES)),
            )  # fmt: skip


def _stream(response: HTTPResponse, timeout_s: float) -> Iterator[bytes]:
    last_s = time.monotonic()

    def chunks() -> Iterator[bytes]:
        while chunk := response.read1(_CHUNK):
            if time.monotonic() - last_s > timeout_s:
                raise Lost(f"no whole frame in {timeout_s:g} s")
            yield chunk

    try:
        for content in split(chunks(), MOST_FRAME_BYTES):
            last_s = time.monotonic()
            yield content
    except DeviceError:
        raise Lost("the stream broke off inside a frame") from None


def _whole(response: HTTPResponse, timeout_s: float) -> bytes:
    content, end_s = b"", time.monotonic() + timeout_s
    while chunk := response.read1(_CHUNK):
        content += chunk
        if len(content) > MOST_FRAME_BYTES:
            raise DeviceError(f"The camera's image is larger than {MOST_FRAME_BYTES:,} bytes")
        if time.monotonic() > end_s:
            raise Lost(f"no whole image in {timeout_s:g} s")
    return content


@contextmanager
def _opened(address: Address, timeout_s: float) -> Iterator[HTTPResponse]:
    """Ask a camera, and those that it sends us on to.

    Raises:
        DeviceError: it refuses.
        Lost: it cannot answer now.
    """
    for _ in range(MOST_REDIRECTS + 1):
        kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
        connection = kind(address.host, address.port, timeout=timeout_s)
        with closing(connection), closing(_head(connection, address, timeout_s)) as response:
            place = response.headers.get("Location")
            if response.status not in (301, 302, 303, 307, 308) or place is None:
                _check(response, address)
                yield response
                return
            address = address.redirected(place)
    raise DeviceError(f"The camera sends us on more than {MOST_REDIRECTS} times", got=address)


def _head(connection: HTTPConnection, address: Address, timeout_s: float) -> HTTPResponse:
    """Send the request and return the answer, of which no body is read."""
    headers = {"Accept": ", ".join((*STREAMS, *IMAGES)), "User-Agent": "edgepress"}
    if address.authorization is not None:
        headers["Authorization"] = address.authorization
    connection.connect()
    late, line = threading.Event(), connection.sock

    def cut() -> None:  # a head that trickles never times out by itself
        late.set()
        with suppress(OSError):
            line.shutdown(SHUT_RDWR)

    timer = threading.Timer(timeout_s, cut)
    timer.daemon = True
    timer.start()
    try:
        connection.request("GET", address.target, headers=headers)
        response = connection.getresponse()
    except (OSError, HTTPException):
        if late.is_set():
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError
    return response


def _check(response: HTTPResponse, address: Address) -> None:
    status = f"{response.status} {response.reason}".strip()
    if response.status >= 500:
        raise Lost(f"it answers {status}")
    if response.status == 401:
        raise DeviceError(
            "The camera wants another log-in", got=f"{address} answers {status}",
            allowed="basic authentication, as http://USER:PASSWORD@HOST/PATH",
        )  # fmt: skip
    if response.status != 200:
        raise DeviceError("The camera refuses", got=f"{address} answers {status}", allowed="200")
    if "Content-Type" not in response.headers:
        raise Lost("its answer has no Content-Type")
