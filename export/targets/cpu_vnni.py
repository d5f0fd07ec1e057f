"""x86 CPUs with VNNI: Intel since Ice Lake and Alder Lake, AMD since Zen 4."""

from export.targets._target import Target

TARGET = Target(
    name="cpu-vnni",
    description="x86 CPU with VNNI: uint8 activations, int8 weights per channel",
    precisions=("fp32", "int8", "int8_weights"),
    ort_level="extended",
    activation_type="uint8",
    cpu_kinds=("vnni", "amx"),
    emulate=True,
    auto_rank=2,
    # 3x3 depthwise at 56 px, one avx512_vnni thread: 24 channels 80 us, 32 channels 40 us.
    channel_multiple=16,
    refusal="ONNX Runtime has no fp16 convolution for x86 CPUs and computes in fp32 around casts",
    warning="this int8 file uses all 8 bits of its weights: on an x86 CPU without VNNI sums of "
    "products overflow and accuracy drops; make a cpu-avx2 file for those",
)
