"""Plans, manifests and artifacts that need no training."""

from pathlib import Path

from compress.train import Config
from edgepress.core import artifact as artifacts
from edgepress.core.image_spec import ImageSpec
from edgepress.core.labels import Labels
from edgepress.core.manifest import Manifest
from edgepress.core.stage import Plan


def manifest(**fields: object) -> Manifest:
    labels = Labels(names=("a", "b"), thresholds=(0.5, 0.5), prevalence=(0.1, 0.2))
    base = {"id": "x", "stage": "s", "config": {}, "kind": "torch", "data": None}
    return Manifest(**(base | {"image": ImageSpec(), "labels": labels} | fields))


def store(path: Path, content: bytes = b"weights") -> artifacts.Artifact:
    work = path.with_name("work")
    work.mkdir()
    (work / "model.safetensors").write_bytes(content)
    return artifacts.save(path, work, manifest())


def plan(out: Path, **options: object) -> Plan:
    return Plan("compress.train", Config(out=out, **options), out, (), "data")
