"""One connection of the server: requests in, answers out, as HTTP/1.1 demands it of a server.

What a request is, and where it ends, is `h11`'s to say (RFC 9112: framing, 100-continue,
pipelining, keep-alive). Here are the bytes and the clock: a request has so many seconds, from its
first byte to the last one of its answer.
"""

import io
import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

import h11

from .limits import Limits

READ_BYTES = 65_536
LEAST_S = 1.0
"""An answer has this long to leave, however late it is."""
JSON = "application/json"


@dataclass(frozen=True)
class Answer:
    """What is sent back."""

    status: HTTPStatus
    text: str
    kind: str = JSON
    allow: str = ""
    """The methods of a path that was asked with another one."""


class Refused(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status

    def answer(self) -> Answer:
        """Return what is sent back."""
        return refusal(self.status, str(self))


def refusal(status: HTTPStatus, reason: str, allow: str = "") -> Answer:
    """Return an answer that says why there is no other."""
    return Answer(status, json.dumps({"error": reason}), allow=allow)


class Connection:
    """Takes requests off a socket one after the other, and puts their answers onto it."""

    def __init__(self, stream: socket.socket, limits: Limits) -> None:
        self.stream = stream
        self._limits = limits
        self._parser = h11.Connection(h11.SERVER)
        self._asked: h11.Request | None = None
        self._deadline = 0.0

    def request(self, begins: Callable[[], None]) -> h11.Request | None:
        """Return the next request's head; `None` where no further one comes.

        Args:
            begins: Called as soon as the first byte of it is there.

        Raises:
            Refused: it cannot be understood, or does not end.
            OSError: the client is gone.
        """
        self._asked = None
        if self._parser.our_state is h11.DONE:
            self._parser.start_next_cycle()
        if not self._wait():
            return None
        begins()
        self._deadline = time.monotonic() + self._limits.seconds
        event = self._event()
        if not isinstance(event, h11.Request):
            return None
        self._asked = event
        _check(event)
        return event

    def body(self) -> bytes:
        """Return the body of the request.

        Raises:
            Refused: its size is not told, or it is too large, too slow or not whole.
            OSError: the client is gone.
        """
        told, limit = _told_bytes(self._asked), self._limits.body_bytes
        too_large = Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {limit:,} bytes")
        if told is not None and told > limit:
            raise too_large  # instead of asking for what would be refused
        if self._parser.they_are_waiting_for_100_continue:
            self._send(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
        content = io.BytesIO()
        while isinstance(event := self._event(), h11.Data):
            content.write(event.data)
            if content.tell() > limit:
                raise too_large
        return content.getvalue()

    def send(self, answer: Answer, last: bool) -> bool:
        """Send the answer; tell whether another request may follow.

        Where the body of a request was not read, nobody knows where the next one would begin.

        Args:
            answer: What to send.
            last: Let no further request come.

        Raises:
            OSError: the client is gone.
        """
        last = last or not self._is_read()
        content = answer.text.encode()
        head = h11.Response(
            status_code=answer.status, headers=_headers(answer, len(content), last),
            reason=answer.status.phrase.encode(),
        )  # fmt: skip
        without = self._asked is not None and self._asked.method == b"HEAD"
        events = [head, *([] if without else [h11.Data(data=content)]), h11.EndOfMessage()]
        self._send(*events)
        return not last and self._parser.states == {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}

    def _is_read(self) -> bool:
        """Tell whether the request has been read to its end, which one without a body is."""
        try:
            while self._parser.their_state is h11.SEND_BODY:
                if not isinstance(self._parser.next_event(), h11.EndOfMessage):
                    return False
        except h11.RemoteProtocolError:
            return False
        return self._parser.their_state not in (h11.IDLE, h11.SEND_BODY, h11.ERROR)

    def _wait(self) -> bool:
        """Wait for the first byte of a request; tell whether there is one."""
        self._deadline = time.monotonic() + self._limits.seconds
        return bool(self._parser.trailing_data[0]) or self._receive(begun=False)

    def _event(self) -> object:
        try:
            while (event := self._parser.next_event()) is h11.NEED_DATA:
                self._receive(begun=True)
        except h11.RemoteProtocolError as error:
            raise Refused(HTTPStatus(error.error_status_hint), str(error)) from None
        return event

    def _receive(self, begun: bool) -> bool:
        """Read some bytes; tell whether there were any."""
        try:
            self.stream.settimeout(max(0.001, self._deadline - time.monotonic()))
            content = self.stream.recv(READ_BYTES)
        except TimeoutError:
            if not begun:
                return False
            reason = f"the request took longer than {self._limits.seconds:g} s"
            raise Refused(HTTPStatus.REQUEST_TIMEOUT, reason) from None
        self._parser.receive_data(content)
        return bool(content)

    def _send(self, *events: h11.Event) -> None:
        content = b"".join(self._parser.send(event) or b"" for event in events)
        self.stream.settimeout(max(LEAST_S, self._deadline - time.monotonic()))
        self.stream.sendall(content)


def _check(request: h11.Request) -> None:
    """Refuse another protocol, and what a proxy may think ends elsewhere (RFC 9112, 6.1)."""
    if not request.http_version.startswith(b"1."):
        raise Refused(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "HTTP/1.1 is spoken here")
    names = {name for name, _ in request.headers}
    if b"transfer-encoding" in names and (
        b"content-length" in names or request.http_version == b"1.0"
    ):
        reason = "Transfer-Encoding beside Content-Length, or in HTTP/1.0"
        raise Refused(HTTPStatus.BAD_REQUEST, reason)


def _told_bytes(request: h11.Request | None) -> int | None:
    """Return the size of the body as its head tells it; `None` where it comes in chunks."""
    headers = dict(request.headers) if request is not None else {}
    if b"transfer-encoding" in headers:
        return None
    if b"content-length" not in headers:
        raise Refused(HTTPStatus.LENGTH_REQUIRED, "a Content-Length is needed")
    return int(headers[b"content-length"])


def _headers(answer: Answer, size_bytes: int, last: bool) -> list[tuple[str, str]]:
    always = [
        ("Server", "edgepress"),
        ("Date", formatdate(usegmt=True)),
        ("Content-Type", answer.kind),
        ("Content-Length", str(size_bytes)),
    ]
    allow = [("Allow", answer.allow)] if answer.allow else []
    return [*always, *allow, *([("Connection", "close")] if last else [])]
