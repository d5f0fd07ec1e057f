"""Terms of a loss as they are asked for, and what they add up to."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from compress.learning import terms
from compress.learning.features import PENULTIMATE, Pairing
from compress.learning.not_finite import LossNotFiniteError
from compress.learning.terms import Weighted, feature_maps, labels, soft_labels
from compress.learning.terms._taught import Taught
from edgepress.core.errors import UserError

TAUGHT = Taught(torch.zeros(1, 2), torch.zeros(1, 2), torch.zeros(1, 2))


def test_terms_are_read_in_their_order():
    found = terms.parse([" soft_labels = 0.25", "feature_maps=2e1"])
    assert found == (
        Weighted(0.25, soft_labels.term, "teacher", "soft-labels"),
        Weighted(20.0, feature_maps.term, "features", "feature-maps", feature_maps.parts),
    )
    assert terms.parse(["labels=1"]) == (Weighted(1.0, labels.term, "labels", "labels"),)
    assert terms.parse([]) == ()


@pytest.mark.parametrize(
    "text", ["labels", "labels=", "labels=0", "labels=-1", "labels=1e999", "labels=1e", "=1"]
)
def test_what_is_no_term_with_a_weight_is_refused(text: str):
    with pytest.raises(UserError, match="NAME=WEIGHT"):
        terms.parse([text])


def test_a_term_that_is_not_there_or_there_twice_is_refused():
    with pytest.raises(UserError, match=r"did you mean .soft-labels"):
        terms.parse(["soft_label=1"])
    with pytest.raises(UserError, match="named twice"):
        terms.parse(["labels=1", "soft_labels=1", "labels=2"])


def test_the_total_is_the_weighted_sum():
    def worth(value: float) -> Weighted:
        def term(taught: Taught) -> Tensor:
            assert taught is TAUGHT
            return torch.tensor(value)

        return Weighted(10 * value, term, "labels", str(value))

    assert terms.total([worth(1.0), worth(2.0), worth(3.0)], TAUGHT).item() == 10 + 40 + 90
    assert terms.total([worth(2.0)], TAUGHT).item() == 40
    assert terms.total([], TAUGHT).item() == 0
    twice = [replace(worth(value), name="feature-maps") for value in (1.0, 2.0)]
    assert terms.total(twice, TAUGHT).item() == 10 + 40, "the usual one, and by --term"
    with pytest.raises(LossNotFiniteError) as caught:
        terms.total([worth(1.0), worth(float("nan")), worth(float("inf"))], TAUGHT)
    assert caught.value.terms == ("nan", "inf")


def test_features_by_hand():
    """Channel means 1 and 3, variances 1 and 4: misses of 1 everywhere are 1 / 2.5 of it."""
    teacher = torch.tensor([[[[0.0, 2.0]], [[1.0, 5.0]]]])
    assert feature_maps.unexplained(teacher + 1, teacher).item() == pytest.approx(1 / 2.5)
    features = {"a": teacher + 1, PENULTIMATE: teacher / 2}
    taught = replace(TAUGHT, features=features, teacher_features=dict.fromkeys(features, teacher))
    doubled = nn.Conv2d(2, 2, 1, bias=False)
    doubled.weight.data = 2 * torch.eye(2).view(2, 2, 1, 1)
    assert feature_maps.term(taught, doubled).item() == pytest.approx(1 / 2.5 / 2)
    still = torch.ones(2, 3)
    assert feature_maps.unexplained(still, still).item() == 0, "a teacher that says nothing"
    assert feature_maps.unexplained(still + 1, still).isfinite()


def test_a_part_is_made_for_the_pairing_and_given_to_its_term():
    """Terms without one stay as they are; those that are equipped are not equipped again."""

    def parts(pairing: Pairing) -> nn.Module:
        return nn.Linear(*pairing.widths)

    def term(taught: Taught, part: nn.Module) -> Tensor:
        return taught.logits.sum() + part.weight.numel()

    plain, learning = Weighted(1, labels.term, "labels"), Weighted(2, term, "features", "", parts)
    found, learnt = terms.equipped([plain, learning], Pairing((), ("", ""), (3, 5)))
    assert found[0] is plain
    assert [type(part) for part in learnt] == [nn.Linear]
    assert found[1].term(TAUGHT) == 15
    assert terms.total([found[1]], TAUGHT).item() == 30
    again, none = terms.equipped(found, Pairing((), ("", ""), (3, 5)))
    assert again == found
    assert not len(none)
