"""What the work takes on this machine: memory, and seconds for each step."""
