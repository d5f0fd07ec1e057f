"""Finished bundles are checked as a device does it, also under processors that are not here."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import device_bundles
import pytest

from edgepress.core.errors import UserError
from edgepress.device.bundle import archive
from export.emulation import qemu, result, sysroot
from export.emulation.result import Outcome, Result

needs_qemu = pytest.mark.skipif(
    shutil.which("qemu-x86_64") is None, reason="qemu-x86_64 is not installed (Debian: qemu-user)"
)


@pytest.fixture(scope="module")
def files() -> archive.Files:
    """A small bundle with the real runtime in it."""
    return device_bundles.complete(device_bundles.files(), precision="int8", target="cpu-vnni")


@pytest.fixture
def bundle(files: archive.Files, tmp_path: Path) -> Path:
    return device_bundles.zipped(tmp_path / "small.zip", files)


def test_a_bundle_passes_on_this_machine(bundle: Path, command: Callable[..., Any]) -> None:
    done = command("export.verify", "--bundle", bundle)
    assert done.code == 0, done.err
    assert "pass: this machine: probabilities of 2 golden images" in done.out


def test_other_answers_fail(
    files: archive.Files, command: Callable[..., Any], tmp_path: Path
) -> None:
    expected = json.loads(files["golden/expected.json"])
    shifted = {name: [p + 0.001 for p in probs] for name, probs in expected.items()}
    changed = files | {"golden/expected.json": json.dumps(shifted).encode()}
    wrong = device_bundles.complete(changed, precision="int8", target=None)
    done = command(
        "export.verify", "--bundle", device_bundles.zipped(tmp_path / "wrong.zip", wrong)
    )
    assert done.code == 3
    assert "fail: this machine" in done.out


def test_several_bundles_go_into_one_table(
    files: archive.Files, bundle: Path, command: Callable[..., Any], tmp_path: Path
) -> None:
    broken = device_bundles.complete(
        files | {"model.onnx": b"no model"}, precision="fp32", target="cpu-vnni", release=2
    )
    second = device_bundles.zipped(tmp_path / "broken.zip", broken)
    out = tmp_path / "processors.json"
    done = command("export.verify", "--bundle", bundle, "--bundle", second, "--result", out)
    assert (done.code, "scenes, release 2 on this machine" in done.err) == (3, True)
    found = Result.model_validate_json(out.read_text())
    assert result.header(found)[-1] == "this machine"
    good, bad = result.rows(found)
    assert good[:3] == ("scenes, release 1", "int8", "cpu-vnni")
    assert good[3].startswith("✅ 0")
    assert bad[:3] == ("scenes, release 2", "fp32", "n/a")  # a target is what was quantized for
    assert bad[3].startswith("❌ does not run: ")
    assert found.command.startswith("python -m export.verify")


def test_a_bundle_that_does_not_answer_in_time_is_told(
    bundle: Path, command: Callable[..., Any]
) -> None:
    done = command("export.verify", "--bundle", bundle, "--timeout-s", 0.01)
    assert (done.code, "did not answer its golden images in 0.01 s" in done.err) == (2, True)
    assert "Traceback" not in done.err


def test_an_altered_bundle_is_refused(bundle: Path, command: Callable[..., Any]) -> None:
    content = bytearray(bundle.read_bytes())
    content[content.index(b"edgepress_device") + 200] ^= 1
    bundle.write_bytes(bytes(content))
    done = command("export.verify", "--bundle", bundle)
    assert done.code == 2
    assert "Traceback" not in done.err


def test_a_demanded_signature_must_be_there(
    files: archive.Files, bundle: Path, command: Callable[..., Any], tmp_path: Path
) -> None:
    private, public = device_bundles.keys(tmp_path)
    done = command("export.verify", "--bundle", bundle, "--key", public)
    assert (done.code, "not signed" in done.err) == (2, True)
    signed = device_bundles.zipped(bundle, device_bundles.signed(files, private, public))
    assert command("export.verify", "--bundle", signed, "--key", public).code == 0
    done = command("export.verify", "--bundle", bundle, "--key", tmp_path / "none.pub")
    assert (done.code, "none.pub" in done.err) == (2, True)


@needs_qemu
@pytest.mark.slow
def test_a_bundle_passes_on_a_processor_that_is_not_here(
    bundle: Path, command: Callable[..., Any]
) -> None:
    done = command("export.verify", "--bundle", bundle, "--cpu", "x86_64:Haswell")
    assert done.code == 0, done.err
    assert "pass: x86_64:Haswell" in done.out


@needs_qemu
def test_an_unknown_model_of_a_processor_lists_the_closest(
    bundle: Path, command: Callable[..., Any]
) -> None:
    done = command("export.verify", "--bundle", bundle, "--cpu", "x86_64:Haswel")
    assert done.code == 2
    assert "'Haswell'" in done.err


BAD = {
    "Haswell": "ARCHITECTURE:MODEL",
    "x86_64:": "ARCHITECTURE:MODEL",
    "x86_64:-help": "ARCHITECTURE:MODEL",
    "aarch65:cortex-a53": "'aarch64'",
}


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_processor_is_refused(
    text: str, bundle: Path, command: Callable[..., Any]
) -> None:
    done = command("export.verify", "--bundle", bundle, f"--cpu={text}")
    assert done.code == 2
    assert BAD[text] in done.err


def fake_qemu(folder: Path, version: str) -> None:
    """Write a program that answers as QEMU does when it is asked who it is."""
    program = folder / "qemu-aarch64"
    program.write_text(
        f"#!/bin/sh\n[ $1 = --version ] && echo qemu-aarch64 version {version} || echo '  max'\n"
    )
    program.chmod(0o755)


def test_what_qemu_cannot_do_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    processor = qemu.parse("aarch64:max")
    monkeypatch.setattr(qemu.platform, "machine", lambda: "x86_64")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="qemu-aarch64 is not installed"):
        qemu.require(processor, tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    fake_qemu(tmp_path, "7.2.17 (Debian)")
    with pytest.raises(UserError, match="too old"):
        qemu.require(processor, tmp_path)
    fake_qemu(tmp_path, "10.0.2")
    with pytest.raises(UserError, match=r"python -m export\.verify --fetch-sysroot aarch64"):
        qemu.require(processor, tmp_path)
    (tmp_path / "usr" / "bin").mkdir(parents=True)
    (tmp_path / "usr" / "bin" / "python3.11").touch()
    qemu.require(processor, tmp_path)
    assert qemu._interpreter(processor, tmp_path)[-1].endswith("python3.11")


@pytest.mark.parametrize(
    ("difference", "wrong", "passed"), [(0.0, 0, True), (0.06, 0, False), (0.0, 1, False)]
)
def test_numbers_and_decisions_decide(difference: float, wrong: int, passed: bool) -> None:
    found = Outcome(
        processor="p", images=4, max_prob_diff=difference, tolerance=0.05, wrong_decisions=wrong
    )
    assert found.passed is passed


def test_a_system_root_is_not_written_over(command: Callable[..., Any], tmp_path: Path) -> None:
    done = command("export.verify", "--fetch-sysroot", "aarch64", "--sysroot", tmp_path)
    assert (done.code, "is there already" in done.err) == (2, True)
    assert sysroot.default_folder("aarch64").name == "sysroot-aarch64"


def test_without_apt_there_is_no_system_root(
    command: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sysroot.shutil, "which", lambda name: None)
    root = tmp_path / "root"
    done = command("export.verify", "--fetch-sysroot", "x86_64", "--sysroot", root)
    assert (done.code, "Debian" in done.err) == (2, True)
    assert not list(tmp_path.iterdir())
