"""From what a user asks for to the widths that a network is pruned to."""
