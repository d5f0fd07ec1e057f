"""The server answers, keeps its limits whatever is sent, and ends well."""

import http.client
import json
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import device_bundles
import numpy as np
import pytest
from device_server import Running, start

MUTATIONS = int(os.environ.get("EDGEPRESS_FUZZ", "300"))
"""Requests that are mutated; `EDGEPRESS_FUZZ=10000` sends as many as you like."""
IMAGE = device_bundles.encoded(device_bundles.image(0))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return device_bundles.unpacked(tmp_path_factory.mktemp("bundle"), device_bundles.files())


@pytest.fixture(scope="module")
def server(bundle: Path) -> Iterator[Running]:
    limits = ("--max-body-bytes", 50_000, "--max-pixels", 10_000, "--timeout-s", 60)
    with start(bundle, *limits) as running:
        yield running


def test_predict(server: Running):
    for seed in range(3):
        image = device_bundles.image(seed)
        status, text = server.ask("POST", "/predict", device_bundles.encoded(image))
        found = json.loads(text)
        assert status == 200
        probs = [found["probs"][name] for name in device_bundles.LABELS]
        expected = device_bundles.probs(device_bundles.model(), image)
        np.testing.assert_allclose(probs, expected, atol=1e-6)


def test_a_connection_serves_many_requests(server: Running):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    for _ in range(5):
        connection.request("POST", "/predict", IMAGE)
        response = connection.getresponse()
        assert (response.status, response.will_close) == (200, False)
        response.read()
    connection.close()


def test_the_other_loopback_address(bundle: Path):
    with socket.socket(socket.AF_INET6) as free:
        try:
            free.bind(("::1", 0))
        except OSError:
            pytest.skip("there is no IPv6 here")
    with start(bundle, "--host", "::1") as running:
        connection = http.client.HTTPConnection("::1", running.port, timeout=30)
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
        connection.close()


def test_health(server: Running):
    status, text = server.ask("GET", "/healthz")
    assert status == 200
    assert json.loads(text) == {"status": "ok", "name": "scenes", "release": 1, "id": "model-0"}


def test_metrics_are_what_prometheus_reads(server: Running):
    server.ask("POST", "/predict", IMAGE)
    before = metrics(server)
    server.ask("POST", "/predict", IMAGE)
    server.ask("POST", "/predict", b"no image")
    after = metrics(server)

    def risen(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert risen('edgepress_responses_total{code="200"}') == 2  # the metrics themselves
    assert risen('edgepress_responses_total{code="400"}') == 1
    assert risen("edgepress_inference_seconds_count") == 1
    assert risen('edgepress_inference_seconds_bucket{le="+Inf"}') == 1
    assert after['edgepress_model_info{name="scenes",release="1",id="model-0"}'] == 1
    assert after.get("edgepress_resident_memory_bytes", 1) > 0


def metrics(server: Running) -> dict[str, float]:
    status, text = server.ask("GET", "/metrics")
    assert status == 200
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/", None, 404),
        ("GET", "/predict", None, 405),
        ("POST", "/healthz", b"", 405),
        ("POST", "/predict", b"", 400),
        ("POST", "/predict", b"no image", 400),
        ("POST", "/predict", IMAGE[:500], 400),
        ("POST", "/predict", bytes(50_001), 413),
        ("POST", "/predict", device_bundles.encoded(np.zeros((101, 100, 3), np.uint8)), 413),
        ("DELETE", "/predict", None, 405),
        ("GET", "/" + "a" * 70_000, None, 431),
    ],
)
def test_what_cannot_be_answered_is_told(
    method: str, path: str, body: bytes | None, status: int, server: Running
):
    answered, text = server.ask(method, path, body)
    assert answered == status
    assert json.loads(text)["error"]
    assert server.ask("POST", "/predict", IMAGE)[0] == 200


def test_slow_clients_are_cut_off_and_others_served(bundle: Path):
    with start(bundle, "--connections", 3, "--timeout-s", 1) as server:
        slow = [socket.create_connection(("127.0.0.1", server.port), 30) for _ in range(3)]
        slow[1].sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        assert wait_until(lambda: health(server).startswith(b"HTTP/1.1 503"))
        for connection in slow:
            assert closed(connection)
        assert wait_until(lambda: health(server).startswith(b"HTTP/1.1 200"))


def health(server: Running) -> bytes:
    return server.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")


def closed(connection: socket.socket) -> bool:
    """Send a byte now and then, which does not help, until the connection is closed."""
    connection.settimeout(0.3)
    end = time.monotonic() + 30
    with connection:
        while time.monotonic() < end:
            with suppress(TimeoutError):
                try:
                    connection.sendall(b"x")
                    if not connection.recv(1000):
                        return True
                except (ConnectionResetError, BrokenPipeError):
                    return True
    return False


def wait_until(condition, seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False


def test_it_ends_what_it_has_begun(bundle: Path):
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(IMAGE)}\r\n\r\n".encode()
    with (
        start(bundle) as server,
        socket.create_connection(("127.0.0.1", server.port), 30) as begun,
        socket.create_connection(("127.0.0.1", server.port), 30) as idle,
    ):
        begun.sendall(head + IMAGE[:100])
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(1000).startswith(b"HTTP/1.1 200")
        server.process.send_signal(signal.SIGTERM)
        assert wait_until(lambda: not accepts(server))
        begun.sendall(IMAGE[100:])
        assert begun.recv(1000).startswith(b"HTTP/1.1 200")
        assert server.process.wait(30) == 0


@pytest.mark.parametrize("ignored", [(), (signal.SIGINT,)])
def test_an_interrupt_ends_it_unless_it_runs_in_the_background(
    ignored: tuple[signal.Signals, ...], bundle: Path
):
    with start(bundle, ignored=ignored) as server:
        server.process.send_signal(signal.SIGINT)
        if not ignored:
            assert server.process.wait(30) == 0
        else:
            assert server.ask("GET", "/healthz")[0] == 200


def test_it_watches(bundle: Path, tmp_path: Path):
    with start(bundle, "--watch", tmp_path) as server:
        for seed in range(3):
            body = device_bundles.encoded(device_bundles.image(seed))
            assert server.ask("POST", "/predict", body)[0] == 200
    assert json.loads((tmp_path / "state.json").read_bytes())["images"] == 3


def accepts(server: Running) -> bool:
    try:
        socket.create_connection(("127.0.0.1", server.port), 5).close()
    except (ConnectionRefusedError, ConnectionResetError):
        return False
    return True


def test_busy_connections_share_the_model(server: Running):
    statuses: list[int] = []

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        for _ in range(10):
            connection.request("POST", "/predict", IMAGE)
            response = connection.getresponse()
            response.read()
            statuses.append(response.status)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 40


def mutated(chance: random.Random) -> bytes:
    """Return a request with bytes changed, cut out, repeated or put in."""
    head = (
        f"POST /predict HTTP/1.1\r\nHost: device\r\nContent-Length: {len(IMAGE)}\r\n\r\n".encode()
    )
    seeds = [head + IMAGE, b"GET /metrics HTTP/1.1\r\nHost: device\r\n\r\n", head + IMAGE[:40]]
    content = bytearray(chance.choice(seeds))
    for _ in range(chance.randint(1, 8)):
        # mostly in the head, which has the most to parse
        place = chance.randrange(min(len(content), chance.choice([120, len(content)])) or 1)
        length = chance.choice([1, 1, 1, 4, 50])
        kind = chance.randrange(4)
        if kind == 0:
            content[place : place + 1] = bytes([chance.randrange(256)])
        elif kind == 1:
            del content[place : place + length]
        elif kind == 2:
            content[place:place] = content[place : place + length] * chance.choice([1, 2, 500])
        else:
            odd = [b"\r\n", b"\0", b":", b"HTTP/9.9", b"Transfer-Encoding: chunked\r\n", b"\xff"]
            content[place:place] = chance.choice(odd)
    return bytes(content)


@pytest.mark.timeout(0)
def test_no_mutated_request_ends_the_server(bundle: Path):
    chance, answered = random.Random(0), 0
    with start(bundle, "--timeout-s", 3) as server:
        for _ in range(MUTATIONS):
            answer = server.raw(mutated(chance))
            answered += bool(answer)
            assert not answer or answer.startswith(b"HTTP/1.1 "), answer[:100]
            assert b" 500 " not in answer[:20]
        assert answered > MUTATIONS * 0.8
        assert server.ask("POST", "/predict", IMAGE)[0] == 200
