"""Trials in each kind of storage: none is lost, none is done twice, none is of another search."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import optuna
import psycopg
import pytest
import searches
from optuna.storages import BaseStorage
from optuna.storages._grpc.server import make_server
from optuna.trial import TrialState

from compress.searching.store import ledger as ledgers
from compress.searching.store import opening
from compress.searching.store.ledger import Ledger, StorageError
from edgepress.core.errors import UserError

KINDS = ("journal", "sqlite", "grpc", "postgresql")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("localhost", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def served(storage: BaseStorage) -> Iterator[str]:
    """Serve a storage by Optuna's proxy, as `run_grpc_proxy_server` does."""
    port = free_port()
    server = make_server(storage, "localhost", port)
    server.start()
    yield f"grpc://localhost:{port}"
    server.stop(None).wait()


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a database server of our own."""
    programs = [shutil.which(name) or _debians(name) for name in ("initdb", "postgres")]
    if None in programs:
        pytest.skip("no PostgreSQL server is installed (apt-get install postgresql)")
    init, server = map(str, programs)
    folder, port = Path(tempfile.mkdtemp(prefix="edgepress-sql-")), free_port()
    user = _users(folder)
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **user}
    words = [init, "-A", "trust", "-U", "ann", "-D", str(folder / "data")]
    subprocess.run(words, check=True, cwd=folder, **quiet)
    line = [server, "-D", str(folder / "data"), "-p", str(port), "-k", str(folder)]
    with subprocess.Popen([*line, "-c", "fsync=off"], cwd=folder, **quiet) as process:
        url = f"postgresql://ann@localhost:{port}/postgres"
        for _ in range(100):
            try:
                psycopg.connect(url).close()
                break
            except psycopg.OperationalError:
                threading.Event().wait(0.1)
        yield url
        process.send_signal(signal.SIGINT)  # it does not wait for who is connected
    shutil.rmtree(folder)


def _users(folder: Path) -> dict[str, str]:
    """Give a folder to somebody else where we are root, as whom PostgreSQL does not run."""
    if os.getuid():
        return {}
    if "postgres" not in {one.pw_name for one in pwd.getpwall()}:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    shutil.chown(folder, "postgres")
    return {"user": "postgres"}


def _debians(name: str) -> str | None:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else None


OPENED: list[BaseStorage] = []
"""Databases that are to be closed."""


def database(url: str, folder: Path) -> BaseStorage:
    OPENED.append(opening.opened(url, folder))
    return OPENED[-1]


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str | None]:
    kind = request.param
    if kind == "sqlite":
        yield f"sqlite:///{tmp_path}/search.db"
    elif kind == "grpc":
        with served(database(f"sqlite:///{tmp_path}/behind.db", tmp_path)) as place:
            yield place
    else:
        yield str(request.getfixturevalue("postgresql")) if kind == "postgresql" else None
    while OPENED:
        storage: Any = OPENED.pop()
        storage.remove_session()
        getattr(storage, "_backend", SimpleNamespace(engine=Mock())).engine.dispose()


def ledger(folder: Path, url: str | None = None, here: str = "here", **fields: object) -> Ledger:
    one = searches.bench(folder, here=here).ledger
    if url is not None:
        one.storage = database(url, folder)
        name = f"search {folder.parent.name}"
        one.study = opening.study_of(one.storage, name, searches.ABOUT)
    for name, value in fields.items():
        setattr(one, name, value)
    return one


CHOICES = {"student": "lcnet_050", "width": 0.5, "learning_rate": 1e-3, "method": "none"}


def test_a_trial_is_begun_written_down_and_ended(url: str | None, tmp_path: Path) -> None:
    mine, other = ledger(tmp_path / "search", url), ledger(tmp_path / "search", url)
    assert mine.begun() == 0
    assert other.begun() == 1
    assert mine.records() == ()
    with mine.held(0) as holding:
        assert holding is not None
        assert holding.deaths == 0
        record = mine.choose(0, CHOICES)
        with other.held(0) as second:
            assert second is None, "one worker at a time"
    mine.put(record.model_copy(update={"epochs": 3}))
    assert other.record(0) == record.model_copy(update={"epochs": 3})
    whole = {"state": "complete", "map": 0.5, "latency_ratio": 0.5, "size_ratio": 0.25}
    whole |= {"excess": {"size <= 1MB": -0.1}}
    ended = record.model_copy(update=whole)
    mine.end(ended)
    other.end(ended.model_copy(update={"state": "failed"}))  # too late
    assert other.records() == (ended,)
    (trial, _) = other.storage.get_all_trials(other.study)
    assert (trial.state, trial.values) == (TrialState.COMPLETE, [0.5, -1.0, -2.0])
    assert trial.constraints == {"size <= 1MB": -0.1}
    assert trial.params == {n: CHOICES[n] for n in ("student", "width", "learning_rate")}
    mine.say("closed", True)
    assert other.closed


def test_a_trial_that_was_laid_down_is_taken_over_at_once(tmp_path: Path) -> None:
    mine, other = ledger(tmp_path / "search"), ledger(tmp_path / "search", here="elsewhere")
    with mine.held(mine.begun()):
        assert list(mine.abandoned()) == [0], "the lock tells"
        assert list(other.abandoned()) == []
    assert list(other.abandoned()) == [0]


def test_a_worker_elsewhere_is_dead_when_its_heart_is_still_for_a_while(tmp_path: Path) -> None:
    mine = ledger(tmp_path / "search")
    other = ledger(tmp_path / "search", here="elsewhere", stale_s=0.2)
    number = mine.begun()
    mine.mark(number, ledgers.OWNER, "here")
    mine.mark(number, ledgers.BEAT, 1)
    assert list(other.abandoned()) == []
    threading.Event().wait(0.25)
    mine.mark(number, ledgers.BEAT, 2)
    assert list(other.abandoned()) == [], "it beats"
    threading.Event().wait(0.25)
    assert list(other.abandoned()) == [number]
    with other.held(number) as holding:
        assert holding is not None
        assert holding.deaths == 1
    with other.held(number) as holding:
        assert holding is not None
        assert holding.deaths == 1, "it was laid down, nobody died"


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("data", "x", "The data have changed since the search began"),
        ("teacher", "x", "with another teacher"),
        ("space", "x", "of another space"),
        ("budgets", "x", "under other budgets"),
        ("seed", 1, "another --seed"),
        ("version", 0, "holds another search"),
    ],
)
def test_another_search_is_refused(field: str, value: object, message: str, tmp_path: Path) -> None:
    storage = ledger(tmp_path / "search").storage
    about = searches.ABOUT.model_copy(update={field: value})
    with pytest.raises(UserError, match=message):
        opening.study_of(storage, "search", about)


def test_a_newer_version_and_a_study_of_somebody_else_are_refused(tmp_path: Path) -> None:
    one = ledger(tmp_path / "search")
    about = {**searches.ABOUT.model_dump(), "version": 99, "more": 1}
    one.say(opening.ABOUT, about)
    with pytest.raises(UserError, match=r"newer version of edgepress.*99.*up to 1"):
        opening.study_of(one.storage, "search", searches.ABOUT)
    optuna.create_study(storage=one.storage, study_name="mine").set_user_attr("a", 1)
    with pytest.raises(UserError, match=r"no search of edgepress.*the study mine"):
        opening.study_of(one.storage, "mine", searches.ABOUT)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("grpc://localhost:{port}", "does not answer"),
        ("grpc://localhost", "does not answer"),
        ("postgresql://ann:secret@localhost:{port}/x", "does not answer.*//ann@localhost"),
        ("oracles://x", "does not answer.*Allowed: a journal file, sqlite"),
        ("sqlite:////nowhere/at/all.db", "does not answer"),
        ("{folder}", "a folder has this name"),
        ("{folder}/text.txt", "journal of the search cannot be read"),
    ],
)
def test_a_storage_that_is_not_there_ends_with_one_message(
    url: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "text.txt").write_text("not a journal\nat all\n")
    with pytest.raises(UserError, match=message) as caught:
        opening.opened(url.format(port=free_port(), folder=tmp_path), tmp_path)
    assert "secret" not in str(caught.value)


def test_half_a_line_at_the_end_of_a_journal_is_left_out(tmp_path: Path) -> None:
    one = ledger(tmp_path / "search")
    one.choose(one.begun(), CHOICES)
    journal = tmp_path / "search" / opening.JOURNAL
    with journal.open("a") as file:
        file.write('{"op_code": 8, "worker')
    again = ledger(tmp_path / "search")
    again.choose(again.begun(), CHOICES)
    assert [record.number for record in ledger(tmp_path / "search").records()] == [0, 1]


def test_a_storage_that_goes_away_is_asked_again_and_then_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = ledger(tmp_path / "search", patience_s=0.05)
    asked: list[int] = []

    def silent(*_: object) -> None:
        asked.append(1)
        raise OSError("No space left on device")

    monkeypatch.setattr(one.storage, "get_all_trials", silent)
    monkeypatch.setattr(ledgers.time, "sleep", lambda _: None)
    with pytest.raises(StorageError, match=r"does not answer any more.*No space left"):
        one.records()
    assert len(asked) > 1


def test_the_dashboard_opens_a_journal(tmp_path: Path) -> None:
    from optuna_dashboard import wsgi

    one = ledger(tmp_path / "search")
    one.choose(one.begun(), CHOICES)
    answer: dict[str, str] = {}
    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": "/api/studies", "SERVER_NAME": "x",
        "SERVER_PORT": "80", "wsgi.url_scheme": "http",
    }  # fmt: skip
    body = wsgi(opening.opened(None, tmp_path / "search"))(
        environ, lambda status, *_: answer.update(status=status)
    )
    assert answer["status"].startswith("200")
    assert b'"search"' in b"".join(body)
