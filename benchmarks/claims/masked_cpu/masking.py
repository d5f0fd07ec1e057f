"""Makes what masks the CPU: the preloaded library, ONNX Runtime's copy, and a /proc/cpuinfo."""

import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from edgepress.core.errors import UserError

SOURCE = Path(__file__).with_name("mask.c")
CPUINFO = Path("/proc/cpuinfo")
SUFFIX = " (AVX-512, VNNI and AMX masked)"
CPUID, TRAP = b"\x0f\xa2", b"\x0f\x0b"
_HIDDEN = re.compile(r"\b(?:avx512\w*|avx_vnni\w*|avx_ifma|amx_\w+)\b ?")
_INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+cpuid\b", re.MULTILINE)


def environment(folder: Path) -> dict[str, str]:
    """Write what masks the CPU into a folder and return the variables that put it to use.

    Raises:
        UserError: not Linux on x86, or gcc, objdump or readelf is missing.
    """
    _require_tools()
    library, cpuinfo = folder / "mask.so", folder / "cpuinfo"
    _run("gcc", "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl")
    cpuinfo.write_text(masked_cpuinfo(CPUINFO.read_text()))
    packages = folder / "packages"
    _copy_onnxruntime(packages)
    paths = [str(packages), os.environ.get("PYTHONPATH", "")]
    return {
        "LD_PRELOAD": str(library),
        "EDGEPRESS_MASKED_CPUINFO": str(cpuinfo),
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
    }


def masked_cpuinfo(text: str) -> str:
    r"""Return a /proc/cpuinfo without the newer instruction sets; the model's name says so.

    >>> masked_cpuinfo("model name\t: X\nflags\t\t: avx2 avx512f avx_vnni fma\n")
    'model name\t: X (AVX-512, VNNI and AMX masked)\nflags\t\t: avx2 fma\n'
    """
    return "".join(_masked_line(line) for line in text.splitlines(keepends=True))


def addresses(disassembly: str) -> list[int]:
    r"""Return the virtual addresses of `cpuid` in what `objdump -d --no-show-raw-insn` prints.

    >>> addresses("  4a0:\tcpuid\n  4a2:\tmov    %eax,%ebx\n")
    [1184]
    """
    return [int(found, 16) for found in _INSTRUCTION.findall(disassembly)]


def trapping(binary: bytes, segments: list[tuple[int, int, int]], at: list[int]) -> bytes:
    r"""Return a library in which every `cpuid` traps.

    Args:
        binary: The library.
        segments: Virtual address, offset in the file and size of each loaded segment, bytes.
        at: Virtual addresses of `cpuid`.

    >>> trapping(b"..\x0f\xa2", [(0x1000, 0, 4)], [0x1002])
    b'..\x0f\x0b'
    """
    code = bytearray(binary)
    for address in at:
        start = next(
            offset + address - first
            for first, offset, size in segments
            if first <= address < first + size
        )
        assert code[start : start + 2] == CPUID, f"no cpuid at {address:x}"
        code[start : start + 2] = TRAP
    return bytes(code)


def _masked_line(line: str) -> str:
    if line.startswith("model name"):
        return line.rstrip("\n") + SUFFIX + "\n"
    return _HIDDEN.sub("", line).replace(" \n", "\n") if line.startswith("flags") else line


def _copy_onnxruntime(packages: Path) -> None:
    spec = find_spec("onnxruntime")
    if spec is None or spec.origin is None:
        raise UserError("onnxruntime is not installed", next_step="pip install onnxruntime")
    copy = packages / "onnxruntime"
    shutil.copytree(Path(spec.origin).parent, copy)
    for library in (copy / "capi").glob("onnxruntime_pybind11_state*.so"):
        at = addresses(_run("objdump", "-d", "--no-show-raw-insn", str(library)))
        library.write_bytes(trapping(library.read_bytes(), _segments(library), at))


def _segments(library: Path) -> list[tuple[int, int, int]]:
    """Return virtual address, offset in the file and size of each loaded segment, bytes."""
    lines = (line.split() for line in _run("readelf", "-lW", str(library)).splitlines())
    loaded = [line for line in lines if line and line[0] == "LOAD"]
    return [(int(line[2], 16), int(line[1], 16), int(line[4], 16)) for line in loaded]


def _require_tools() -> None:
    if not CPUINFO.exists() or os.uname().machine != "x86_64":
        raise UserError("Only an x86 CPU under Linux can be masked", got=f"{os.uname().machine}")
    missing = [tool for tool in ("gcc", "objdump", "readelf") if shutil.which(tool) is None]
    if missing:
        raise UserError(
            "A tool that masks the CPU is missing",
            got=", ".join(missing),
            next_step="install gcc and binutils",
        )


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"{command[0]} failed ({done.stderr.strip()[-200:]})")
    return done.stdout
