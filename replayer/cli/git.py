"""What git knows about the folder that a command runs in; nothing is asked of it that it has to be there for."""

from __future__ import annotations

import getpass
import os
import subprocess


def git(*arguments: str) -> str:
    """What git answers, without the line's end; "" when it does not, or is not there."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def git_author() -> str:
    """The e-mail address that git would put on a commit, or else the name; "" when git has neither."""
    return os.environ.get("GIT_AUTHOR_EMAIL", "") or git("config", "user.email") or git("config", "user.name")


def operator() -> str:
    """Who works in this shell, for the journal: by git, or by the machine."""
    try:
        return git_author() or getpass.getuser()
    except (OSError, KeyError):  # a container may have no name for its user
        return "somebody in a shell"
