"""Files of a tree that is read without opening an image."""

from pathlib import Path


def image(path: Path) -> Path:
    """Write something that is never opened, and is the same in no other file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(str(path).encode())
    return path


def text(path: Path, content: str) -> None:
    """Write a text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
