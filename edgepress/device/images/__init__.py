"""Photographs and frames in: uint8 RGB pixels out, for as much memory as was foreseen.

Programs on devices import `decode` from here, as the README shows: this name stays.
"""

from .decoding import MAX_PIXELS, BadImage, TooLarge, decode

__all__ = ["MAX_PIXELS", "BadImage", "TooLarge", "decode"]
