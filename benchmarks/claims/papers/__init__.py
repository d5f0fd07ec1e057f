"""Published protocols, one TOML file each, run again with our own stages."""
