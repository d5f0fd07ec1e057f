"""A command under a masked CPU sees AVX2 alone, in every way that our runtimes look."""

import json
import platform
import shlex
import shutil
import tempfile
from pathlib import Path

import pytest

from benchmarks.claims.masked_cpu import masking
from benchmarks.claims.masked_cpu.__main__ import Config, run
from edgepress.core.cpu import this_cpu
from edgepress.core.errors import UserError

WIDE = {"avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8"}
masks = pytest.mark.skipif(
    platform.machine() != "x86_64"
    or not Path("/proc/cpuinfo").exists()
    or any(shutil.which(tool) is None for tool in ("gcc", "objdump", "readelf")),
    reason="masking needs Linux on x86 with gcc and binutils",
)


def test_cpuinfo_loses_the_newer_sets_and_nothing_else():
    text = "model name\t: X\nflags\t\t: fma avx2 avx512f avx512_vnni amx_tile sha_ni avx_vnni\n"
    wanted = f"model name\t: X{masking.SUFFIX}\nflags\t\t: fma avx2 sha_ni\n"
    assert masking.masked_cpuinfo(text) == wanted


def test_only_cpuid_instructions_are_replaced():
    """The same two bytes inside another instruction stay."""
    binary = b"\x0f\xa2" + b"\x90\x0f\xa2"
    found = masking.trapping(binary, [(0x400, 3, 2), (0x100, 0, 3)], [0x400])
    assert found == b"\x0f\xa2\x90\x0f\x0b"


def test_an_address_without_cpuid_is_not_patched():
    with pytest.raises(AssertionError, match="no cpuid at 100"):
        masking.trapping(b"\x90\x90", [(0x100, 0, 2)], [0x100])


@pytest.mark.parametrize("command", ["", "no-such-program --x", "python 'half"])
def test_a_command_that_cannot_be_run_is_refused_before_anything_is_made(command, monkeypatch):
    monkeypatch.setattr(masking, "environment", lambda folder: pytest.fail("made"))
    with pytest.raises(UserError):
        run(Config(command=command))


def test_another_machine_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(masking, "CPUINFO", tmp_path / "none")
    with pytest.raises(UserError, match="Only an x86 CPU"):
        masking.environment(tmp_path)


@masks
@pytest.mark.slow
def test_edgepress_torch_and_onnxruntime_see_avx2_alone_and_the_exit_code_is_the_commands(capfd):
    script = (
        "import json, onnxruntime, torch\n"
        "from edgepress.core import environment as e\n"
        "d = e.describe()\n"
        "print(json.dumps([d['cpu'], d['cpu_flags'], onnxruntime.__file__,"
        " torch.backends.cpu.get_cpu_capability()]))\n"
        "raise SystemExit(4)"
    )
    with pytest.raises(SystemExit) as ended:
        run(Config(command=shlex.join(["python", "-c", script])))
    printed = capfd.readouterr()
    assert ended.value.code == 4, printed.err
    cpu, flags, library, capability = json.loads(printed.out.splitlines()[-1])
    assert cpu.endswith(masking.SUFFIX)
    assert not WIDE & set(flags)
    assert library.startswith(f"{tempfile.gettempdir()}/masked-cpu-")
    assert capability == "AVX2" or "avx2" not in this_cpu().flags
