"""What a bundle is made of: a CycloneDX 1.6 bill of materials, the same bytes for the same."""

import uuid
from importlib import metadata

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from export.bundle.contents import BROUGHT
from export.bundle.manifest import DeviceManifest

ON_DEVICE = ("numpy", "onnxruntime", "pillow")
"""What the device needs; the versions are those that the bundle was checked with."""
MADE_WITH = ("onnx", "onnxscript")


def document(manifest: DeviceManifest, model_sha256: str) -> bytes:
    """Return the JSON document. No time and nothing random is in it."""
    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_OID, model_sha256))
    bom.metadata.timestamp = None  # type: ignore[assignment]  # the standard does not ask for it
    model = _model(manifest, model_sha256)
    bom.metadata.component = model
    runtime = _package("edgepress", "runtime", "its device runtime is in the bundle")
    needed = [_package(name, "runtime", "to be installed on the device") for name in ON_DEVICE]
    brought = _package(BROUGHT, "runtime", "a copy for the runtime is in the bundle")
    tools = [_package(name, "build", "wrote the model's graph") for name in MADE_WITH]
    for component in (runtime, brought, *needed, *tools):
        bom.components.add(component)
    bom.register_dependency(model, [runtime, *tools])
    bom.register_dependency(runtime, [brought, *needed])
    return (JsonV1Dot6(bom).output_as_string(indent=1) + "\n").encode()


def licence_of(package: str) -> str:
    """Return the licence that an installed package states.

    >>> licence_of("numpy") != "not stated"
    True
    """
    facts = metadata.metadata(package)
    for field in ("License-Expression", "License"):
        stated = facts[field].strip() if field in facts else ""
        if stated and "\n" not in stated:
            return stated
    classes = [one.rpartition(" :: ")[2] for one in facts.get_all("Classifier") or ()
               if one.startswith("License ::")]  # fmt: skip
    return ", ".join(classes) or "not stated"


def _model(manifest: DeviceManifest, sha256: str) -> Component:
    facts = {"precision": manifest.precision, "target": manifest.target, "id": manifest.id}
    return Component(
        name=manifest.name,
        version=str(manifest.release),
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref="model",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)],
        properties=[
            Property(name=f"edgepress:{name}", value=value) for name, value in facts.items()
        ],
    )


def _package(name: str, stage: str, why: str) -> Component:
    version = metadata.version(name)
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref=name,
        description=why,
        purl=PackageURL("pypi", None, name, version),
        licenses=[LicenseFactory().make_from_string(licence_of(name))],
        properties=[Property(name="edgepress:stage", value=stage)],
    )
