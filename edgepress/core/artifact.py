"""An artifact: a folder with a manifest and the files that it names, whole or not there at all."""

import json
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from edgepress.core import console, place, writable
from edgepress.core.errors import UserError
from edgepress.core.finite import check_finite
from edgepress.core.hashing import file_sha256
from edgepress.core.manifest import SCHEMA_VERSION, FileEntry, Manifest

MANIFEST = "manifest.json"
WEIGHTS = {"torch": "model.safetensors", "onnx": "model.onnx"}

_OF_SYSTEMS = {".DS_Store", "Thumbs.db", "desktop.ini"}
"""What file managers leave in any folder."""


@dataclass(frozen=True)
class Artifact:
    """A folder and its manifest."""

    path: Path
    manifest: Manifest

    @property
    def weights(self) -> Path:
        """The file with the weights."""
        return self.path / WEIGHTS[self.manifest.kind]

    @property
    def name(self) -> str:
        """The folder's name, by which reports and gates call the model."""
        return self.path.resolve().name

    @property
    def size_bytes(self) -> int:
        """Size of the file with the weights."""
        return self.weights.stat().st_size

    def file(self, name: str) -> Path | None:
        """Return the path of a named file of the artifact, or `None` if it has none."""
        return self.path / name if name in self.manifest.files else None


def is_artifact(path: Path) -> bool:
    """Tell whether `path` is a folder with the manifest of a stage, be it whole or damaged.

    Bundles and converted models have manifests too, which name no stage.
    """
    try:
        raw = json.loads((path / MANIFEST).read_bytes())
    except OSError:
        return False
    except ValueError:
        return True
    return not isinstance(raw, dict) or "stage" in raw


def load(path: Path) -> Artifact:
    """Read an artifact and verify the hash of every file it names.

    Raises:
        UserError: not an artifact, a newer schema, no weights, a missing file, or an altered one.
    """
    if not is_artifact(path):
        raise UserError(
            "Not an artifact: there is no manifest.json of a stage",
            got=path,
            allowed="a folder that a stage of edgepress has written",
            next_step=_way_in(path),
        )
    manifest = _read_manifest(path / MANIFEST)
    _require_weights(path, manifest)
    for name, entry in manifest.files.items():
        _verify(path / name, entry)
    return Artifact(path, manifest)


def save(path: Path, workdir: Path, manifest: Manifest) -> Artifact:
    """Turn `workdir` into the artifact at `path`: hash, write the manifest, fsync, rename.

    An artifact that was at `path` before stays whole until the new one has taken its place. Where
    `path` is a link, it stays one, and leads to the new artifact.

    Raises:
        UserError: `path` holds something that is not an artifact, or the manifest a number that
            is not finite.
    """
    check_replaceable(path)
    check_finite(manifest, "The manifest")
    manifest = manifest.model_copy(update={"files": file_entries(workdir)})
    (workdir / MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n")
    for inner in [*workdir.rglob("*"), workdir]:
        writable.flush(inner)
    place.put(workdir, place.real(path))
    return Artifact(path, manifest)


def file_entries(folder: Path) -> dict[str, FileEntry]:
    """Return hash and size of every file in a folder, by its path there."""
    return {
        file.relative_to(folder).as_posix(): FileEntry(
            sha256=file_sha256(file), bytes=file.stat().st_size
        )
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def check_replaceable(path: Path) -> None:
    """Refuse to write over anything but nothing, an empty folder or an artifact.

    Raises:
        UserError: there is something else, or something else lies in the artifact.
    """
    writable.check_replaced_folder(path, is_artifact, "an artifact")
    strange = _strangers(path)
    if strange:
        raise UserError(
            "The output folder is an artifact with something in it that edgepress has not written "
            "and would remove",
            got=f"{path}: {', '.join(strange)}",
            next_step="move it elsewhere, or name another folder",
        )


def check_place(out: Path, models: Sequence[Path]) -> None:
    """Refuse an output folder that cannot be written, or that holds what is to be read.

    Raises:
        UserError: it cannot, or does.
    """
    if any(out.resolve() == path.resolve() for path in models):
        raise UserError("The output would replace the model it is made from", got=out)
    check_replaceable(out)
    writable.check_folder(out.parent, "The artifact's folder")


def _strangers(path: Path) -> list[str]:
    """Return files beside those that the manifest names; none where it cannot be read."""
    if not is_artifact(path):
        return []
    try:
        known = {*_read_manifest(path / MANIFEST).files, MANIFEST}
    except UserError:
        return []
    files = (file for file in path.rglob("*") if not file.is_dir())
    names = sorted(file.relative_to(path).as_posix() for file in files)
    return [name for name in names if name not in known and Path(name).name not in _OF_SYSTEMS]


def newest(root: Path, kind: str | None = None, stage: str | None = None) -> Artifact | None:
    """Return the artifact under `root` that was written last, of this kind and stage if given.

    A damaged one is passed over, with a warning.
    """
    for folder in sorted(_folders(root), key=_written, reverse=True):
        try:
            artifact = load(folder)
        except (UserError, OSError) as error:
            _pass_over(str(error))
            continue
        if kind in (None, artifact.manifest.kind) and stage in (None, artifact.manifest.stage):
            return artifact
    return None


def with_id(root: Path, ids: Collection[str]) -> Path | None:
    """Return the folder of the first artifact under `root` whose id is among these.

    What is damaged, or no artifact, is passed over. Only manifests are read: whoever opens the
    artifact verifies its files.
    """
    for folder in sorted(_folders(root)):
        with suppress(UserError, OSError):
            if _read_manifest(folder / MANIFEST).id in ids:
                return folder
    return None


@cache
def _pass_over(why: str) -> None:
    """Say it once: one command may look for several models."""
    console.warn(f"passed over: {why}")


def _folders(root: Path) -> list[Path]:
    """Return the folders under `root` that are artifacts, be they damaged, but no hidden ones."""
    return [
        file.parent
        for file in root.rglob(MANIFEST)
        if not any(part.startswith(".") for part in file.relative_to(root).parts)
        and is_artifact(file.parent)
    ]


def _written(folder: Path) -> float:
    return (folder / MANIFEST).stat().st_mtime


def _way_in(path: Path) -> str | None:
    """Return how a bare checkpoint, or a network made elsewhere, becomes an artifact."""
    adopt = f"python -m export.adopt --model {path} --data D --out DIR"
    if path.suffix in {".pt2", ".keras", ".ts", ".torchscript"}:
        return adopt
    if path.suffix not in {".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".tar"}:
        return None
    train = f"python -m compress.train --weights {path} --arch NAME --data D --epochs 0 --out DIR"
    return train if path.suffix == ".safetensors" else f"{train}; of TorchScript: {adopt}"


def _read_manifest(path: Path) -> Manifest:
    try:
        raw = json.loads(path.read_text())
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"The manifest is not JSON ({error})", got=path) from None
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise UserError(
            "The manifest has a newer schema than this edgepress reads",
            got=f"{path} with schema_version {version}",
            allowed=f"up to {SCHEMA_VERSION}",
            next_step="update edgepress",
        )
    try:
        return Manifest.model_validate_json(path.read_text())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"The manifest is not valid: {where}: {first['msg']}", got=path) from None


def _require_weights(path: Path, manifest: Manifest) -> None:
    if WEIGHTS[manifest.kind] not in manifest.files:
        raise UserError(
            f"The artifact has no weights: its manifest does not name {WEIGHTS[manifest.kind]}",
            got=path,
            next_step="make the artifact again with the stage that wrote it",
        )


def _verify(file: Path, entry: FileEntry) -> None:
    if not file.is_file():
        raise UserError("A file of the artifact is missing", got=file)
    if file_sha256(file) != entry.sha256:
        raise UserError(
            "A file of the artifact was altered: its sha256 is not the one in the manifest",
            got=file,
            next_step="make the artifact again with the stage that wrote it",
        )
