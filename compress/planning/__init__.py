"""What `python -m compress` does before it works: looks at data, model and machine, and chooses."""
