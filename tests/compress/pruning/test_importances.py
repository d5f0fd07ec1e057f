"""The worth of a channel by hand, for each measure, in groups whose layers are known."""

from collections.abc import Mapping

import pytest
import torch
import torch_pruning
from torch import Tensor, nn

from compress.pruning import importance
from compress.pruning.channels import Widths, prune_until
from compress.pruning.importance._parts import parts
from edgepress.core.errors import UserError

POINTWISE = torch_pruning.prune_conv_out_channels


def set_to(parameter: Tensor, values: object) -> None:
    with torch.no_grad():
        parameter.copy_(torch.as_tensor(values, dtype=torch.float).reshape(parameter.shape))


def group_of(network: nn.Module, root: nn.Module, channels: int, prune=POINTWISE, images=None):
    """Return the group of all channels that a layer makes."""
    images = torch.zeros(1, 1, 4, 4) if images is None else images
    graph = torch_pruning.DependencyGraph().build_dependency(network.eval(), images)
    return graph.get_pruning_group(root, prune, [*range(channels)])


def depthwise() -> nn.Sequential:
    """Return conv-bn-depthwise-bn-conv of three channels, whose weights are one number each."""
    network = nn.Sequential(
        nn.Conv2d(1, 3, 1), nn.BatchNorm2d(3), nn.Conv2d(3, 3, 1, groups=3, bias=False),
        nn.BatchNorm2d(3), nn.Conv2d(3, 1, 1),
    )  # fmt: skip
    set_to(network[0].weight, [1, -2, 3])
    set_to(network[0].bias, [1, 1, 2])
    set_to(network[1].weight, [-1, 1, 2])
    set_to(network[1].bias, [0, 3, 1])
    set_to(network[2].weight, [4, -1, 5])
    set_to(network[3].weight, [2, 0, -3])
    set_to(network[3].bias, [1, 1, 1])
    set_to(network[4].weight, [-2, 2, 1])
    set_to(network[4].bias, [100])
    return network


class Residual(nn.Module):
    """Two convolutions of two channels whose sum a third one reads."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 2, 1, bias=False), nn.Conv2d(2, 2, 1, bias=False)
        self.norm, self.last = nn.BatchNorm2d(2), nn.Conv2d(2, 1, 1, bias=False)
        set_to(self.first.weight, [1, 2])
        set_to(self.second.weight, [[3, -4], [0, 1]])
        set_to(self.norm.weight, [-5, 2])
        set_to(self.last.weight, [6, -1])

    def forward(self, image: Tensor) -> Tensor:
        """Return one map."""
        first = self.first(image)
        return self.last(first + self.norm(self.second(first)))


def with_gradients(network: nn.Module, values: Mapping[str, object]) -> nn.Module:
    for name, parameter in network.named_parameters():
        given = torch.as_tensor(values.get(name, 1.0), dtype=torch.float)
        parameter.grad = given.expand(parameter.numel()).reshape(parameter.shape).clone()
    return network


def worth(name: str, group: torch_pruning.Group) -> list[float]:
    found = importance.find(name)(group)
    assert found is not None
    return found.tolist()


def test_l1_counts_filters_readers_and_scales_and_those_of_depthwise_layers() -> None:
    """1+1+4+2+2 = 10, 2+1+1+0+2 = 6 and 3+2+5+3+1 = 14, by their mean of 10."""
    network = depthwise()
    assert worth("group-l1", group_of(network, network[0], 3)) == pytest.approx([1, 0.6, 1.4])


def test_l2_is_torch_prunings_and_leaves_depthwise_weights_out() -> None:
    """1+1+4+4 = 10, 4+1+0+4 = 9 and 9+4+9+1 = 23 over four layers, by their mean of 14 / 4."""
    network = depthwise()
    found = worth("group-l2", group_of(network, network[0], 3))
    assert found == pytest.approx([10 / 14, 9 / 14, 23 / 14])


def test_bn_scale_is_the_mean_of_both_norms() -> None:
    network = depthwise()
    found = worth("bn-scale", group_of(network, network[0], 3))
    assert found == pytest.approx([(1 + 2) / 2, (1 + 0) / 2, (2 + 3) / 2])


def test_fpgm_is_the_distance_to_the_other_filters() -> None:
    """Filters (1, 4), (-2, -1) and (3, 5), the second number of the depthwise layer."""
    network = depthwise()
    first, second, third = (9 + 25) ** 0.5, (4 + 1) ** 0.5, (25 + 36) ** 0.5
    sums = [first + second, first + third, second + third]
    found = worth("fpgm", group_of(network, network[0], 3))
    assert found == pytest.approx([3 * each / sum(sums) for each in sums], rel=1e-5)


def test_taylor_counts_whatever_goes_with_a_channel() -> None:
    """Gradients are 1 but for the first layer's, the first norm's scales and the depthwise ones."""
    network = with_gradients(
        depthwise(), {"0.weight": [2.0, 0, -1], "1.weight": [10.0, -1, 0], "2.weight": [1.0, 0, -2]}
    )
    found = worth("taylor", group_of(network, network[0], 3))
    # filter, its bias, scale, shift, depthwise filter, scale, shift, reader
    assert found == pytest.approx([
        2 + 1 + 10 + 0 + 4 + 2 + 1 + 2,
        0 + 1 + 1 + 3 + 0 + 0 + 1 + 2,
        3 + 2 + 0 + 1 + 10 + 3 + 1 + 1,
    ])  # fmt: skip


def test_hessian_weighs_squares_by_squared_gradients() -> None:
    network = with_gradients(depthwise(), {"0.weight": [2.0, 0, 1], "2.weight": [1.0, 3, 0]})
    found = worth("hessian", group_of(network, network[0], 3))
    assert found == pytest.approx([
        2 + 1 + 1 + 0 + 16 + 4 + 1 + 4,
        0 + 1 + 1 + 9 + 3 + 0 + 1 + 4,
        9 + 4 + 4 + 1 + 0 + 9 + 1 + 1,
    ])  # fmt: skip


def test_gradients_are_pruned_with_the_weights() -> None:
    """Channels of 8, 18, 21, 4, 10, 6, 0 and 8.5: each step ranks what is left, by its own."""
    network = nn.Sequential(
        nn.Conv2d(1, 8, 1, bias=False), nn.Conv2d(8, 2, 1), nn.Flatten(), nn.Linear(32, 2)
    )
    set_to(network[0].weight, [1, 2, 3, 4, 5, 6, 7, 8])
    with_gradients(network, {"0.weight": [8, 9, 7, 1, 2, 1, 0, 1.0625], "1.weight": 0.0})
    widths = Widths(1, 1.0, "layer", ("1", "3"), importance="taylor")
    left: list[list[float]] = []

    def enough(pruned: nn.Module) -> bool:
        left.append(pruned[0].weight.flatten().tolist())
        return len(left[-1]) == 3

    prune_until(network, torch.zeros(1, 1, 4, 4), enough, widths)
    assert [1, 2, 3, 5, 8] in left
    assert left[-1] == [2, 3, 5]


@pytest.mark.parametrize("name", ["taylor", "hessian"])
def test_without_gradients_nothing_is_known(name: str) -> None:
    network = depthwise()
    assert importance.find(name)(group_of(network, network[0], 3)) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("group-l1", [22 / 16.5, 11 / 16.5]),
        ("bn-scale", [5, 2]),
        ("fpgm", [1, 1]),
        ("taylor", [22, 11]),
        ("hessian", [1 + 25 + 25 + 36 + 9, 4 + 1 + 4 + 1 + 17]),
    ],
)
def test_a_residual_sum_is_worth_all_its_parts(name: str, expected: list[float]) -> None:
    """Channel 0 is made by 1 and (3, -4), scaled by -5 and read by 6 and (3, 0): 22 in all.

    Channel 1 is made by 2 and (0, 1), scaled by 2 and read by -1 and (-4, 1): 11.
    """
    network = with_gradients(Residual(), {})
    assert worth(name, group_of(network, network.first, 2)) == pytest.approx(expected)


def test_fpgm_tells_three_residual_channels_apart_by_all_that_makes_them() -> None:
    """The first layer makes the first two alike, the second one does not."""

    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Conv2d(1, 3, 1, bias=False), nn.Conv2d(1, 3, 1, bias=False)
            self.last = nn.Conv2d(3, 1, 1)
            set_to(self.one.weight, [1, 1, 4])
            set_to(self.two.weight, [0, 8, 4])

        def forward(self, image: Tensor) -> Tensor:
            return self.last(self.one(image) + self.two(image))

    network = Sum()
    found = worth("fpgm", group_of(network, network.one, 3))
    assert found == pytest.approx([3 * (8 + 5) / 36, 3 * (8 + 5) / 36, 3 * (5 + 5) / 36])


def test_a_channel_that_many_places_read_counts_each() -> None:
    """A linear layer behind 2 x 2 places reads each of two channels four times."""
    network = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.Flatten(), nn.Linear(8, 1))
    set_to(network[0].weight, [1, 2])
    set_to(network[2].weight, [1, 1, 1, 1, 5, 0, 0, 2])
    group = group_of(network, network[0], 2, images=torch.zeros(1, 1, 2, 2))
    assert worth("group-l1", group) == pytest.approx([2 * 5 / 14, 2 * 9 / 14])


def test_an_input_of_a_grouped_convolution_counts_what_reads_it_only() -> None:
    """Two groups of two inputs and two outputs: each input is read by two weights."""
    network = nn.Sequential(nn.Conv2d(1, 4, 1, bias=False), nn.Conv2d(4, 4, 1, groups=2))
    set_to(network[1].weight, [[1, 2], [3, 4], [5, 6], [7, 8]])
    group = group_of(network, network[0], 4)
    read = [part for part in parts(group, lambda weight: weight) if part.kind == "reader"]
    assert [part.values.tolist() for part in read] == [[[1, 3], [2, 4], [5, 7], [6, 8]]]


def test_transposed_convolutions_are_read_along_the_other_axis() -> None:
    """Two groups: inputs 0 and 1 make outputs 0 and 1, inputs 2 and 3 the other two."""
    network = nn.Sequential(
        nn.Conv2d(1, 4, 1, bias=False), nn.ConvTranspose2d(4, 4, 1, groups=2, bias=False)
    )
    weight = [[1, 2], [3, 4], [5, 6], [7, 8]]
    set_to(network[1].weight, weight)
    first, second = (group_of(network, layer, 4) for layer in network)
    (read,) = [part for part in parts(first, lambda weight: weight) if part.kind == "reader"]
    (made,) = [part for part in parts(second, lambda weight: weight) if part.kind == "filter"]
    assert read.values.tolist() == weight
    assert made.values.tolist() == [[1, 3], [2, 4], [5, 7], [6, 8]]


def test_random_is_drawn_from_torchs_generator() -> None:
    network = depthwise()
    group = group_of(network, network[0], 3)
    torch.manual_seed(1)
    first, second = worth("random", group), worth("random", group)
    torch.manual_seed(1)
    assert worth("random", group) == first != second


def test_a_network_without_batch_norms_that_scale_is_refused() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2, affine=False))
    importance.require("group-l2", lambda: pytest.fail("built"))
    importance.require("bn-scale", depthwise)
    with pytest.raises(UserError, match=r"has none.*--importance group-l2"):
        importance.require("bn-scale", lambda: network)
    assert importance.find("bn-scale")(group_of(network, network[0], 2)) is None
