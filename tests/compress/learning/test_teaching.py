"""Features as targets, and which channels pruning leaves alone."""

import copy

import pytest
import torch
from torch import nn

import models.basis.torchvision_compat  # noqa: F401  isort: skip  (must come before timm)
import timm
import torchvision
from tiny_network import build

from compress.learning.augmentation import Batch
from compress.learning.features import PENULTIMATE, pair, run_recorded
from compress.learning.loading import TrainingImages
from compress.learning.teaching import Student, Teaching, teach, terms_of
from compress.learning.terms import total
from compress.learning.terms._taught import Taught
from compress.learning.terms.feature_maps import unexplained
from compress.learning.training import fit
from compress.pruning.channels import Widths, prune_until
from compress.pruning.kept_layers import kept_layers, residual_layers
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from models.stored import count_macs, count_params

IMAGES = torch.rand(2, 3, 48, 48)
SPEC = ImageSpec(height=48, width=48)


def lite0() -> nn.Module:
    return timm.create_model("efficientnet_lite0", num_classes=2).eval()


def prune(network: nn.Module, share: float, keep: tuple[str, ...] = (), residual: bool = True):
    whole = count_macs(network, SPEC)
    kept = kept_layers(network, IMAGES[:1], keep, residual).layers
    widths = Widths(round_to=8, max_pruning_ratio=0.9, ranking="layer", kept=kept)

    def reached(pruned: nn.Module) -> bool:
        return count_macs(pruned, SPEC) <= share * whole

    prune_until(network, IMAGES[:1], reached, widths)
    return network


def test_residual_layers_of_inverted_residuals():
    network = lite0()
    expected = {
        f"blocks.{stage}.{block}.conv_pwl"
        for stage, blocks in ((1, 2), (2, 2), (3, 3), (4, 3), (5, 4))
        for block in range(blocks)
    }
    assert set(residual_layers(network, IMAGES)) == expected


def test_residual_layers_of_a_resnet():
    network = torchvision.models.resnet18().eval()
    found = set(residual_layers(network, IMAGES))
    assert {"conv1", "layer1.0.conv2", "layer2.0.downsample.0"} <= found
    assert not any(name.endswith("conv1") for name in found - {"conv1"})


def test_factors_of_squeeze_and_excitation_are_not_residual():
    network = timm.create_model("mobilenetv3_small_050", num_classes=2).eval()
    found = set(residual_layers(network, IMAGES))
    assert found
    assert all(name.endswith("conv_pwl") for name in found)


def output_widths(network: nn.Module) -> dict[str, int]:
    return {name: m.out_channels for name, m in network.named_modules() if isinstance(m, nn.Conv2d)}


def test_pruning_keeps_residual_widths_and_named_layers():
    whole, pruned = lite0(), prune(lite0(), 0.5, keep=("conv_head", "blocks.6.*.conv_pwl"))
    before, after = output_widths(whole), output_widths(pruned)
    kept = set(residual_layers(whole, IMAGES)) | {"conv_head", "blocks.6.0.conv_pwl"}
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    inside = [name for name in before if name.endswith("conv_pw") and before[name] > 32]
    assert all(after[name] < 0.8 * before[name] for name in inside)
    assert count_params(pruned) < count_params(whole)


def test_pruning_may_thin_residual_widths_when_asked():
    network = prune(lite0(), 0.3, residual=False)
    assert network.get_submodule("blocks.4.0.conv_pwl").out_channels < 112


def test_a_pattern_that_fits_no_layer_is_refused():
    with pytest.raises(UserError, match=r"layer in --keep.*conv_haed"):
        prune(lite0(), 0.5, keep=("conv_haed",))


def test_recording_returns_features_and_leaves_no_hooks():
    network = build(3).eval()
    logits, features = run_recorded(network, IMAGES, ["0", "3"], "6")
    assert torch.equal(logits, network(IMAGES))
    assert list(features) == ["0", "3", PENULTIMATE]
    assert torch.equal(network[6](features[PENULTIMATE]), logits)
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in network.modules())


def test_a_convolution_as_output_layer_has_pooled_features():
    network = nn.Sequential(
        nn.Conv2d(3, 5, 3), nn.Conv2d(5, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    _, features = run_recorded(network, IMAGES, [], "1")
    assert torch.allclose(features[PENULTIMATE], network[0](IMAGES).mean((2, 3)))


def test_pruned_networks_share_a_layer_of_each_shape():
    teacher = lite0()
    found = pair(prune(copy.deepcopy(teacher), 0.4), teacher, IMAGES, IMAGES)
    stages = [name for name in found.layers if name.startswith("blocks")]
    assert stages[-5:] == ["blocks.1", "blocks.2", "blocks.3", "blocks.4", "blocks.5"]
    assert found.widths[0] < found.widths[1] == 1280


def test_other_architectures_share_only_the_last_features():
    found = pair(build(2), lite0(), IMAGES, IMAGES)
    assert found.layers == ()
    assert found.widths == (18 * 32, 1280)


def test_another_image_size_shares_the_same_layers():
    """A student of 32 pixels and a teacher of 64; of each of the student's shapes the last."""
    large, small = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 32, 32)
    found = pair(build(2), build(2), large, small)
    assert found.layers == pair(build(2), build(2), small, small).layers
    assert found.layers
    assert found.alike
    narrow = pair(build(2, width=16), build(2), large, small)
    assert set(narrow.layers) < set(found.layers), "other channels are other layers"


def test_a_pruned_network_is_alike_and_another_architecture_is_not():
    """LCNet has a name and its channels in common with EfficientNet-Lite0 by chance."""
    teacher = lite0()
    assert pair(prune(copy.deepcopy(teacher), 0.4), teacher, IMAGES, IMAGES).alike
    other = timm.create_model("lcnet_050", num_classes=2).eval()
    found = pair(other, teacher, IMAGES, IMAGES)
    assert found.layers
    assert not found.alike


def test_unexplained_is_zero_for_a_copy_and_one_for_the_mean():
    feature = torch.randn(6, 4, 3, 3) * torch.tensor([1.0, 2.0, 3.0, 4.0]).view(1, 4, 1, 1) + 7
    mean = feature.mean((0, 2, 3), keepdim=True).expand_as(feature)
    assert unexplained(feature, feature) == 0
    assert unexplained(mean, feature).item() == pytest.approx(1)
    assert unexplained(100 * mean, 100 * feature).item() == pytest.approx(1, rel=1e-4)


def test_a_student_comes_to_copy_its_teachers_features(tmp_path):
    torch.manual_seed(0)
    teacher, student = build(2).eval(), build(2, width=16).eval()
    rng = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (64, 48, 48, 3), generator=rng, dtype=torch.uint8).numpy()
    spec = ImageSpec(height=48, width=48)
    images = TrainingImages(pixels, torch.zeros(64, 2).numpy(), ("identity",), spec)
    settings = Teaching(epochs=12, batch_size=16, learning_rate=0.01, mixup=0, hard_share=0)
    taught = teach(Student(student, spec), teacher, images, settings, tmp_path).network
    assert taught.get_submodule("6").in_features == student.get_submodule("6").in_features
    inputs = (torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255 - 0.45) / 0.225
    with torch.no_grad():
        wanted, untaught, found = teacher(inputs), build(2, width=16).eval()(inputs), taught(inputs)
    assert (found - wanted).square().mean() < 0.2 * (untaught - wanted).square().mean()
    assert isinstance(taught, nn.Sequential), (
        "the network itself, without what was added to teach it"
    )


def noise_images(n: int) -> TrainingImages:
    """Return images of noise with labels of noise."""
    rng = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (n, 48, 48, 3), generator=rng, dtype=torch.uint8).numpy()
    targets = (torch.rand(n, 2, generator=rng) > 0.5).float().numpy()
    return TrainingImages(pixels, targets, ("identity",), ImageSpec(height=48, width=48))


def hooks_seen_while(work) -> int:
    """Return how many hooks the layers had, at the most, whenever one of them ran."""
    seen = [0]

    def look(layer: nn.Module, _inputs: object) -> None:
        seen.append(len(layer._forward_hooks) + len(layer._forward_pre_hooks))

    handle = nn.modules.module.register_module_forward_pre_hook(look)
    try:
        work()
    finally:
        handle.remove()
    return max(seen)


@pytest.mark.parametrize("width", [32, 16])
def test_without_weight_no_feature_is_recorded(tmp_path, width: int):
    images = noise_images(32)
    torch.manual_seed(0)
    teacher, network = build(2).eval(), build(2, width=width)
    student = Student(network, images.spec)
    settings = Teaching(epochs=1, batch_size=16, feature_weight=0)
    assert hooks_seen_while(lambda: teach(student, teacher, images, settings, tmp_path)) == 0
    stored = torch.load(tmp_path / "training.pt", weights_only=True)
    assert set(stored["network"]) == {f"network.{name}" for name in network.state_dict()}
    features = settings.model_copy(update={"feature_weight": 1.0})
    (tmp_path / "with").mkdir()
    with_features = hooks_seen_while(
        lambda: teach(student, teacher, images, features, tmp_path / "with")
    )
    assert with_features > 0, "what is looked for is there otherwise"


def test_without_weight_the_student_learns_the_labels_as_ever(tmp_path):
    images = noise_images(48)
    torch.manual_seed(0)
    teacher, network = build(2).eval(), build(2, width=16)
    alone = copy.deepcopy(network)
    settings = Teaching(epochs=2, batch_size=16, feature_weight=0, hard_share=0.4, temperature=2)
    for folder in ("taught", "fitted"):
        (tmp_path / folder).mkdir()
    student = Student(network, images.spec)
    taught = teach(student, teacher, images, settings, tmp_path / "taught").network

    def loss(logits: torch.Tensor, batch: Batch) -> torch.Tensor:
        native = torch.cpu.get_capabilities().get("avx512_bf16", False)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=native):
            soft = teacher(batch.inputs).float()
        return total(terms_of(settings), Taught(logits, soft, batch.targets, batch.weights, 2))

    fitted = fit(alone, images, settings, loss, tmp_path / "fitted")
    for name, value in fitted.network.state_dict().items():
        assert torch.equal(value, taught.state_dict()[name]), name


def test_the_smallest_weight_changes_little(tmp_path):
    """With weight 0 the rest of the loss is what it is with any other weight."""
    images = noise_images(32)
    torch.manual_seed(0)
    teacher, network = build(2).eval(), build(2, width=16)
    found = []
    for weight in (0.0, 1e-12):
        (tmp_path / str(weight)).mkdir()
        settings = Teaching(epochs=1, batch_size=16, feature_weight=weight)
        student = Student(copy.deepcopy(network), images.spec)
        found.append(teach(student, teacher, images, settings, tmp_path / str(weight)).network)
    inputs = torch.rand(4, 3, 48, 48)
    with torch.no_grad():
        assert torch.allclose(found[0](inputs), found[1](inputs), atol=0.01)


def test_a_warm_up_of_one_step(tmp_path):
    """Five steps, a fifth of them to warm up: torch's schedule divides by that number less 1."""
    settings = Teaching(epochs=1, batch_size=2, warmup_share=0.2, feature_weight=0, mixup=0)
    student = Student(build(2), ImageSpec(height=48, width=48))
    taught = teach(student, build(2), noise_images(10), settings, tmp_path).network
    assert all(torch.isfinite(weight).all() for weight in taught.state_dict().values())
