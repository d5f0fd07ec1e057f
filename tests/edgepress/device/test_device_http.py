"""HTTP as RFC 9112 and 9110 demand it of a server: where a request ends, who is told what.

The model is not there: what it would get of a request is answered instead.
"""

import hashlib
import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any

import pytest

from edgepress.device.serving import lingering
from edgepress.device.serving.limits import Limits
from edgepress.device.serving.server import Server

LIMITS = Limits(connections=8, predictions=2, body_bytes=50_000, pixels=1, seconds=20)
HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\n"
HELLO = b"Content-Length: 5\r\n\r\nhello"
NEXT = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
"""What must not be answered where it is the body of another request."""


@contextmanager
def serving(limits: Limits = LIMITS, **more: Any) -> Iterator[int]:
    """Run a server without a model; yield its port."""
    statuses: list[int] = []
    service: Any = SimpleNamespace(
        limits=limits,
        metrics=SimpleNamespace(answered=statuses.append),
        predict=lambda body: {"sha256": hashlib.sha256(body).hexdigest()},
        health=lambda: {"status": "ok"},
        counters=lambda: "counters",
    )
    vars(service).update(more)
    with Server(("127.0.0.1", 0), service) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        server.drain()
        thread.join()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving() as port:
        yield port


def say(port: int, content: bytes, ends: bool = True) -> bytes:
    """Return what comes back until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", port), 30) as stream:
        with suppress(OSError):
            stream.sendall(content)
            if ends:
                stream.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: stream.recv(65_536), b""))


def statuses(answers: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)]


def digest(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        (HELLO, 200),
        (b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 200),
        (b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n", 200),
        (b"TRANSFER-ENCODING: Chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n", 200),
        (b"Content-Length: 5\r\nX: a\r\n b\r\n\r\nhello", 200),
        (b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
        (b"Content-Length: 5, 6\r\n\r\nhello", 400),
        (b"Content-Length: -5\r\n\r\nhello", 400),
        (b"Content-Length: +5\r\n\r\nhello", 400),
        (b"Content-Length: 0x5\r\n\r\nhello", 400),
        (b"Content-Length: 5 5\r\n\r\nhello", 400),
        (b"Content-Length: 1e3\r\n\r\nhello", 400),
        ("Content-Length: ٣\r\n\r\nhello".encode(), 400),
        (b"Content-Length:\r\n\r\nhello", 400),
        (b"Content-Length: 99999999999999999999999\r\n\r\nhello", 400),
        (b"Content-Length: 100\r\n\r\nhello", 400),
        (b"Content-Length : 5\r\n\r\nhello", 400),
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
        (b"Transfer-Encoding: chunked\r\n\r\nfive\r\nhello\r\n0\r\n\r\n", 400),
        (b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n", 400),
        (b"Transfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n", 400),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 400),
        (b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
        (b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
        (b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n", 400),
        (b"X: \0\r\n" + HELLO, 400),
        (b"X Y: z\r\n" + HELLO, 400),
        (b": x\r\n" + HELLO, 400),
        (b"Host: y\r\n" + HELLO, 400),
        (b"X: y\r\n\r\nhello", 411),
        (b"Content-Length: 50001\r\n\r\n", 413),
        (b"X: " + b"y" * 100_000 + b"\r\n" + HELLO, 431),
    ],
)
def test_where_a_request_ends(rest: bytes, status: int, port: int):
    answers = say(port, HEAD + rest)
    assert statuses(answers) == [status]
    assert (digest(b"hello") in answers) == (status == 200)
    closes = status not in (200,)
    assert (b"\r\nConnection: close\r\n" in answers) == closes
    assert statuses(say(port, HEAD + rest + NEXT))[1:2] == ([] if closes else [200])


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /healthz HTTP/1.1", 200),
        (b"GET http://x/healthz?y HTTP/1.1", 200),
        (b"GET /healthz?y HTTP/1.1", 200),
        (b"GET / HTTP/1.1", 404),
        (b"GET //healthz HTTP/1.1", 404),
        (b"OPTIONS * HTTP/1.1", 404),
        (b"CONNECT /predict HTTP/1.1", 405),
        (b"get /healthz HTTP/1.1", 405),
        (b"GET /healthz  HTTP/1.1", 400),
        (b"GET /healthz", 400),
        (b"GET /health\xff HTTP/1.1", 400),
        (b"G\0T /healthz HTTP/1.1", 400),
        (b"PRI * HTTP/2.0", 505),
        (b"\x16\x03\x01\x02\x00\x01", 400),
    ],
)
def test_what_is_asked_for(request_line: bytes, status: int, port: int):
    answers = say(port, request_line + b"\r\nHost: x\r\n\r\n")
    assert statuses(answers) == [status]
    assert status == 200 or json.loads(answers.partition(b"\r\n\r\n")[2])["error"]


def test_a_host_is_needed_in_http_1_1_only(port: int):
    assert statuses(say(port, b"GET /healthz HTTP/1.1\r\n\r\n")) == [400]
    old = say(port, b"GET /healthz HTTP/1.0\r\n\r\n" + NEXT, ends=False)
    assert statuses(old) == [200]
    assert b"\r\nConnection: close\r\n" in old


@pytest.mark.parametrize("framing", ["length", "chunks"])
@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET /healthz", 200), (b"HEAD /healthz", 200), (b"DELETE /predict", 405),
        (b"POST /healthz", 405), (b"POST /nowhere", 404), (b"CONNECT /healthz", 405),
    ],
)  # fmt: skip
def test_a_body_is_never_the_next_request(line: bytes, status: int, framing: str, port: int):
    size = len(NEXT)
    body = b"Content-Length: %d\r\n\r\n%b" % (size, NEXT)
    if framing == "chunks":
        body = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (size, NEXT)
    whole = line + b" HTTP/1.1\r\nHost: x\r\n" + body
    for parts in ([whole], [whole[: whole.index(NEXT)], NEXT]):
        with socket.create_connection(("127.0.0.1", port), 30) as stream:
            for part in parts:
                with suppress(OSError):
                    stream.sendall(part)
                time.sleep(0.02 * (len(parts) - 1))
            answers = b"".join(iter(lambda: stream.recv(65_536), b""))
            assert statuses(answers) == [status]
            assert b"\r\nConnection: close\r\n" in answers


def test_requests_after_each_other_in_one_packet(port: int):
    bodies = [b"x" * size for size in (0, 1, 49_999)]
    sent = b"".join(HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(one), one) for one in bodies)
    answers = say(port, sent + NEXT)
    assert statuses(answers) == [200] * 4
    assert re.findall(rb'"sha256": "(\w+)"', answers) == list(map(digest, bodies))
    assert answers.endswith(b"counters")


def test_head_is_get_without_a_body(port: int):
    heads = []
    for method in (b"GET", b"HEAD"):
        answer = say(port, method + b" /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        assert bool(body) == (method == b"GET")
        heads.append(re.sub(rb"Date: [^\r]+", b"", head))
    assert heads[0] == heads[1]


def test_who_waits_for_100_continue_gets_it_at_once(port: int):
    waits = HEAD + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), 30) as stream:
        for _ in range(2):
            stream.sendall(waits)
            assert stream.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
            stream.sendall(b"hello")
            assert statuses(stream.recv(1000)) == [200]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (HEAD + b"Content-Length: 50001\r\n", 413),
        (b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n", 404),
        (b"PUT /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n", 405),
    ],
)
def test_a_body_that_is_refused_is_not_asked_for(head: bytes, status: int, port: int):
    answer = say(port, head + b"Expect: 100-continue\r\n\r\n", ends=False)
    assert statuses(answer) == [status]


@pytest.mark.parametrize("chunked", [False, True])
def test_who_still_sends_reads_that_it_is_too_much(chunked: bool, port: int):
    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        body: Any = (bytes(65_536) for _ in range(64)) if chunked else bytes(4 << 20)
        connection.request("POST", "/predict", body, encode_chunked=chunked)
        told.append(connection.getresponse().status)
        connection.close()

    told: list[int] = []
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [413] * 8


def test_who_is_turned_away_reads_so_while_still_sending():
    limits = Limits(connections=1, predictions=1, body_bytes=1 << 20, pixels=1, seconds=20)
    with serving(limits) as port, socket.create_connection(("127.0.0.1", port), 30):
        for _ in range(4):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("POST", "/predict", bytes(4 << 20))
            assert connection.getresponse().status == 503
            connection.close()


@pytest.mark.parametrize("begun", [b"G", HEAD, HEAD + b"Content-Length: 9\r\n\r\nhell"])
def test_a_request_that_does_not_end_is_told_so(begun: bytes):
    limits = Limits(connections=1, predictions=1, body_bytes=100, pixels=1, seconds=0.2)
    with serving(limits) as port:
        assert statuses(say(port, begun, ends=False)) == [408]
        assert say(port, b"", ends=False) == b"", "who asks nothing is told nothing"


def test_a_byte_now_and_then_does_not_help():
    limits = Limits(connections=1, predictions=1, body_bytes=100, pixels=1, seconds=0.3)
    with serving(limits) as port, socket.create_connection(("127.0.0.1", port), 30) as stream:
        began, stream_ended = time.monotonic(), False
        stream.settimeout(0.05)
        while not stream_ended and time.monotonic() < began + 20:
            with suppress(TimeoutError):
                stream.sendall(b"x")
                stream_ended = statuses(stream.recv(1000)) == [408]
        assert stream_ended


def test_no_one_lingers_for_ever(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lingering, "SECONDS", 0.2)
    with serving() as port, socket.create_connection(("127.0.0.1", port), 30) as stream:
        stream.sendall(HEAD + b"Content-Length: 50001\r\n\r\n")
        assert cut_off(stream, bytes(1))


def test_no_one_sends_for_ever(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lingering, "MOST_BYTES", 1 << 20)
    with serving() as port, socket.create_connection(("127.0.0.1", port), 30) as stream:
        stream.sendall(HEAD + b"Content-Length: 50001\r\n\r\n")
        began = time.monotonic()
        assert cut_off(stream, bytes(65_536))
        assert time.monotonic() - began < lingering.SECONDS


def test_the_oldest_goes_where_too_many_linger(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lingering, "MOST", 2)
    monkeypatch.setattr(lingering, "SECONDS", 60.0)
    with serving() as port:
        streams = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(3)]
        for stream in streams:
            stream.sendall(HEAD + b"Content-Length: 50001\r\n\r\n")
            assert statuses(stream.recv(1000)) == [413]
            time.sleep(0.1)
        assert cut_off(streams[0], bytes(1))
        for stream in streams:
            stream.close()


def cut_off(stream: socket.socket, sent: bytes) -> bool:
    """Send until the other side does not take it any more."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            stream.sendall(sent)
        except OSError:
            return True
        time.sleep(0.01 if len(sent) == 1 else 0)
    return False
