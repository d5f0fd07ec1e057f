"""What torch lets a thread use that starts now: what was said last, in whichever thread."""

import threading

import torch


def threads_of_a_new_thread() -> int:
    """Return how many threads torch uses in a new one."""
    found: list[int] = []
    other = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    other.start()
    other.join()
    return found[0]
