"""Several models on one bench: entries of a report, the best one, files for CI."""
