"""`serve`: a small HTTP server for programs on the same device, on the standard library alone.

Everything that a client could use up is bounded: bytes, pixels, connections, seconds. A fixed
number of threads serves all connections, so that memory does not grow with them.
"""

import json
import signal
import socket
import sys
import threading
import time
from argparse import Namespace
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from http import HTTPStatus
from http.server import HTTPServer
from typing import Any

from . import process
from .errors import EXIT_DONE, DeviceError
from .handler import Handler
from .runner import running
from .service import Limits, Service
from .watching import watching

BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
WAIT_S = 0.1
"""How long a connection waits for one that is just ending."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def run(options: Namespace) -> int:
    """Serve until SIGTERM or SIGINT, end what is running and return the exit code.

    Raises:
        DeviceError: no bundle, or the address cannot be used.
    """
    limits = Limits(
        connections=options.connections,
        predictions=options.predictions,
        body_bytes=options.max_body_bytes,
        pixels=options.max_pixels,
        seconds=options.timeout_s,
    )
    if options.host not in LOOPBACK:
        print("warning: whoever can reach this address can use the model", file=sys.stderr)
    with running(options.bundle, options.root) as runner:
        watch = watching(options, runner.predictor.bundle)
        with watch or nullcontext():
            _serve(Service(runner, watch, limits), options.host, options.port)
    return EXIT_DONE


class Server(HTTPServer):
    """Hands connections to a fixed number of threads, and closes those that take too long."""

    request_queue_size = 64

    def __init__(self, address: tuple[str, int], service: Service) -> None:
        self.service = service
        self.draining = False
        self._free = threading.BoundedSemaphore(service.limits.connections)
        self._threads = ThreadPoolExecutor(service.limits.connections, "connection")
        self._deadlines: dict[socket.socket, float] = {}
        self._busy: set[socket.socket] = set()
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, Handler)

    def begin(self, connection: socket.socket) -> None:
        """Take note that a request begins."""
        self._deadlines[connection] = time.monotonic() + self.service.limits.seconds
        self._busy.add(connection)

    def end(self, connection: socket.socket) -> None:
        """Take note that a request is answered."""
        self._busy.discard(connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread, or turn it away."""
        if not self._free.acquire(timeout=WAIT_S):
            self.service.metrics.answered(HTTPStatus.SERVICE_UNAVAILABLE)
            with suppress(OSError):
                request.settimeout(0.1)
                request.sendall(BUSY)
            self.shutdown_request(request)
            return
        self._deadlines[request] = time.monotonic() + self.service.limits.seconds
        self._threads.submit(self._converse, request, client_address)

    def service_actions(self) -> None:
        """Cut off connections that are over their time; called twice a second."""
        now = time.monotonic()
        for connection, deadline in list(self._deadlines.items()):
            if now > deadline:
                _cut(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing about a client that went away; anything else is told, and not fatal."""
        error = sys.exception()
        if not isinstance(error, OSError):
            print(f"error: {type(error).__name__}: {error}", file=sys.stderr)

    def drain(self) -> None:
        """Close idle connections and wait for requests that have begun, up to their time."""
        self.draining = True
        while self._deadlines:
            for connection in set(self._deadlines) - self._busy:
                _cut(connection)
            self.service_actions()
            time.sleep(0.02)
        self._threads.shutdown()

    def _converse(self, request: Any, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        except Exception:  # a client must not end the server
            self.handle_error(request, client_address)
        finally:
            self._busy.discard(request)
            self._deadlines.pop(request, None)
            self.shutdown_request(request)
            self._free.release()


def _serve(service: Service, host: str, port: int) -> None:
    try:
        server = Server((host, port), service)
    except (OSError, OverflowError) as error:
        raise DeviceError(f"The address cannot be used ({error})", got=f"{host}:{port}") from None
    with server:
        for number in (signal.SIGTERM, *process.heeded(signal.SIGINT)):
            # shutdown() waits for the loop, which runs in this very thread
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        print(json.dumps({"serving": _address(server)}), flush=True)
        server.serve_forever()
        server.socket.close()  # nobody else comes in
        server.drain()


def _address(server: Server) -> str:
    host, port = server.server_address[:2]
    named = f"[{host!s}]" if server.address_family == socket.AF_INET6 else str(host)
    return f"http://{named}:{port}"


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
