"""The ground floor: nouns and the command line, data in, and what runs on a device."""
