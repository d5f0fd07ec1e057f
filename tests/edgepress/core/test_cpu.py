"""Which CPU this is, and of which kind, by what systems say of theirs."""

import pytest

from edgepress.core import cpu, environment

X86 = "processor\t: 0\nmodel name\t: {}\nflags\t\t: fpu sse2 {}\n\nprocessor\t: 1\nflags\t: other\n"
ARM = "processor\t: 0\nFeatures\t: fp {}\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n"


@pytest.mark.parametrize(
    ("text", "kind", "shown"),
    [
        (
            X86.format("AMD EPYC", "avx2 avx512f avx512_vnni"),
            "vnni",
            "AMD EPYC (AVX-512 VNNI)",
        ),
        (X86.format("AMD EPYC", "avx2"), "avx2", "AMD EPYC (AVX2)"),
        (X86.format("i5-12400", "avx2 avx_vnni"), "vnni", "i5-12400 (AVX-VNNI)"),
        (X86.format("Xeon", "avx2 avx512f avx512_vnni amx_int8"), "amx", "Xeon (AMX)"),
        (X86.format("Xeon", "avx2 avx512f"), "avx2", "Xeon (AVX-512 without VNNI)"),
        (X86.format("Celeron", "ssse3"), "x86", "Celeron (x86 without AVX2)"),
        (ARM.format("asimd"), "arm", "Arm 0x41/0xd0c (Arm NEON)"),
        (ARM.format("asimd asimddp"), "arm", "Arm 0x41/0xd0c (Arm dot product)"),
        (ARM.format("asimd asimddp i8mm"), "arm", "Arm 0x41/0xd0c (Arm i8mm)"),
    ],
)
def test_the_kind_is_read_from_the_flags_of_the_first_core(
    text: str, kind: str, shown: str
) -> None:
    found = cpu.read(text)
    assert (found.kind, found.shown) == (kind, shown)
    assert "other" not in found.flags


def test_systems_without_flags() -> None:
    apple = cpu.read("", "arm64", "arm")
    assert (apple.kind, apple.shown) == ("arm", "arm (Arm NEON)")
    windows = cpu.read("", "AMD64", "Intel64 Family 6")
    assert (windows.kind, windows.shown) == ("unknown", "Intel64 Family 6")
    assert cpu.read("").shown == "an unknown CPU"


def test_an_environment_names_the_kind_and_older_ones_are_read_by_their_flags() -> None:
    described = environment.describe()
    assert described["cpu_kind"] == cpu.this_cpu().kind
    assert cpu.shown(described) == cpu.this_cpu().shown
    assert cpu.shown({"cpu": "EPYC", "cpu_flags": ["avx2", "avx_vnni"]}) == "EPYC (AVX-VNNI)"
    assert cpu.shown({"cpu": "EPYC"}) == "EPYC"
