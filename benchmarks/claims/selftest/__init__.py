"""Does the measuring measure? What is known beforehand is measured and compared."""
