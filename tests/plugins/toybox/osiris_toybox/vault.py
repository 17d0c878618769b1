"""The secret scheme `toyvault`: gives the name backwards, fails for `broken`, hangs for `slow`."""

import threading


def fetch(name: str) -> str:
    if name == "broken":
        raise RuntimeError("the vault's own token is hvs.sealed")
    if name == "slow":
        threading.Event().wait(30)
    return name[::-1]
