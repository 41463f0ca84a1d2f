"""What a child sees of our environment."""

from __future__ import annotations

from orchestrator.machine.environment import scrubbed

NEEDED = {
    "PATH": "/bin", "HOME": "/root", "LC_ALL": "C", "HATS_HOME": "/x", "HATS_PASSWORD_FILE": "/x/p",
    "RAY_AUTH_TOKEN_PATH": "/x/t", "RAY_AUTH_MODE": "token", "PYTHONPATH": ".",
}  # fmt: skip
SECRET = {
    "AWS_SECRET_ACCESS_KEY": "a", "GITHUB_TOKEN": "b", "DATABASE_URL": "postgres://u:p@h/d", "RAY_AUTH_TOKEN": "c",
    "HATS_PASSWORD": "d", "HATS_SECRET": "e", "PRIVATE_KEY": "f", "SSH_AUTH_SOCK": "/tmp/ssh", "HTTPS_PROXY": "http://u:p@h",
    "XDG_SESSION_TOKEN": "g", "OPENAI_API_KEY": "h",
}  # fmt: skip


def test_a_child_is_given_what_it_needs_and_no_secret() -> None:
    """Paths and switches stay; tokens, keys and what we do not know do not travel."""
    assert scrubbed(NEEDED | SECRET) == NEEDED
