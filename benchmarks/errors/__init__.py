"""Which labels fail, on which images, and what to do next."""
