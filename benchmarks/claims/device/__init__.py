"""What a bundle costs on a device beside its model: start, memory, overhead, a day under load."""
