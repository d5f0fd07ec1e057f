"""Texts as editors and spreadsheets write them: encodings, and names that are the same.

UTF-8 is what files are read as; a byte order mark, or the zeros of UTF-16 without one, say
otherwise. What is neither, and looks like a Western European language, is Windows-1252, which
spreadsheets on Windows write as "CSV"; that is said, with a line to look at.
"""

import codecs
import re
import unicodedata
from pathlib import Path

from edgepress.core import console
from edgepress.core.errors import UserError

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins like that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
FOREIGN = (
    (b"version https://git-lfs", "a pointer of git-lfs to the file", "fetch it: git lfs pull"),
    (b"pk\3\4", "a spreadsheet or an archive by its content", "save it as CSV UTF-8, or unpack it"),
    (b"\x1f\x8b", "packed by its content", "unpack it"),
    (b"<!doctype html", "a web page", "download the file itself, not the page that shows it"),
    (b"<html", "a web page", "download the file itself, not the page that shows it"),
)
"""How files begin that only seem to be texts, what they are, and the way out."""
HEAD = 4096  # bytes
CHUNK = 1 << 20  # bytes
FOREIGN_RUN = re.compile(rb"[\x80-\xff]{3}")
"""No Western European word has three letters beyond ASCII in a row."""
INVISIBLE = dict.fromkeys(map(ord, "\u200b\u2060\ufeff\u00ad"))
"""Zero-width spaces and soft hyphens, which come along when names are copied from web pages."""
SAVE_AS = "save it as UTF-8 (in a spreadsheet: CSV UTF-8)"
LONGEST_SHOWN = 60


def encoding_of(file: Path) -> str:
    """Return the encoding of a text file; one that is only assumed is said.

    Raises:
        UserError: it is damaged UTF-8, or of an encoding that is not known.
        OSError: it cannot be read.
    """
    with file.open("rb") as stream:
        head = stream.read(HEAD)
    _check_text(head, file)
    found = _marked(head)
    if found is None:
        found = "utf-8" if _is_utf8(file) else _western(file, file.read_bytes())
    return found


def decoded(content: bytes, file: Path) -> str:
    """Return a file's text, with a line feed at the end of each line.

    Raises:
        UserError: it is damaged UTF-8, or of an encoding that is not known.
    """
    _check_text(content, file)
    encoding = _marked(content[:HEAD])
    try:
        text = content.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        if encoding is not None:
            raise UserError(f"The file is not {encoding} text ({error})", got=file) from None
        text = content.decode(_western(file, content))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _check_text(head: bytes, file: Path) -> None:
    """Refuse what is plainly no text of the user's.

    Raises:
        UserError: it is such a file.
    """
    for start, what, way_out in FOREIGN:
        if head[:64].lstrip().lower().startswith(start):
            raise UserError(f"The file is {what}", got=file, next_step=way_out)


def first_line(file: Path, longest: int) -> str:
    """Return the first line of a file for a look at its shape; empty if there is none to read."""
    try:
        with file.open("rb") as stream:
            head = stream.read(longest)
    except OSError:
        return ""
    lines = head.decode(_marked(head[:HEAD]) or "utf-8", errors="replace").splitlines()
    return lines[0].strip() if lines else ""


def _marked(head: bytes) -> str | None:
    """Return the encoding that the first bytes tell, or None."""
    for mark, name in MARKS:
        if head.startswith(mark):
            return name
    half = len(head) // 2
    zeros = (head[::2].count(0), head[1::2].count(0))
    if half and max(zeros) * 2 > half and min(zeros) * 8 < half:
        return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    return None


def _is_utf8(file: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with file.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _western(file: Path, content: bytes) -> str:
    """Return `cp1252` for a text that is not UTF-8, and say so with its first such line."""
    lines = content.splitlines()
    number = next(n for n, line in enumerate(lines) if not _is_ascii_or_utf8(line))
    if not content.decode("utf-8", errors="ignore").isascii():
        raise UserError(
            f"The file is damaged: line {number + 1} is not UTF-8, and others are",
            got=f"{lines[number][:LONGEST_SHOWN]!r} in {file}",
            next_step=f"mend the line, or {SAVE_AS}",
        )
    try:
        text = lines[number].decode("cp1252")
        content.decode("cp1252")
    except UnicodeDecodeError:
        text = ""
    if not text or FOREIGN_RUN.search(content):
        raise UserError(
            f"The file is no UTF-8 text, and its encoding is not known: {file}",
            got=f"{lines[number][:LONGEST_SHOWN]!r} in line {number + 1}",
            next_step=SAVE_AS,
        )
    shown = f"line {number + 1} is {text[:LONGEST_SHOWN]!r}"
    console.say_once(f"{file.name} is not UTF-8 and is read as Windows-1252: {shown}")
    return "cp1252"


def _is_ascii_or_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def clean(text: str) -> str:
    """Return a name as it is compared: composed letters, and single blanks inside only.

    >>> clean(" red  disc ")
    'red disc'
    """
    if text.isascii() and "  " not in text and text.isprintable():
        return text.strip()
    return " ".join(unicodedata.normalize("NFC", text).translate(INVISIBLE).split())


def alike(text: str) -> str:
    """Return what is the same for names that differ in capitals, blanks, dashes or letter forms.

    >>> alike("Red-disc") == alike("red disc")
    True
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\s_\-]+", "", plain) or text
