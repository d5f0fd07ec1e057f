"""x86 CPUs without VNNI, and any CPU that does not tell what it is.

Their 8-bit product adds two neighbours into 16 bits, which uint8 x int8 overflows; weights of
7 bits cannot (255 * 64 * 2 < 32768). The price is one bit of the weights.
"""

from export.targets._target import Target

TARGET = Target(
    name="cpu-avx2",
    description="x86 CPU without VNNI: uint8 activations, 7-bit weights per channel",
    precisions=("fp32", "int8", "int8_weights"),
    ort_level="extended",
    activation_type="uint8",
    reduce_range=True,
    emulate=True,
    auto_rank=0,
    refusal="ONNX Runtime has no fp16 convolution for x86 CPUs and computes in fp32 around casts",
)
