"""From hours to epochs; what was planned and spent, kept so that the same command goes on."""
