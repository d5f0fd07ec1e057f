"""Runs a command as a CPU with fewer instruction sets would: what VNNI and AVX-512 bring, and cost.

How much int8 gains depends on the kernels that a CPU can run, and most PCs up to 2020 have AVX2
alone. ONNX Runtime has no option that turns kernels off, so a copy of its library is made in which
every `cpuid` instruction traps, and a preloaded library answers them with the newer sets masked.
PyTorch and oneDNN have switches of their own. The kernels are then those of an AVX2 CPU; the core
that runs them is still this one, which a result must say and does: the CPU's name gets a suffix.
"""
