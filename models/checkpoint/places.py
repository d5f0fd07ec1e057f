"""Where the weights of a network are in a file: behind which names, of wrappers or of keys.

A training code puts a network into others (`module.`, `_orig_mod.`, `model.`, `backbone.`), and its
weights into mappings (`state_dict`, `ema`). Both are names before the network's own; a place is all
of them, joined by dots. It is found by the network's own names, not by a list of wrappers.
"""

from collections import Counter
from collections.abc import Collection, Iterable

LATER = ("ema", "teacher", "momentum", "average", "averaged", "swa", "key", "k", "target", "shadow")
"""Words in the names of weights that a training code keeps beside the trained ones."""


def places(own: Collection[str], found: Iterable[str]) -> list[str]:
    """Return the places behind which there are names of a network, the one with most first.

    A place with less than half as many is there by chance: blocks of a network are alike.

    >>> places({"conv.weight", "fc.weight"}, ["net.module.conv.weight", "net.module.fc.weight"])
    ['net.module.']
    >>> places({"weight"}, ["weight", "other"])
    ['']
    """
    counted: Counter[str] = Counter()
    for name in found:
        counted.update(place for place, rest in splits(name) if rest in own)
    most = max(counted.values(), default=0)
    return [place for place, n in counted.most_common() if 2 * n >= most]


def splits(name: str) -> list[tuple[str, str]]:
    """Return every way to split a name into a place and the rest.

    >>> splits("a.b")
    [('', 'a.b'), ('a.', 'b')]
    """
    parts = name.split(".")
    cuts = range(len(parts))
    return [("".join(f"{p}." for p in parts[:cut]), ".".join(parts[cut:])) for cut in cuts]


def in_order(found: Iterable[str]) -> list[str]:
    """Return places with those of averages and teachers last, else as they were.

    >>> in_order(["state_dict_ema.", "state_dict."])
    ['state_dict.', 'state_dict_ema.']
    """
    return sorted(found, key=lambda place: bool(set(_words(place)) & set(LATER)))


def under(key: str, found: Iterable[str]) -> list[str]:
    """Return the places that a key leads to, or is a part of.

    >>> under("ema", ["model.", "ema.module."])
    ['ema.module.']
    >>> under("module.ema", ["state_dict.module.ema."])
    ['state_dict.module.ema.']
    """
    return [place for place in found if f".{key.strip('.')}." in f".{place}"]


def _words(place: str) -> list[str]:
    return place.lower().replace("_", ".").split(".")
