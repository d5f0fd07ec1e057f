"""One connection of the server: `/predict`, `/healthz`, `/metrics`."""

import json
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from .errors import DeviceError, ModelFailed

if TYPE_CHECKING:
    from .server import Server

JSON, PROMETHEUS = "application/json", "text/plain; version=0.0.4; charset=utf-8"


class Refused(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection. After an error the connection is closed."""

    server: "Server"
    protocol_version, default_request_version = "HTTP/1.1", "HTTP/1.0"  # every answer has a head
    server_version, sys_version = "edgepress", ""
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together

    def setup(self) -> None:
        """Let no single read or write take longer than a request may."""
        super().setup()
        self.connection.settimeout(self.server.service.limits.seconds)

    def parse_request(self) -> bool:
        """Start the clock of a request and read its head."""
        self.server.begin(self.connection)
        return super().parse_request()

    def do_GET(self) -> None:
        """Answer `/healthz` and `/metrics`."""
        service = self.server.service
        if self.path == "/healthz":
            self._answered(lambda: (json.dumps(service.health()), JSON))
        elif self.path == "/metrics":
            self._answered(lambda: (service.counters(), PROMETHEUS))
        else:
            self.send_error(HTTPStatus.NOT_FOUND, "GET /healthz, GET /metrics or POST /predict")

    def do_POST(self) -> None:
        """Answer `/predict`, whose body is an image file."""
        if self.path != "/predict":
            self.send_error(HTTPStatus.NOT_FOUND, "POST /predict with an image file as the body")
            return
        service = self.server.service
        self._answered(lambda: (json.dumps(service.predict(self._body())), JSON))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer with an error and close: what follows on the connection may be a body's rest."""
        self.close_connection = True
        said = message or HTTPStatus(code).phrase
        self._send(HTTPStatus(code), json.dumps({"error": said}), JSON)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Write no line for each request: they are counted."""

    def _answered(self, answer: Callable[[], tuple[str, str]]) -> None:
        """Send an answer, or what stands in its way."""
        try:
            text, kind = answer()
        except Refused as refused:
            self.send_error(refused.status, str(refused))
        except TimeoutError:
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE, "too many requests at once")
        except ModelFailed as error:
            print(f"error: {error}", file=sys.stderr)
            self.send_error(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
        except DeviceError as error:
            self.send_error(HTTPStatus.BAD_REQUEST, str(error))
        else:
            self._send(HTTPStatus.OK, text, kind)

    def _body(self) -> bytes:
        """Return the request's body.

        Raises:
            Refused: its size is not told, too large, or not what was told.
        """
        lengths = self.headers.get_all("Content-Length", [])
        if "Transfer-Encoding" in self.headers or len(lengths) != 1:
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "one Content-Length is needed")
        if not (lengths[0].isascii() and lengths[0].isdigit() and len(lengths[0]) < 16):
            raise Refused(HTTPStatus.BAD_REQUEST, "Content-Length must be a number")
        size_bytes, limit = int(lengths[0]), self.server.service.limits.body_bytes
        if size_bytes > limit:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {limit:,} bytes")
        body = self.rfile.read(size_bytes)
        if len(body) < size_bytes:
            raise Refused(HTTPStatus.BAD_REQUEST, "the body ended early")
        return body

    def _send(self, status: HTTPStatus, text: str, kind: str) -> None:
        content = text.encode()
        self.server.service.metrics.answered(status)
        if self.server.draining:
            self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()
        self.server.end(self.connection)
