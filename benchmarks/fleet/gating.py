"""A demand on the fleet: `drifting <= 0`, the share of the devices that drift or are broken."""

from benchmarks.fleet.schema import DeviceEntry
from benchmarks.gates import verdicts
from edgepress.core.errors import UserError
from edgepress.core.gates import Gate, Outcome, Verdict

IN_TROUBLE = ("drift", "broken")


def parse(texts: tuple[str, ...]) -> tuple[Gate, ...]:
    """Read the gates.

    Raises:
        UserError: one that cannot be read, or that is not about a fleet.
    """
    wanted = verdicts.parse_all(texts)
    for gate in wanted:
        if gate.metric != "drifting" or gate.against is not None:
            raise UserError(
                "This command holds a fleet against the share of drifting devices only",
                got=gate,
                allowed="for example 'drifting <= 0' or 'drifting <= 5%'",
                next_step="python -m benchmarks.gate knows the gates on models",
            )
    return wanted


def check(gate: Gate, devices: tuple[DeviceEntry, ...]) -> Verdict:
    """Hold a fleet against a gate; devices that cannot be judged yet could be either."""
    bad = sum(one.status in IN_TROUBLE for one in devices)
    unknown = sum(one.status == "undecided" for one in devices)
    low, high = bad / len(devices), (bad + unknown) / len(devices)
    outcome: Outcome = (
        "fail" if low > gate.limit else "pass" if high <= gate.limit else "inconclusive"
    )
    reason = f"{bad} of {len(devices)} devices drift or are broken"
    if unknown:
        reason += f", and {unknown} cannot be judged yet"
    return Verdict(
        gate=str(gate),
        against=None,
        outcome=outcome,
        measured=low,
        margin=gate.limit - (low if outcome == "fail" else high),
        reason=f"{reason}; the limit is {100 * gate.limit:g}%",
    )
