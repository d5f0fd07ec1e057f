"""Which CPU this is, and of which kind: its name alone does not tell how fast int8 is on it.

An `AMD EPYC` multiplies 8-bit integers with VNNI (since Zen 4) or without, at a third of the gain.
"""

import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

CPUINFO = Path("/proc/cpuinfo")

CpuKind = Literal["amx", "vnni", "avx2", "x86", "arm", "unknown"]
"""What multiplies 8-bit integers: AMX tiles, VNNI, AVX2 (products of pairs added up in 16 bits,
AVX-512 without VNNI likewise), an x86 CPU with less than that, or Arm's NEON."""

_BY_FLAG: tuple[tuple[str, CpuKind, str], ...] = (
    ("amx_int8", "amx", "AMX"),
    ("avx512_vnni", "vnni", "AVX-512 VNNI"),
    ("avx_vnni", "vnni", "AVX-VNNI"),
    ("avx512f", "avx2", "AVX-512 without VNNI"),
    ("avx2", "avx2", "AVX2"),
    ("sse2", "x86", "x86 without AVX2"),
    ("i8mm", "arm", "Arm i8mm"),
    ("asimddp", "arm", "Arm dot product"),
    ("asimd", "arm", "Arm NEON"),
    ("neon", "arm", "Arm NEON"),
)
"""The feature flags of Linux's /proc/cpuinfo, the best first."""
_BY_MACHINE: Mapping[str, tuple[CpuKind, str]] = {
    "arm64": ("arm", "Arm NEON"),
    "aarch64": ("arm", "Arm NEON"),
}
"""For systems that tell no flags: every 64-bit Arm CPU has NEON; of x86 nothing is known."""


@dataclass(frozen=True)
class Cpu:
    """One CPU; no noun, for a device without pydantic tells it too."""

    name: str
    """As it calls itself; empty where it does not."""
    kind: CpuKind
    instructions: str
    """The kind in words, e.g. `AVX-512 VNNI`; empty where it is unknown."""
    flags: frozenset[str]

    @property
    def shown(self) -> str:
        """The name with the kind, e.g. `AMD EPYC (AVX-512 VNNI)`."""
        return shown({"cpu": self.name, "cpu_instructions": self.instructions})


@cache
def this_cpu() -> Cpu:
    """Return the CPU of this machine."""
    text = CPUINFO.read_text() if CPUINFO.exists() else ""
    return read(text, platform.machine(), platform.processor())


def read(cpuinfo: str, machine: str = "", processor: str = "") -> Cpu:
    """Return the CPU that a `/proc/cpuinfo` tells of.

    Args:
        cpuinfo: the text of the file, empty where the system has none.
        machine: `platform.machine()`, which decides where there are no flags.
        processor: `platform.processor()`, the name where the file has none.
    """
    fields: dict[str, str] = {}
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    flags = frozenset((fields.get("flags") or fields.get("Features") or "").split())
    kind, words = kind_of(flags, machine)
    return Cpu(name=_name(fields) or processor, kind=kind, instructions=words, flags=flags)


def kind_of(flags: Iterable[str], machine: str = "") -> tuple[CpuKind, str]:
    """Return the kind of a CPU by its feature flags, and the same in words.

    >>> kind_of(["avx2", "avx512f", "avx512_vnni"])
    ('vnni', 'AVX-512 VNNI')
    >>> kind_of([], "arm64")
    ('arm', 'Arm NEON')
    """
    found = set(flags)
    for flag, kind, words in _BY_FLAG:
        if flag in found:
            return kind, words
    return _BY_MACHINE.get(machine, ("unknown", ""))


def shown(environment: Mapping[str, Any]) -> str:
    """Return the CPU that an environment names, with its kind; those stored before it had one too.

    >>> shown({"cpu": "AMD EPYC", "cpu_flags": ["avx2"]})
    'AMD EPYC (AVX2)'
    """
    name = environment.get("cpu") or "an unknown CPU"
    words = environment.get("cpu_instructions") or kind_of(environment.get("cpu_flags") or ())[1]
    return f"{name} ({words})" if words else str(name)


def _name(fields: Mapping[str, str]) -> str:
    """Return a CPU's name; Arm's tell who made them and which part they are, in numbers."""
    if "model name" in fields or "CPU part" not in fields:
        return fields.get("model name", "")
    return f"Arm {fields.get('CPU implementer', '?')}/{fields['CPU part']}"
