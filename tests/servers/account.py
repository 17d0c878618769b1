"""Running a server that refuses to be root's: as the account of another user, who then owns its folder."""

from __future__ import annotations

import os
import pwd
import shutil
from functools import cache
from pathlib import Path


def as_account(*command: str) -> list[str]:
    """`command`, run as another user where this process is root's."""
    account = _account()
    if account is None:
        return list(command)
    setpriv = shutil.which("setpriv")
    assert setpriv is not None, "setpriv (util-linux) is needed to run a server as another user than root"
    return [setpriv, f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", *command]


def own(folder: Path) -> None:
    """Give the folder, and all that is in it, to the user that `as_account` runs commands as."""
    account = _account()
    if account is not None:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid)


@cache
def _account() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]
