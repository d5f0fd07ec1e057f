"""What is written beside a model: where it comes from, what it expects, what was measured."""

from typing import Any, Literal

from pydantic import Field

from edgepress.core.distillation import Distillation
from edgepress.core.gates import Verdict
from edgepress.core.image_spec import ImageSpec
from edgepress.core.judging import Judged
from edgepress.core.labels import Labels
from edgepress.core.noun import Noun
from edgepress.core.pruning import Pruning

SCHEMA_VERSION = 1

Kind = Literal["torch", "onnx"]
Precision = Literal["fp32", "fp16", "int8", "int8_weights"]


class Architecture(Noun):
    """A network by name, its keyword arguments, and what to replay: rewrites, then pruning."""

    name: str
    """timm or torchvision name, or `package.module:factory`."""
    kwargs: dict[str, Any] = Field(default_factory=dict)
    rewrites: tuple[str, ...] = ()
    """Files of `models/rewrites`, in order."""
    pruning_history: tuple[tuple[str, bool, tuple[int, ...]] | str, ...] = ()
    """In order: (module name, prunes outputs, channel indices), as torch-pruning records it, or the
    name of a block that was taken out whole."""

    @property
    def as_published(self) -> "Architecture":
        """The network that weights from elsewhere are of: not rewritten, not pruned."""
        return self.model_copy(update={"rewrites": (), "pruning_history": ()})


class SplitBy(Noun):
    """The options of `edgepress.data.splitting` by which a split was made, and is made again."""

    seed: int
    val_share: float
    test_share: float | None = None
    """`None` where a fold or a column says what is tested."""
    fold: str | None = None
    group_column: str | None = None
    split_column: str | None = None


class Split(Noun):
    """Which image is in which part, by the first 16 hex digits of the sha256 of its file."""

    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]
    group_column: str | None = None
    """Column of the data's table whose values were kept together; `None` where none was named."""
    by: SplitBy | None = None
    """`None` where it is not known how it was made."""


class SplitIdentity(Noun):
    """What an ONNX file says of the split that it was trained on, in place of a million hashes."""

    fingerprint: str
    """Of the data."""
    digest: str
    """Hash of the images of each part: whether a split that is made again is the same one."""
    images: tuple[int, int, int]
    """In the training, the validation and the test part."""
    by: SplitBy | None
    """`None` where it is not known, and the default is tried."""


class DataRef(Noun):
    """The data that a model was trained and measured on."""

    source: str
    """As given to `--data`."""
    fingerprint: str
    """Hash over every image file and its labels."""
    split: Split
    assumed: bool = False
    """Whether the model is only measured by this split, and it is not known what it was trained on:
    images of the test part may be among them."""


class FileEntry(Noun):
    """A file of the artifact."""

    sha256: str
    bytes: int


class TimeShares(Noun):
    """Where the time of a file goes, as shares of the time of all nodes that the runtime runs."""

    integer: float
    """Kernels that compute with integers."""
    conversions: float
    """QuantizeLinear and DequantizeLinear."""
    layout: float
    """Nodes that move values without computing."""
    floats: dict[str, float]
    """Nodes that compute in float, by operator, the slowest first."""

    @property
    def not_integer(self) -> float:
        """Share of nodes that compute in float, and of the conversions before and after them."""
        return self.conversions + sum(self.floats.values())


class Measurements(Noun):
    """What a stage measured of the model that it made; `None` is not measured."""

    params: int | None = None
    macs: int | None = None
    """Multiply-accumulates of one image."""
    map: float | None = None
    """Mean average precision on the part that the model was judged on, averaged over
    label-preserving views."""
    waiting_share: float | None = None
    """Share of the training's time in which no batch of images was ready."""
    int8_convs_fused: int | None = None
    """Integer convolutions in the graph that the runtime executes."""
    convs_total: int | None = None
    convs_kept_float: int | None = None
    dense_int8: int | None = None
    """Matrix products with weights: those with integers, all, and the ones float on purpose."""
    dense_total: int | None = None
    dense_kept_float: int | None = None
    """Convolutions that are float on purpose; the notes say why."""
    qdq_nodes: int | None = None
    """QuantizeLinear and DequantizeLinear nodes left in the graph that the runtime executes, those
    of the network's input and output among them."""
    time_shares: TimeShares | None = None
    """`None` where the file did not run on the runtime and the kind of CPU that it is for."""
    parity_max_prob_diff: float | None = None
    """Largest difference of a probability between this model and the one it was made from."""
    parity_flipped: float | None = None
    """Share of decisions that differ between this model and the one it was made from."""


class SearchStep(Noun):
    """One setting that a search for a better int8 file has tried."""

    change: str
    """What is different from the best setting before."""
    speedup: float | None
    """How many times as fast as the float file, by a quick timing in one process."""
    gain: float | None = None
    """How many times as fast as the best setting before, in the same rounds; it is this that
    decides, since speed-ups of other minutes do not compare. `None` where the two were not timed
    together."""
    gain_ci95: tuple[float, float] | None = None
    """95% interval of the gain."""
    map_drop: float | None
    """Upper 95% bound of mAP of the float file minus this one's on the validation part; `None` is
    not measured."""
    kept: bool
    """Whether it became the best setting."""
    seconds: float
    """What trying it took."""


class Manifest(Noun):
    """Everything about an artifact but its weights."""

    schema_version: int = SCHEMA_VERSION
    id: str
    """Hash of all that decided the result, as `edgepress.core.stage.Plan.id` makes it."""
    stage: str
    config: dict[str, Any]
    parents: tuple[str, ...] = ()
    """Ids of the artifacts that this one was made from."""
    kind: Kind
    precision: Precision = "fp32"
    target: str | None = None
    architecture: Architecture | None = None
    """`None` for an ONNX file made elsewhere."""
    image: ImageSpec
    labels: Labels
    data: DataRef | None
    """`None` when the model comes from elsewhere and its training data are not known."""
    told_split: SplitIdentity | None = None
    """What the metadata of an ONNX file outside an artifact say."""
    judged_on: Judged = "test"
    """Part of the data that the measured accuracy, the verdicts on it and the stored evaluation are
    of."""
    measurements: Measurements = Measurements()
    verdicts: tuple[Verdict, ...] = ()
    parent_verdicts: tuple[Verdict, ...] = ()
    """Of an export: on the network that it was made from, which it can be no better than."""
    notes: tuple[str, ...] = ()
    """Remarks for the reader of the report, e.g. why a convolution stayed float."""
    search: tuple[SearchStep, ...] = ()
    """What was tried on the way to this file, in order."""
    distillation: Distillation | None = None
    """Of a student: how it was taught."""
    pruning: Pruning | None = None
    """Of a pruned network: what it was worth without some of its parts."""
    environment: dict[str, Any] = Field(default_factory=dict)
    files: dict[str, FileEntry] = Field(default_factory=dict)
