"""Opens the storage of a search: a journal file, a database, or Optuna's gRPC proxy."""

import re
import socket
import time
import warnings
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock
from optuna.exceptions import DuplicatedStudyError
from optuna.storages import (
    BaseStorage,
    GrpcStorageProxy,
    JournalStorage,
    RDBStorage,
    get_storage,
)
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock

from compress.searching.proposing import DIRECTIONS
from edgepress.core import console, writable
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun

JOURNAL = "journal.log"
VERSION = 1
ABOUT = "edgepress"
"""Attribute of the study that says what is searched."""
ALLOWED = "a journal file, sqlite:///FILE, postgresql://USER@HOST/NAME, or grpc://HOST:PORT"
_ANSWER_S = 10.0
_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+]*)://(?P<rest>.*)")


class About(Noun):
    """What trials of one search have in common."""

    version: int = VERSION
    data: str
    """Of the images, their labels and the split."""
    teacher: str
    space: str
    budgets: str
    rungs: str
    seed: int


def shown(url: str) -> str:
    """Return a storage without its password.

    >>> shown("postgresql://ann:secret@db/search")
    'postgresql://ann@db/search'
    """
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1@", url)


def opened(url: str | None, out: Path) -> BaseStorage:
    """Return a storage that answers.

    Args:
        url: As the user gives it; `None` is a journal file in the folder of the search.
        out: That folder.

    Raises:
        UserError: there is none of this kind, it does not answer, or it is of a newer version.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    found = _URL.fullmatch(url or "")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if found is None:
            return _journal(Path(url) if url else out / JOURNAL)
        if found["scheme"] == "grpc":
            return _proxy(found["rest"], str(url))
        return _database(found["scheme"], found["rest"], str(url))


class _Lock(BaseJournalFileLock):
    """A lock that the system frees when its process is killed; after Optuna's own others wait."""

    def __init__(self, journal: Path) -> None:
        self._lock = FileLock(journal.with_name(f".{journal.name}.lock"))

    def acquire(self) -> bool:
        """Wait for it."""
        self._lock.acquire()
        return True

    def release(self) -> None:
        """Give it to the next."""
        self._lock.release()


def _journal(file: Path) -> BaseStorage:
    writable.check_file(file, "The journal of the search")
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock = _Lock(file)
        backend = JournalFileBackend(str(file), lock)
        _mend(file, lock)
        return JournalStorage(backend)
    except Exception as error:  # whatever it meets in a file that is no journal
        raise UserError(
            f"The journal of the search cannot be read ({type(error).__name__})",
            got=file,
            next_step="name the journal of a search, or leave --storage out",
        ) from None


def _mend(file: Path, lock: BaseJournalFileLock) -> None:
    """Take off half a line that a full disk or a power cut has left at the end."""
    lock.acquire()
    try:
        content = file.read_bytes()
        if content and not content.endswith(b"\n"):
            console.warn(f"the last line of {file} is not whole, and is left out")
            with file.open("r+b") as opened_file:
                opened_file.truncate(content.rfind(b"\n") + 1)
    finally:
        lock.release()


def _proxy(place: str, url: str) -> BaseStorage:
    host, _, port = place.partition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=_ANSWER_S):
            pass
    except (OSError, ValueError) as error:
        raise _silent(url, error) from None
    return GrpcStorageProxy(host=host, port=int(port))


def _database(scheme: str, rest: str, url: str) -> BaseStorage:
    driver = "postgresql+psycopg" if scheme in ("postgresql", "postgres") else scheme
    options: dict[str, Any] = {"pool_pre_ping": True}
    if driver == "postgresql+psycopg":
        options["connect_args"] = {"connect_timeout": int(_ANSWER_S)}
    try:
        return get_storage(RDBStorage(f"{driver}://{rest}", engine_kwargs=options))
    except RuntimeError as error:
        raise UserError(
            f"The storage is of another version of Optuna ({_first(error)})", got=shown(url)
        ) from None
    except Exception as error:  # sqlalchemy's own, and those of a driver
        raise _silent(url, error) from None


def _silent(url: str, error: Exception) -> UserError:
    return UserError(
        f"The storage does not answer ({type(error).__name__})",
        got=shown(url),
        allowed=ALLOWED,
        next_step="start it, or correct --storage",
    )


def _first(error: Exception) -> str:
    return str(error).partition(". ")[0]


def study_of(storage: BaseStorage, name: str, about: About) -> int:
    """Return the id of the study of this name, which is made where there is none.

    Raises:
        UserError: it is of something else, or of a newer version.
    """
    try:
        study = storage.create_new_study(DIRECTIONS, name)
        storage.set_study_user_attr(study, ABOUT, about.model_dump())
    except DuplicatedStudyError:
        study = storage.get_study_id_from_name(name)
    _require_same(_about(storage, study), about, name)
    return study


def _about(storage: BaseStorage, study: int) -> dict[str, Any]:
    """Return what a study is about; whoever has just made it may not have said so yet."""
    end = time.monotonic() + _ANSWER_S
    while True:
        known = storage.get_study_user_attrs(study)
        if ABOUT in known or known or time.monotonic() > end:
            return dict(known.get(ABOUT, {}))
        time.sleep(0.2)


def _require_same(known: dict[str, Any], about: About, name: str) -> None:
    """Refuse to mix trials of two searches.

    Raises:
        UserError: the study is of another one.
    """
    if known.get("version", 0) > VERSION:
        raise UserError(
            "The storage is of a newer version of edgepress",
            got=f"{known['version']} in the study {name}",
            allowed=f"up to {VERSION}",
            next_step="use that version, or another --out",
        )
    ours = about.model_dump()
    others = [field for field in ours if known.get(field) != ours[field]]
    if others:
        changed = _CHANGED.get(others[0], "The storage holds another search") if known else None
        raise UserError(
            changed or "The storage holds a study that is no search of edgepress",
            got=f"the study {name}: {', '.join(others)} " + ("differ" if known else "are not said"),
            next_step="another --out or --study begins a new search; the same options go on",
        )


_CHANGED = {
    "data": "The data have changed since the search began: trials before and after do not compare",
    "teacher": "The storage holds a search with another teacher",
    "space": "The storage holds a search of another space",
    "budgets": "The storage holds a search under other budgets",
    "rungs": "The storage holds a search with other --epochs or --rungs",
    "seed": "The storage holds a search with another --seed",
}
