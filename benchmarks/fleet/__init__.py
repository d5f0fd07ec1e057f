"""What the watches of many devices have counted, on one page: which devices drift, and in what."""
