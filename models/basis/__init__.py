"""What all of the room stands on: torch as a process has it, and numbers in single precision."""
