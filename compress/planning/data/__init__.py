"""What is known, and refused, of the data before a plan: parts, what they certify, disk."""
