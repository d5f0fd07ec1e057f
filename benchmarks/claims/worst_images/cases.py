"""The photographs that a server is tried with."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.claims.worst_images import files

LARGE = (4000, 4000)
TALL, WIDE = (488, 32_768), (32_768, 488)
TAKEN, TOO_LARGE, BAD = 200, 413, 400


@dataclass(frozen=True)
class Case:
    """A photograph, and what is to be said to it."""

    name: str
    status: int
    make: Callable[[], bytes]


def _saved(name: str, status: int, mode: str, size: tuple[int, int], **options: object) -> Case:
    form = name.partition(" ")[0]
    return Case(name, status, lambda: files.saved(mode, size, form, **options))


def _png(name: str, size: tuple[int, int], bits: int, colour: int, interlaced: bool) -> Case:
    return Case(f"PNG {name}", TAKEN, lambda: files.png(size, bits, colour, interlaced))


CASES = (
    _saved("PNG 1 x 100,000", TOO_LARGE, "L", (1, 100_000)),
    _saved("PNG 1 x 400,000", TOO_LARGE, "L", (1, 400_000)),
    _saved("PNG 100,000 x 1", TOO_LARGE, "L", (100_000, 1)),
    _saved("PNG 100,000 x 60", TOO_LARGE, "L", (100_000, 60)),
    _saved("PNG 60 x 100,000", TOO_LARGE, "L", (60, 100_000)),
    _saved("PNG 4001 x 4000", TOO_LARGE, "L", (4001, 4000)),
    _saved("PNG 1 x 32,768", TOO_LARGE, "L", (1, 32_768)),
    _saved("PNG 1 x 25,000", TOO_LARGE, "L", (1, 25_000)),
    _saved("PNG 1 x 20,000", TAKEN, "L", (1, 20_000)),
    _saved("PNG 1000 x 14,000", TAKEN, "L", (1000, 14_000)),
    _saved("PNG 32,768 x 1", TAKEN, "L", (32_768, 1)),
    _png("32,768 x 488", WIDE, 8, 2, interlaced=False),
    _png("16 megapixels RGB", LARGE, 8, 2, interlaced=False),
    _png("16 megapixels RGBA", LARGE, 8, 6, interlaced=False),
    _png("16 megapixels grey", LARGE, 8, 0, interlaced=False),
    _png("16 megapixels grey of 16 bits", LARGE, 16, 0, interlaced=False),
    _png("16 megapixels RGB of 16 bits", LARGE, 16, 2, interlaced=False),
    _png("16 megapixels palette", LARGE, 8, 3, interlaced=False),
    _png("16 megapixels of 1 bit", LARGE, 1, 0, interlaced=False),
    _png("16 megapixels RGB interlaced", LARGE, 8, 2, interlaced=True),
    _png("16 megapixels RGBA of 16 bits interlaced", LARGE, 16, 6, interlaced=True),
    Case("PNG 3 MB of packed texts", TAKEN, lambda: files.png_with_texts(3)),
    Case("PNG 60 MB of packed texts", BAD, lambda: files.png_with_texts(60)),
    Case("PNG packed colour profile", TAKEN, files.png_with_profile),
    Case("JPEG 12 megapixels, ordinary", TAKEN, lambda: files.noise((4032, 3024), "JPEG")),
    _saved(
        "JPEG 16 megapixels progressive 4:4:4", TAKEN, "RGB", LARGE, progressive=True, subsampling=0
    ),
    _saved("JPEG 16 megapixels progressive CMYK", TAKEN, "CMYK", LARGE, progressive=True),
    _saved("JPEG 16 megapixels grey progressive", TAKEN, "L", LARGE, progressive=True),
    _saved("JPEG 1 x 65,500", TOO_LARGE, "RGB", (1, 65_500), progressive=True),
    _saved("JPEG 1 x 15,000 progressive", TAKEN, "RGB", (1, 15_000), progressive=True),
    _saved(
        "TIFF 16 megapixels in one strip",
        TAKEN,
        "RGB",
        LARGE,
        compression="tiff_deflate",
        strip_size=1 << 30,
    ),
    _saved("TIFF 16 megapixels CMYK", TAKEN, "CMYK", LARGE, compression="tiff_lzw"),
    _saved("TIFF 16 megapixels JPEG", TAKEN, "RGB", LARGE, compression="jpeg"),
    _saved(
        "TIFF 16 megapixels, turned",
        TAKEN,
        "RGB",
        LARGE,
        compression="tiff_deflate",
        tiffinfo={274: 6},
    ),
    _saved("TIFF 16 megapixels of floats, no range", BAD, "F", LARGE, compression="tiff_deflate"),
    _saved("TIFF 16 megapixels grey of 16 bits", TAKEN, "I;16", LARGE, compression="tiff_deflate"),
    Case("TIFF 1 x 1, tile 4000 x 4000", TAKEN, lambda: files.tiff_with_tile(4000)),
    Case("TIFF 1 x 1, tile 16,000 x 16,000", TOO_LARGE, lambda: files.tiff_with_tile(16_000)),
    _saved("WebP 16 megapixels lossless", TAKEN, "RGB", LARGE, lossless=True, method=0),
    Case(
        "WebP 12 megapixels, ordinary", TAKEN, lambda: files.noise((4032, 3024), "WebP", method=0)
    ),
    _saved("WebP 1 x 16,383", TAKEN, "RGB", (1, 16_383), method=0),
    Case("BMP 16 megapixels in runs", TAKEN, lambda: files.bmp_in_runs(*LARGE)),
    Case("PPM 16 megapixels of 1 bit", TAKEN, lambda: files.portable("P4", LARGE, 1 / 8)),
    Case("PPM 7.8 megapixels grey", TAKEN, lambda: files.portable("P5", (2800, 2800), 1)),
    Case(
        "PPM 3.6 megapixels grey of 16 bits",
        TAKEN,
        lambda: files.portable("P5", (1900, 1900), 2, 65_535),
    ),
    Case("GIF", BAD, lambda: files.saved("L", (100, 100), "GIF")),
    Case("8.4 MB of nothing", TOO_LARGE, lambda: bytes(8 * 2**20 + 1)),
)
ORDINARY = Case("an ordinary photograph", TAKEN, lambda: files.noise((1280, 960), "JPEG"))
