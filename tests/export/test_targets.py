"""Targets: one file each, chosen by the CPU's flags."""

from typing import get_args

import pytest

from edgepress.core.cpu import CpuKind, kind_of
from edgepress.core.errors import UserError
from edgepress.core.manifest import Precision
from export import targets


@pytest.mark.parametrize("name", targets.names())
def test_every_target_is_complete(name: str) -> None:
    target = targets.resolve(name)
    assert target.name == name
    assert target.description
    assert "fp32" in target.precisions
    assert target.refusal or set(target.precisions) == {"fp32", "fp16", "int8", "int8_weights"}


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        ({"avx2", "avx512f", "avx512_vnni"}, "cpu-vnni"),
        ({"avx2", "avx512f", "avx512_vnni", "amx_int8"}, "cpu-vnni"),
        ({"avx2", "avx_vnni"}, "cpu-vnni"),
        ({"avx2", "avx512f"}, "cpu-avx2"),
        ({"sse2"}, "cpu-avx2"),
        ({"asimd", "asimddp"}, "cpu-arm"),
        (set(), "cpu-avx2"),
    ],
)
def test_auto_goes_by_the_kind_that_the_flags_say(flags: set[str], name: str) -> None:
    assert targets.resolve("auto", kind=kind_of(flags)[0]).name == name


@pytest.mark.parametrize("kind", get_args(CpuKind))
@pytest.mark.parametrize("precision", get_args(Precision))
def test_auto_is_a_target_that_takes_the_number_format(kind: CpuKind, precision: Precision) -> None:
    """On a CPU that gains nothing from fp16 it is the GPU's."""
    target = targets.resolve("auto", precision, kind)
    assert precision in target.precisions
    on_a_gpu = precision == "fp16" and kind != "arm"
    assert (target.name == "cuda") is on_a_gpu


def test_weights_of_cpus_without_vnni_cannot_overflow() -> None:
    assert targets.resolve("cpu-avx2").reduce_range
    assert 2 * 255 * 64 <= 2**15 - 1
    assert 2 * 255 * 127 > 2**15 - 1  # which is why 8-bit weights can


def test_unknown_target_names_the_closest() -> None:
    with pytest.raises(UserError, match="did you mean 'cpu-vnni'"):
        targets.resolve("cpu-vni")


@pytest.mark.parametrize("name", ["cuda", "webgpu", "coreml"])
def test_gpus_refuse_int8_with_the_reason(name: str) -> None:
    target = targets.resolve(name)
    with pytest.raises(UserError, match=r"no integer convolution.*--quantize fp16"):
        targets.require_precision(target, "int8")
    targets.require_precision(target, "fp16")
