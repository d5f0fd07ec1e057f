"""The options of `python -m compress`."""

import tomllib
from pathlib import Path
from typing import Annotated, Any

import tyro
from pydantic import Field

from edgepress.core.errors import UserError
from edgepress.core.noun import Noun
from edgepress.core.several import Gates, Words
from edgepress.data.splitting import Splitting

EMBEDDED, OWN = "elpv", "default"
"""Names of recipes: of the embedded solar cells with the shipped teacher, and of one's own data."""
_FOR_OWN = ("model", "arch", "hours", "quick", "budget", "gate")
_SPLIT = ("fold", "test_share", "group_column", "split_column")


class Config(Noun):
    """Make a small, quantized, gated model of your data, with a report and a bundle for devices.

    Without options: the embedded solar cells, from the shipped teacher. The same command goes on
    where it was stopped; with more --hours it improves what is there.
    """

    data: str = "elpv"
    """`elpv`, a path whose format is recognised, or `format:path`."""
    model: str | None = None
    """What is to be made small: an artifact; a checkpoint, with --arch; or an ONNX, torch.export,
    TorchScript or Keras file (default: a teacher is trained)."""
    arch: str | None = None
    """timm or torchvision name, or your own `package.module:factory`: of the checkpoint, or of the
    teacher that is trained (default: efficientnet_lite0)."""
    out: Path | None = None
    """Folder of the models, report.html and the bundle (default: runs/DATA)."""
    budget: Gates = ()
    """A limit of the device on the model handed over, e.g. `latency <= 5ms`, `latency <= 40%` (of
    the teacher's), `size <= 2MB`, `macs <= 30%`; give it as often as needed (default: a student of
    about a third of the cost)."""
    gate: Gates = ()
    """A demand on the model handed over, e.g. `map drop <= 0.02` (against the teacher); give it as
    often as needed."""
    hours: float | None = Field(None, gt=0, le=10_000)
    """Length of the whole, which sets the epochs (default: as long as the data need, said by the
    plan)."""
    quick: bool = False
    """The smallest sensible run: to see the whole way, not to ship its model."""
    dry_run: bool = False
    """Print the plan and stop."""
    sign: Path | None = None
    """Private key (P-256, PEM) to sign the bundle with (`pip install 'edgepress[sign]'`)."""
    set: Words = ()
    """Values of the recipe that are not to be chosen, each NAME=VALUE, e.g. `image_size=160
    student_epochs=40`; the plan lists all."""
    recipe: Annotated[Path | None, tyro.conf.arg(name="recipe")] = None
    """Name of a shipped recipe, or a TOML file (default: `default`; `elpv` where nothing is
    given)."""
    trust: bool = False
    """Open a --model that is a program (torch.export, TorchScript), because you trust its maker."""
    fold: str | None = None
    """K/N, e.g. 2/5: train for fold K of N, with an `--out` of its own for each K. Only for recipes
    that train their own models; `python -m benchmarks.out_of_fold` puts the N results together."""
    test_share: float | None = Field(None, gt=0, lt=1)
    """Share of images in the test part (default: the split that the data bring, else 0.4)."""
    group_column: str | None = None
    """Column of the data's table (patient, module, ...): images with one value stay in one part.
    Only for recipes that train their own models."""
    split_column: str | None = None
    """Column of the data's table with a ready-made split: `train`, `val` and `test`. One that names
    the parts is taken by itself. Only for recipes that train their own models."""
    skip_bad_images: bool = False
    """Go on without the images that cannot be decoded, and list them."""

    @property
    def recipe_file(self) -> Path:
        """Name or file of the recipe."""
        if self.recipe is not None:
            return self.recipe
        defaults = Config()
        own = any(getattr(self, name) != getattr(defaults, name) for name in _FOR_OWN)
        return Path(OWN if own or self.data != defaults.data else EMBEDDED)

    @property
    def folder(self) -> Path:
        """Where the results go."""
        if self.out is not None:
            return self.out
        name = Path(self.data.rpartition(":")[2].rstrip("/")).name
        return Path("runs") / (Path(name).stem or name or "compressed")

    @property
    def split_options(self) -> dict[str, Any]:
        """What is said of the split, for the stage that makes it."""
        said = {name: getattr(self, name) for name in _SPLIT}
        return {name: value for name, value in said.items() if value is not None}

    @property
    def splitting(self) -> Splitting:
        """The same as options of the split."""
        return Splitting(**self.split_options)


def values(texts: tuple[str, ...]) -> dict[str, Any]:
    """Return what `--set NAME=VALUE` says; a value is read as in a TOML file, else as a text.

    >>> values(("image_size=160", "arch=resnet18", 'keep=["stem"]'))
    {'image_size': 160, 'arch': 'resnet18', 'keep': ['stem']}

    Raises:
        UserError: a text without `=`, or a name twice.
    """
    read: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name or name in read:
            what = "is given twice" if name in read else "cannot be read"
            raise UserError(f"A value of the recipe {what}", got=text, allowed="NAME=VALUE")
        read[name] = _value(value.strip())
    return read


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
