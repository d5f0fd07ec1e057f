"""What a model is worth: accuracy, latency, statistics, gates, comparison, report."""

import edgepress.core.starting  # noqa: F401  before anything imports torch or onnxruntime
