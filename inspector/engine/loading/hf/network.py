"""Whether the Hugging Face Hub can be asked, and keeping it from being asked. Its client retries for half a minute."""

from __future__ import annotations

import contextlib
import importlib
import os
import socket
import urllib.parse
import urllib.request
from collections.abc import Iterator


@contextlib.contextmanager
def offline() -> Iterator[None]:
    """The Hub is not asked inside; what was downloaded before is found."""
    constants = importlib.import_module("huggingface_hub").constants
    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def reachable() -> bool:
    """Whether the Hub's name can be looked up, which is quick; behind a proxy it need not be."""
    if urllib.request.getproxies():
        return True
    address = urllib.parse.urlsplit(_endpoint())
    try:
        socket.getaddrinfo(address.hostname, address.port or 443)
    except OSError:
        return False
    return True


def host() -> str:
    return urllib.parse.urlsplit(_endpoint()).hostname or _endpoint()


def _endpoint() -> str:
    return os.environ.get("HF_ENDPOINT") or "https://huggingface.co"


def was_not_found_here(error: BaseException) -> bool:
    """Whether this error of the client, or what caused it, means: not downloaded before, and nobody to ask."""
    return any(type(link).__name__ == "LocalEntryNotFoundError" for link in causes(error))


def causes(error: BaseException) -> list[BaseException]:
    links = [error]
    while (following := links[-1].__cause__ or links[-1].__context__) is not None and following not in links:
        links.append(following)
    return links
