"""What is done to a network: train, prune, distil; one stage a file."""
