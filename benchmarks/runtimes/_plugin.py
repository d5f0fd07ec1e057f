"""Execution providers that come as plugins: a package of their own beside any onnxruntime."""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import onnxruntime as ort

from benchmarks.runtimes._ort import OrtSession, Provider, open_ort
from benchmarks.runtimes._session import Availability, said
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.results import SOFTWARE

_KINDS = ort.OrtHardwareDeviceType
_BEST_FIRST = (_KINDS.NPU, _KINDS.GPU, _KINDS.CPU)
"""A plugin that offers the CPU too emulates its device there."""


@dataclass(frozen=True)
class Plugin:
    """A provider and the package that brings it."""

    name: str
    """As `--provider` calls it."""
    ep: str
    """As ONNX Runtime calls it, and as the plugin is registered."""
    package: str
    """As pip calls it."""
    no_device: str
    """What to do when the plugin finds no device."""
    options: Callable[[], dict[str, str]] = dict
    """Returns the provider's options; called only where the package is installed."""

    def available(self) -> Availability:
        """Tell whether the plugin is installed, loads, and finds a device."""
        if importlib.util.find_spec(_module(self)) is None:
            return Availability(
                ok=False,
                reason=f"the package {self.package} is not installed",
                remedy=f"pip install {self.package}",
            )
        try:
            found = devices(self)
        except UserError as error:
            return Availability(ok=False, reason=str(error), remedy=self.no_device)
        if not found:
            reason = f"{self.package} finds no device that it can use"
            return Availability(ok=False, reason=reason, remedy=self.no_device)
        return Availability(ok=True, reason=f"{self.package} on {label(self)}")

    def open_session(
        self, artifact: Artifact, threads: int, across_images: bool = False
    ) -> OrtSession:
        """Open an ONNX model; images run one after the other whatever `across_images` says.

        Raises:
            UserError: the model cannot be opened, or a node of it cannot run on the device.
        """
        return open_ort(artifact, 1 if across_images else threads, False, _provider(self))


@cache
def devices(plugin: Plugin) -> tuple[Any, ...]:
    """Register the plugin, once per process, and return the devices it offers, the best first.

    Raises:
        UserError: its library cannot be loaded.
    """
    ort.set_default_logger_severity(3)
    try:
        library = importlib.import_module(_module(plugin)).get_library_path()
        ort.register_execution_provider_library(plugin.ep, library)
    except Exception as error:  # whatever a foreign library fails with
        raise UserError(f"{plugin.package} cannot be loaded ({said(error)})") from None
    offered = [device for device in ort.get_ep_devices() if device.ep_name == plugin.ep]
    return tuple(sorted(offered, key=lambda device: _BEST_FIRST.index(device.device.type)))


def label(plugin: Plugin) -> str:
    """Return the provider's name, and whether its device is software that runs on the CPU."""
    software = devices(plugin)[0].device.type == _KINDS.CPU
    return f"{plugin.ep} ({SOFTWARE})" if software else plugin.ep


def _provider(plugin: Plugin) -> Provider:
    device, options = devices(plugin)[0], plugin.options()

    def add(session: ort.SessionOptions) -> None:
        session.add_provider_for_devices([device], options)

    return Provider(plugin.name, plugin.ep, add=add, label=label(plugin))


def _module(plugin: Plugin) -> str:
    return plugin.package.replace("-", "_")
