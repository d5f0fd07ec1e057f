"""What a network is worth without some of its parts, looked at before any training."""
