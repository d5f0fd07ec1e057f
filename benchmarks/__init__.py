"""What a model is worth: accuracy, latency, statistics, gates, comparison, report."""

import edgepress.core.libraries  # noqa: F401  before anything imports torch or onnxruntime
