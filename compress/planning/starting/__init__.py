"""What the way starts from: what `--model` is, and files that are taken in for the plan."""
