"""Groups by the name of what makes their channels first, and networks of any widths."""

import pytest
import torch
from torch import Tensor, nn

from compress.pruning.channels import channels_of
from compress.pruning.costs.groups import Group, found_groups, narrowed, sizes
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec

SPEC = ImageSpec(height=16, width=16)


class Mixed(nn.Module):
    """Has a residual connection, a concatenation, a grouped and a depthwise convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1)
        self.inner = nn.Conv2d(16, 24, 1)
        self.depth = nn.Conv2d(24, 24, 3, padding=1, groups=24)
        self.back = nn.Conv2d(24, 16, 1)
        self.beside = nn.Conv2d(16, 32, 1)
        self.wide = nn.Conv2d(48, 32, 1)
        self.grouped = nn.Conv2d(32, 32, 3, padding=1, groups=4)
        self.head = nn.Linear(32 * 4, 2)

    def forward(self, image: Tensor) -> Tensor:
        stem = self.stem(image)
        added = stem + self.back(self.depth(self.inner(stem)))
        joined = self.grouped(self.wide(torch.cat([added, self.beside(added)], dim=1)))
        logits: Tensor = self.head(nn.functional.adaptive_avg_pool2d(joined, 2).flatten(1))
        return logits


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return Mixed().eval()


@pytest.fixture(scope="module")
def groups(network: nn.Module) -> tuple[Group, ...]:
    return found_groups(network, SPEC, ("head",))


def test_a_group_has_the_name_of_the_first_layer_that_makes_it(groups) -> None:
    assert {one.name: (one.width, one.parts) for one in groups} == {
        "stem": (16, 1), "inner": (24, 1), "beside": (32, 1), "wide": (32, 4),
        "grouped": (32, 4),
    }  # fmt: skip


def test_a_layer_that_is_kept_keeps_its_group(network: nn.Module) -> None:
    assert "stem" not in {one.name for one in found_groups(network, SPEC, ("head", "back"))}


def test_a_copy_gets_the_widths_and_the_network_stays(network: nn.Module, groups) -> None:
    before = channels_of(network)
    widths = {"stem": 8, "inner": 5, "beside": 9, "wide": 16, "grouped": 24}
    copied = narrowed(network, SPEC, groups, widths)
    assert channels_of(copied) == before | widths | {"depth": 5, "back": 8}
    assert copied.grouped.weight.shape == (24, 4, 3, 3)
    assert copied(torch.zeros(1, 3, 16, 16)).shape == (1, 2)
    assert channels_of(network) == before
    assert channels_of(narrowed(network, SPEC, groups, {})) == before


def test_a_group_that_is_not_there_is_refused(network: nn.Module, groups) -> None:
    with pytest.raises(UserError, match=r"Unknown group of channels.*depth"):
        narrowed(network, SPEC, groups, {"depth": 8})


def test_sizes_tell_what_every_layer_reads_and_makes(network: nn.Module, groups) -> None:
    found = {(size.whole, tuple(sorted(size.by.items()))) for size in sizes(network, SPEC, groups)}
    assert {(16, (("stem", 1.0),)), (24, (("inner", 1.0),))} <= found
    assert (48, (("beside", 1.0), ("stem", 1.0))) in found
    assert (32 * 4, (("grouped", 4.0),)) in found
