"""What the ONNX Runtime providers share: a session that ran where it was asked to, or none."""

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime as ort

from benchmarks.runtimes import _contract
from benchmarks.runtimes._contract import Port
from benchmarks.runtimes._session import (
    ONE_THREAD,
    SPINNING,
    Availability,
    Images,
    Probs,
    broke,
    cannot_open,
)
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError

CPU = "CPUExecutionProvider"


@dataclass(frozen=True)
class Provider:
    """An execution provider and how it is put into session options."""

    name: str
    """As `--provider` calls it."""
    ep: str
    """As ONNX Runtime calls it."""
    add: Callable[[ort.SessionOptions], None] | None = None
    """Adds a plugin's devices; `None` for providers that are built in."""
    label: str | None = None
    """What `provider_opened` says when it is not just `ep`."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Options of a provider that is built in."""


def built_in(ep: str, remedy: str) -> Availability:
    """Tell whether the installed onnxruntime was built with a provider."""
    if ep in ort.get_available_providers():
        return Availability(ok=True, reason=f"part of onnxruntime {ort.__version__}")
    return Availability(
        ok=False,
        reason=f"onnxruntime {ort.__version__}, as installed, lacks {ep}",
        remedy=remedy,
    )


class OrtSession:
    """One ONNX Runtime session, which runs the batch of the model's file: 1, as on the device."""

    def __init__(
        self,
        session: ort.InferenceSession,
        provider: Provider,
        workers: int,
        again: Callable[[Path], ort.InferenceSession] | None = None,
    ) -> None:
        """Wrap an open session; `workers` images run at a time.

        `again` opens it once more with a profiler that writes files of the given prefix.
        """
        self.provider_asked = provider.name
        self.provider_opened = provider.label or session.get_providers()[0]
        self.ep = provider.ep
        self.waiting = ONE_THREAD if _threads(session) == 1 else SPINNING  # unless told otherwise
        self._again = again
        self.node_share = _node_share(session, provider.ep)
        self._session = session
        image = session.get_inputs()[0]
        self.batch = _contract.images_per_run(Port(image.type, image.shape))
        self._input = image.name
        self._output = _contract.output_name([output.name for output in session.get_outputs()])
        self._pool = ThreadPoolExecutor(workers) if workers > 1 else None

    def run(self, images: Images) -> Probs:
        """Return probabilities `[n, labels]` of images `[n, c, height, width]`.

        Raises:
            UserError: the provider fails.
        """
        n = self.batch
        each = [images[row : row + n] for row in range(0, len(images), n)]
        # ONNX Runtime releases the GIL: threads that take an image each beat threads inside one.
        done = self._pool.map(self._one, each) if self._pool else map(self._one, each)
        return np.concatenate(list(done))

    def start_profile(self, prefix: Path) -> bool:
        """Open the model once more, with ONNX Runtime's profiler; `False` where that cannot be.

        The session of before is closed first: the two together might not fit into the memory.

        Raises:
            UserError: the model does not open a second time.
        """
        if self._again is None:
            return False
        del self._session
        self._session = self._again(prefix)
        return True

    def end_profile(self) -> Path:
        """Return the profiler's file, which is now complete."""
        return Path(self._session.end_profiling())

    def _one(self, image: Images) -> Probs:
        try:
            probs: Probs = self._session.run([self._output], {self._input: image})[0]
        except Exception as error:  # ONNX Runtime raises a dozen classes without a common base
            raise broke(self.provider_opened, error) from None
        return probs


def open_ort(
    artifact: Artifact, threads: int, across_images: bool, provider: Provider
) -> OrtSession:
    """Open an ONNX model on a provider, without falling back to another.

    Raises:
        UserError: the model cannot be opened, does not fit its manifest, or the provider cannot
            take every node of it.
    """
    again = partial(_strict, artifact, 1 if across_images else threads, provider)
    session = again()
    if session.get_providers()[0] != provider.ep:
        raise UserError(
            f"ONNX Runtime opened {session.get_providers()[0]} in place of {provider.ep}",
            got=artifact.weights,
            next_step="python -m benchmarks.runtimes shows what is available and why",
        )
    _check(session, artifact)
    return OrtSession(session, provider, threads if across_images else 1, again)


def _strict(
    artifact: Artifact, threads: int, provider: Provider, profile: Path | None = None
) -> ort.InferenceSession:
    try:
        return _create(artifact, threads, provider, strict=True, profile=profile)
    except Exception as error:  # ONNX Runtime raises a dozen classes without a common base
        raise _refusal(artifact, provider, error) from None


def _create(
    artifact: Artifact,
    threads: int,
    provider: Provider,
    strict: bool,
    profile: Path | None = None,
) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    if profile is not None:
        options.enable_profiling = True
        options.profile_file_prefix = str(profile)
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    if strict and provider.ep != CPU:
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    if provider.add is None:
        return ort.InferenceSession(
            artifact.weights,
            options,
            providers=[(provider.ep, dict(provider.options))],
            enable_fallback=0,
        )
    provider.add(options)
    return ort.InferenceSession(artifact.weights, options, enable_fallback=0)


def _refusal(artifact: Artifact, provider: Provider, error: Exception) -> UserError:
    """Say why a model did not open; nodes that the provider cannot take are the usual reason."""
    stray = Counter[str]() if provider.ep == CPU else _stray_nodes(artifact, provider)
    if stray:
        kinds = ", ".join(f"{count} {kind}" for kind, count in stray.most_common(8))
        return UserError(
            f"{provider.ep} cannot run {sum(stray.values())} nodes of the model ({kinds}); they "
            "would silently run on the CPU",
            got=artifact.weights,
            next_step="export for a target that this provider supports, e.g. --quantize none",
        )
    return cannot_open("ONNX Runtime", artifact, error)


def _stray_nodes(artifact: Artifact, provider: Provider) -> Counter[str]:
    """Count by operator the nodes that end on another provider when that is allowed."""
    try:
        session = _create(artifact, 1, provider, strict=False)
    except Exception:  # the first error is the one to show
        return Counter()
    return Counter(
        node.op_type
        for subgraph in session.get_provider_graph_assignment_info()
        if subgraph.ep_name != provider.ep
        for node in subgraph.get_nodes()
    )


def _threads(session: ort.InferenceSession) -> int:
    """Return the threads inside one image; 0 is one for each core."""
    return int(session.get_session_options().intra_op_num_threads)


def _node_share(session: ort.InferenceSession, ep: str) -> float:
    counts = Counter[str]()
    for subgraph in session.get_provider_graph_assignment_info():
        counts[subgraph.ep_name] += len(subgraph.get_nodes())
    return counts[ep] / max(counts.total(), 1)


def _check(session: ort.InferenceSession, artifact: Artifact) -> None:
    ports = {port.name: Port(port.type, port.shape) for port in session.get_outputs()}
    inputs = [Port(port.type, port.shape) for port in session.get_inputs()]
    _contract.check(artifact, inputs, ports[_contract.output_name(list(ports))])
