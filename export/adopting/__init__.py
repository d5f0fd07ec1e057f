"""Networks that were made elsewhere are taken in."""
