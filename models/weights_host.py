"""The host of timm's ImageNet weights: which one it is, and whether it answers."""

import socket
import ssl
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, getproxies, urlopen

CONNECT_S = 5.0
"""Seconds to wait for it."""


def connect(host: str) -> None:
    """Reach a host, by the proxy where there is one; whatever it answers is an answer.

    Raises:
        OSError: nobody answers.
    """
    if not getproxies():
        socket.create_connection((host, 443), timeout=CONNECT_S).close()
        return
    try:
        urlopen(Request(f"https://{host}/", method="HEAD"), timeout=CONNECT_S).close()
    except HTTPError:
        return
    except URLError as error:
        if not isinstance(error.reason, ssl.SSLError):  # the client may know other certificates
            raise


def host(name: str) -> str | None:
    """Return the host that has timm's weights, `None` where none needs to be asked."""
    import timm
    from huggingface_hub import constants, try_to_load_from_cache

    found = timm.get_pretrained_cfg(name)
    if found is None or constants.HF_HUB_OFFLINE:
        return None
    if found.hf_hub_id:
        files = ("model.safetensors", "pytorch_model.bin")
        if any(isinstance(try_to_load_from_cache(found.hf_hub_id, one), str) for one in files):
            return None
        return urlsplit(constants.ENDPOINT).hostname
    return urlsplit(found.url).hostname if found.url else None
