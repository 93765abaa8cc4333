"""`hash-password` where standard input is no terminal."""

import pytest
from passlib.hash import sha512_crypt

from tests.command import Command


@pytest.mark.parametrize(
    ("stdin", "password"),
    [
        (b"correct horse\n", "correct horse"),
        (b" leading and trailing \n", " leading and trailing "),
        (b"first line\nsecond line\n", "first line"),
        ("paßwörter\n".encode(), "paßwörter"),
        (("ä" * 4).encode(), "ääää"),
    ],
)
def test_hash_of_the_first_line(stdin: bytes, password: str, command: Command) -> None:
    ran = command("hash-password", stdin=stdin)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("$6$")
    assert sha512_crypt.verify(password, ran.out.removesuffix("\n"))


def test_salts_differ(command: Command) -> None:
    first, second = (command("hash-password", stdin=b"correct horse").out for _ in range(2))
    assert first != second


@pytest.mark.parametrize(
    ("stdin", "message"),
    [
        (b"", "standard input holds no password"),
        (b"\n", "the password must have at least 8 bytes, this one has 0"),
        (b"1234567\n", "the password must have at least 8 bytes, this one has 7"),
        (b"with a tab\there\n", "the password must hold nothing but printable characters"),
        (b"carriage return\r\n", "the password must hold nothing but printable characters"),
        (b"with a \0 byte\n", "the password must hold nothing but printable characters"),
        (b"latin \xe9\xe8 one\n", "the password must be UTF-8"),
    ],
)
def test_unusable_passwords_are_refused_and_not_shown(stdin: bytes, message: str, command: Command) -> None:
    ran = command("hash-password", stdin=stdin)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.splitlines()[0] == f"error: {message}"
    assert not stdin.strip() or stdin.decode("latin-1").strip() not in ran.err
