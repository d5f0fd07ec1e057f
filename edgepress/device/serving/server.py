"""`serve`: a small HTTP server for programs on the same device, on the standard library alone.

Everything that a client could use up is bounded: bytes, pixels, connections, seconds. A fixed
number of threads serves all connections, so that memory does not grow with them.
"""

import json
import select
import signal
import socket
import sys
import threading
import time
from argparse import Namespace
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from http import HTTPStatus
from socketserver import TCPServer
from typing import Any

from .. import process
from ..errors import EXIT_DONE, DeviceError
from ..images.decoding import bound_texts
from ..running.runner import running
from ..running.watching import watching
from . import handler
from .connection import Connection, Refused, refusal
from .limits import Limits
from .lingering import Lingering
from .service import Service

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
        memory_bytes=options.memory_mb * 10**6,
    )
    limits.check()
    bound_texts()
    if options.host not in LOOPBACK:
        print("warning: whoever can reach this address can use the model", file=sys.stderr)
    with running(options.bundle, options.root) as runner:
        watch = watching(options, runner.predictor.bundle)
        with watch or nullcontext():
            _serve(Service(runner, watch, limits), options.host, options.port)
    return EXIT_DONE


class Server(TCPServer):
    """Hands connections to a fixed number of threads."""

    request_queue_size = 64
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], service: Service) -> None:
        self.service = service
        self.draining = False
        self._free = threading.BoundedSemaphore(service.limits.connections)
        self._threads = ThreadPoolExecutor(service.limits.connections, "connection")
        self._open: set[socket.socket] = set()
        self._begun: set[socket.socket] = set()
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, None)  # type: ignore[arg-type]  # threads of ours handle them
        self._lingering = Lingering()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread, or turn it away."""
        if not self._free.acquire(timeout=WAIT_S):
            self.service.metrics.answered(HTTPStatus.SERVICE_UNAVAILABLE)
            with suppress(OSError):
                request.settimeout(WAIT_S)
                request.sendall(BUSY)
            self._lingering.close(request)
            return
        self._open.add(request)
        try:
            self._threads.submit(self._converse, request)
        except (RuntimeError, MemoryError):  # no thread can be started now
            self._leave(request)
            raise

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say in one line why a connection could not be served."""
        print(f"error: {sys.exception()!r}", file=sys.stderr)

    def drain(self) -> None:
        """Close idle connections and wait for requests that have begun, up to their time."""
        self.draining = True
        while self._open:
            for stream in self._open - self._begun:
                if not _is_told(stream):  # what came is begun, though its thread may not know
                    _cut(stream)
            time.sleep(0.02)
        self._threads.shutdown()
        self._lingering.end()

    def _converse(self, stream: socket.socket) -> None:
        try:
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(stream, self.service.limits)
            while self._exchange(connection):
                self._begun.discard(stream)
        except OSError:  # the client went away, which is its own affair
            pass
        except Exception as error:  # a client must not end the server
            print(f"error: {type(error).__name__}: {error}", file=sys.stderr)
        finally:
            self._leave(stream)

    def _leave(self, stream: socket.socket) -> None:
        self._begun.discard(stream)
        self._open.discard(stream)
        self._lingering.close(stream)
        self._free.release()

    def _exchange(self, connection: Connection) -> bool:
        """Answer one request; tell whether another may follow."""
        last = False
        try:
            asked = connection.request(lambda: self._begun.add(connection.stream))
            if asked is None:
                return False
            method, path = asked.method.decode(), asked.target.decode()
            answer = handler.answer(self.service, method, path, connection.body)
        except Refused as refused:  # nobody knows where the next one would begin
            answer, last = refused.answer(), True
        except MemoryError:  # the system has less than the limits allow
            answer, last = refusal(HTTPStatus.SERVICE_UNAVAILABLE, "no memory is left"), True
        self.service.metrics.answered(answer.status)
        return connection.send(answer, last or self.draining)


def _serve(service: Service, host: str, port: int) -> None:
    try:
        server = Server((host, port), service)
    except (OSError, OverflowError) as error:
        raise DeviceError(f"The address cannot be used ({error})", got=f"{host}:{port}") from None
    with server:
        asked = threading.Event()
        # shutdown() waits for the loop, which runs in this very thread; when a signal comes, there
        # may be no memory for another one.
        threading.Thread(target=_end, args=(server, asked), daemon=True).start()
        for number in (signal.SIGTERM, *process.heeded(signal.SIGINT)):
            signal.signal(number, lambda *_: asked.set())
        print(json.dumps({"serving": _address(server)}), flush=True)
        server.serve_forever()
        server.socket.close()  # nobody else comes in
        server.drain()


def _end(server: Server, asked: threading.Event) -> None:
    asked.wait()
    server.shutdown()


def _address(server: Server) -> str:
    host, port = server.server_address[:2]
    named = f"[{host!s}]" if server.address_family == socket.AF_INET6 else str(host)
    return f"http://{named}:{port}"


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _is_told(stream: socket.socket) -> bool:
    """Tell whether bytes wait to be read, or the client's end."""
    try:
        return bool(select.select([stream], [], [], 0)[0])
    except (OSError, ValueError):  # closed meanwhile
        return False
