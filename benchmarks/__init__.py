"""What a model is worth: accuracy, latency, statistics, gates, comparison, report."""
