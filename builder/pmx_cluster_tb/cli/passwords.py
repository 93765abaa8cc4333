"""Asking for a password and hashing it. The password itself is never shown, stored or passed on."""

import sys
from getpass import getpass

from pmx_cluster_tb.cli.messages import show_error
from pmx_cluster_tb.problems import BadInput

MINIMUM_BYTES = 8
"""What the Proxmox VE installer demands of a password that it is given in plain text."""

MAXIMUM_BYTES = 511
"""What libxcrypt and PAM take: CRYPT_MAX_PASSPHRASE_SIZE and PAM_MAX_RESP_SIZE, without the final zero."""

_NOT_UTF_8 = "the password must be UTF-8"


def asked_password(whose: str) -> str:
    """The password that a person types twice at the terminal, unseen; asked again until it can be used."""
    while True:
        password = _hidden(f"password {whose}: ")
        problem = _unusable(password)
        if problem is None and _hidden("the same again: ") == password:
            return password
        show_error(problem or BadInput("the two passwords differ"))


def read_password() -> str:
    """The password that standard input holds in its first line."""
    line = sys.stdin.buffer.readline()
    if not line:
        raise BadInput(
            "standard input holds no password", "its first line is read; at a terminal you are asked"
        )
    try:
        password = line.removesuffix(b"\n").decode()
    except UnicodeDecodeError:
        raise BadInput(_NOT_UTF_8) from None
    if problem := _unusable(password):
        raise problem
    return password


def crypt_hash(password: str) -> str:
    """The crypt(3) hash of `password`: SHA-512 with a random salt (`$6$`), which every Debian can verify."""
    from passlib.hash import sha512_crypt

    return str(sha512_crypt.hash(password))


def _hidden(prompt: str) -> str:
    try:
        return getpass(prompt)
    except EOFError:
        raise BadInput("no password was typed") from None
    except UnicodeDecodeError:
        raise BadInput(_NOT_UTF_8, "the terminal sends another encoding") from None


def _unusable(password: str) -> BadInput | None:
    try:
        size = len(password.encode())
    except UnicodeEncodeError:
        # what a terminal sent and no UTF-8 is
        return BadInput(_NOT_UTF_8)
    if size < MINIMUM_BYTES:
        return BadInput(f"the password must have at least {MINIMUM_BYTES} bytes, this one has {size}")
    if size > MAXIMUM_BYTES:
        return BadInput(
            f"the password must have at most {MAXIMUM_BYTES} bytes, this one has {size}: no login takes more"
        )
    if not password.isprintable():
        return BadInput(
            "the password must hold nothing but printable characters", "others cannot be typed at a login"
        )
    return None
