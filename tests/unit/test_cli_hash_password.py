"""`hash-password` where standard input is no terminal."""

import pytest
from passlib.hash import sha512_crypt

from pmx_cluster_tb.cli.passwords import asked_password
from pmx_cluster_tb.problems import BadInput
from tests.command import Command


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stdin", "password"),
    [
        (b"correct horse\n", "correct horse"),
        (b" leading and trailing \n", " leading and trailing "),
        (b"first line\nsecond line\n", "first line"),
        ("paßwörter\n".encode(), "paßwörter"),
        (("ä" * 4).encode(), "ääää"),
        (b"x" * 511, "x" * 511),
    ],
)
def test_hash_of_the_first_line(stdin: bytes, password: str, command: Command) -> None:
    ran = command("hash-password", stdin=stdin)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("$6$")
    assert sha512_crypt.verify(password, ran.out.removesuffix("\n"))


def test_a_password_on_the_command_line_is_refused_and_not_repeated(command: Command) -> None:
    ran = command("hash-password", "correct horse", "battery")
    assert (ran.status, ran.out) == (2, "")
    assert "takes no argument" in ran.err
    assert "horse" not in ran.err
    assert "battery" not in ran.err


def test_salts_differ(command: Command) -> None:
    first, second = (command("hash-password", stdin=b"correct horse").out for _ in range(2))
    assert first != second


@pytest.mark.parametrize(
    ("stdin", "message"),
    [
        (b"", "standard input holds no password"),
        (b"\n", "the password must have at least 8 bytes, this one has 0"),
        (b"1234567\n", "the password must have at least 8 bytes, this one has 7"),
        (b"x" * 512, "the password must have at most 511 bytes, this one has 512: no login takes more"),
        (b"x" * 5000, "the password must have at most 511 bytes, this one has 5000: no login takes more"),
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


@pytest.mark.parametrize(
    "typed", ["latin \udce9\udce8 one", UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "no")]
)
def test_a_terminal_that_sends_something_else_than_utf_8(
    typed: str | UnicodeDecodeError, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typings = iter([typed])

    def type_it(_: str) -> str:
        match next(typings, EOFError()):
            case str(text):
                return text
            case error:
                raise error

    monkeypatch.setattr("pmx_cluster_tb.cli.passwords.getpass", type_it)
    with pytest.raises(BadInput) as refused:
        asked_password("to hash")
    assert "the password must be UTF-8" in refused.value.message + capsys.readouterr().err
