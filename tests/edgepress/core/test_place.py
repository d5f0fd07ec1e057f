"""The place of an output: one command at a time, never half there, and nobody else's files."""

import ctypes
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from places import ROOT
from plans import manifest, plan, store

from edgepress.core import artifact as artifacts
from edgepress.core import place, writable
from edgepress.core.errors import UserError
from edgepress.core.manifest import Manifest
from edgepress.core.stage import produce

WORK = "work-" + 16 * "a"


def build(workdir: Path) -> Manifest:
    (workdir / "files" / "model.safetensors").write_bytes(b"x")
    return manifest()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_only_ones_own_leavings_are_swept(tmp_path: Path):
    """`--out a` is no owner of a running `a.v2`, nor of a user's hidden folders."""
    others = {f".a.v2.{WORK}", ".a.notes", ".a.work-mine", f".a.{WORK}0", f".b.{WORK}", ".a.old-x"}
    store(tmp_path / "a")
    for name in (*others, f".a.{WORK}", ".a.old-01234567"):
        (tmp_path / name / "files").mkdir(parents=True)
    produce(plan(tmp_path / "a"), build)
    assert names(tmp_path) == {"a", *others}


def test_a_second_command_for_the_same_output_is_refused(tmp_path: Path):
    inside, done = threading.Event(), threading.Event()

    def slowly(workdir: Path) -> Manifest:
        inside.set()
        assert done.wait(30)
        return build(workdir)

    first = threading.Thread(target=produce, args=(plan(tmp_path / "a"), slowly))
    first.start()
    assert inside.wait(30)
    for other in (plan(tmp_path / "a"), plan(tmp_path / "a", epochs=3)):
        with pytest.raises(UserError, match="Another command is making the same output"):
            produce(other, build)
    produce(plan(tmp_path / "a.v2"), build)
    done.set()
    first.join()
    assert names(tmp_path) == {"a", "a.v2"}
    artifacts.load(tmp_path / "a")


HOLD = """
import sys, time
from pathlib import Path
from edgepress.core import place
with place.held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_lock_of_a_killed_command_holds_nobody(tmp_path: Path):
    words = [sys.executable, "-c", HOLD, str(tmp_path / "a")]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "held\n"
        with pytest.raises(UserError, match="Another command"), place.held(tmp_path / "a"):
            pass
        running.kill()
    assert names(tmp_path) == {".a.lock"}
    produce(plan(tmp_path / "a"), build)
    assert names(tmp_path) == {"a"}


def test_the_old_artifact_stays_until_the_new_one_is_in_place(tmp_path: Path, monkeypatch):
    """Also where two folders cannot be exchanged, and the second renaming fails."""
    store(tmp_path / "a", b"old")
    monkeypatch.setattr(place, "_exchange", lambda *_: False)
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self.name == "work":
            raise OSError("the disk is gone")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="the disk is gone"):
        store(tmp_path / "a", b"new")
    assert (tmp_path / "a" / "model.safetensors").read_bytes() == b"old"


def test_nothing_is_removed_before_the_new_one_is_in_place(tmp_path: Path, monkeypatch):
    store(tmp_path / "a", b"old")
    seen = []
    remove = shutil.rmtree

    def watch(path: Path, **options: bool) -> None:
        seen.append((tmp_path / "a" / "model.safetensors").read_bytes())
        remove(path, **options)

    monkeypatch.setattr(shutil, "rmtree", watch)
    for exchange in (place._exchange, lambda *_: False):
        monkeypatch.setattr(place, "_exchange", exchange)
        store(tmp_path / "a", b"new")
    assert seen == [b"new", b"new"]
    assert names(tmp_path) == {"a"}


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "renameat2"), reason="no renameat2 here")
def test_two_folders_are_exchanged_at_once(tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    assert place._exchange(tmp_path / "a", tmp_path / "b")
    assert names(tmp_path / "a") == {"b"}
    assert names(tmp_path / "b") == {"a"}
    assert not place._exchange(tmp_path / "a", tmp_path / "nowhere")


def test_what_a_killed_command_was_replacing_is_back(tmp_path: Path, capfd):
    store(tmp_path / "a", b"old").path.rename(tmp_path / ".a.old-01234567")
    with place.held(tmp_path / "a"):
        assert (tmp_path / "a" / "model.safetensors").read_bytes() == b"old"
    assert "what was there is back" in capfd.readouterr().err
    assert names(tmp_path) == {"a"}


def test_a_link_is_followed_and_stays(tmp_path: Path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "a")  # leads to nothing yet
    for options in ({}, {"epochs": 3}):
        produce(plan(tmp_path / "link", **options), build)
        assert (tmp_path / "link").is_symlink()
        assert names(tmp_path / "disk") == {"a"}
        artifacts.load(tmp_path / "link")
    assert names(tmp_path) == {"disk", "link"}


@pytest.mark.parametrize("out", [".", "..", "/", "sub/.."])
def test_the_folder_that_one_works_in_is_no_output(tmp_path: Path, monkeypatch, out: str):
    (tmp_path / "here" / "sub").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(UserError, match="the folder that the command runs in"):
        produce(plan(Path(out)), build)


def test_an_output_does_not_take_the_place_of_its_input(tmp_path: Path):
    (tmp_path / "models").mkdir()
    parent = store(tmp_path / "models" / "a")
    data = tmp_path / "photos" / "table.csv"
    data.parent.mkdir()
    data.touch()
    for out, options in (
        (tmp_path / "photos", {"data": str(data)}),
        (tmp_path / "photos", {"data": f"csv:{data}"}),
        (tmp_path / "photos", {"weights": str(data)}),
    ):
        with pytest.raises(UserError, match="replace what it is made from"):
            produce(plan(out, **options), build)
    for out in (parent.path, parent.path.parent):
        with pytest.raises(UserError, match="replace what it is made from"):
            produce(replace(plan(out), parents=(parent,)), build)
    assert artifacts.load(parent.path).weights.read_bytes() == b"weights"


@pytest.mark.parametrize("name", ["elpv", "imagenet"])
def test_an_output_may_be_called_like_a_data_set(tmp_path: Path, monkeypatch, name: str):
    monkeypatch.chdir(tmp_path)
    for epochs in (1, 2):
        produce(plan(Path(name), data="elpv", weights="imagenet", epochs=epochs), build)
    assert names(tmp_path) == {name}


def test_what_a_user_has_put_into_an_artifact_is_not_removed(tmp_path: Path):
    produce(plan(tmp_path / "a"), build)
    (tmp_path / "a" / ".DS_Store").touch()
    (tmp_path / "a" / "notes").mkdir()
    produce(plan(tmp_path / "a", epochs=3), build)
    (tmp_path / "a" / "notes").mkdir()
    (tmp_path / "a" / "notes" / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match=r"not written and would remove.*notes/thesis\.txt"):
        produce(plan(tmp_path / "a", epochs=4), build)
    assert (tmp_path / "a" / "notes" / "thesis.txt").exists()


def test_an_artifact_without_weights_is_none(tmp_path: Path):
    (tmp_path / "work").mkdir()
    artifacts.save(tmp_path / "a", tmp_path / "work", manifest(id=plan(tmp_path / "a").id))
    with pytest.raises(UserError, match=r"no weights.*model\.safetensors"):
        artifacts.load(tmp_path / "a")
    produce(plan(tmp_path / "a"), build)
    artifacts.load(tmp_path / "a")


@pytest.mark.parametrize("error", [UserError("no"), RuntimeError("crashed"), KeyboardInterrupt()])
@pytest.mark.parametrize("checkpoint", [False, True])
def test_a_build_that_ends_early_leaves_its_checkpoint_or_nothing(
    tmp_path: Path, error: BaseException, checkpoint: bool
):
    def fail(workdir: Path) -> Manifest:
        for name in ("files", "passing"):
            (workdir / name / "half").write_bytes(b"x")
        if checkpoint:
            (workdir / "scratch" / "training.pt").write_bytes(b"epoch 3")
        raise error

    with pytest.raises(type(error)):
        produce(plan(tmp_path / "a"), fail)
    left = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert left == ({"training.pt"} if checkpoint else set())
    assert bool(names(tmp_path)) == checkpoint
    seen = []

    def resume(workdir: Path) -> Manifest:
        seen.extend(path.name for path in (workdir / "scratch").iterdir())
        return build(workdir)

    produce(plan(tmp_path / "a"), resume)
    assert seen == (["training.pt"] if checkpoint else [])
    assert names(tmp_path) == {"a"}


@pytest.mark.parametrize("error", [UserError("no"), KeyboardInterrupt()])
def test_what_was_measured_so_far_stays_when_it_is_interrupted(
    tmp_path: Path, error: BaseException
):
    def fail(workdir: Path) -> Manifest:
        (workdir / "scratch" / "trial.json").write_text("{}")
        raise error

    with pytest.raises(type(error)):
        produce(plan(tmp_path / "a"), fail)
    left = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert left == (set() if isinstance(error, UserError) else {"trial.json"})


def test_a_folder_that_takes_no_file_is_not_called_busy(tmp_path: Path, monkeypatch):
    """A lock that cannot be made (as in /proc, for root too) is not one that another holds."""

    def timeout(*_: object, **__: object) -> None:
        raise place.Timeout("lock")

    def unwritable(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(place.FileLock, "acquire", timeout)
    with pytest.raises(UserError, match="Another command"), place.held(tmp_path / "a"):
        pass
    assert names(tmp_path) == set()
    monkeypatch.setattr(writable.tempfile, "TemporaryFile", unwritable)
    with pytest.raises(UserError, match="Read-only file system"), place.held(tmp_path / "a"):
        pass


def test_why_a_place_cannot_be_written_is_said(tmp_path: Path):
    """Rights do not tell: root has them in /proc, which takes no files."""
    (tmp_path / "file").touch()
    for folder, why in (
        (Path("/proc/x"), "/proc takes no files: No such file or directory"),
        (tmp_path / "file" / "out", f"{tmp_path / 'file'} is no folder"),
    ):
        with pytest.raises(UserError) as refused:
            writable.check_folder(folder, "The folder")
        assert str(refused.value) == f"The folder cannot be written ({why}). Got: {folder}."
        with pytest.raises(UserError, match=r"takes no files|is no folder"):
            writable.check_file(folder / "file", "The file")
    writable.check_folder(tmp_path / "new" / "out", "The folder")
    assert names(tmp_path) == {"file"}


def test_where_the_system_cannot_exchange_it_is_not_asked(tmp_path: Path, monkeypatch):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(place.sys, "platform", "darwin")
    assert not place._exchange(tmp_path / "one", tmp_path / "other")


def test_only_folders_called_like_leavings_are_leavings(tmp_path: Path):
    folder, file = tmp_path / ".out.work-0123456789abcdef", tmp_path / ".out.work-0000000000000000"
    folder.mkdir()
    file.touch()
    (tmp_path / ".out.work-0123456789abcdef0").mkdir()
    assert place._beside(tmp_path / "out", "work-[0-9a-f]{16}") == [folder]
