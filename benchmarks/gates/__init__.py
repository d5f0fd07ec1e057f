"""From the text of a gate to its verdict."""
