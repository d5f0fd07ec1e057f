"""The name that `python -m benchmarks.inspection` had."""
