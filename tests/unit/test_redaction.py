"""What no output shows unless it is told to."""

import json
from pathlib import Path

import pytest

from pmx_cluster_tb.view.redaction import redacted, redacted_successor, redacted_text
from tests.clusters import HASH
from tests.command import Command

SECRET = "hunter2 is secret"  # noqa: S105

ANSWERS = [
    f'[global]\nroot-password = "{SECRET}"\n',
    f"[global]\nroot_password = '{SECRET}' # mine\n",
    f'[global]\n"root-password"="{SECRET}"\n',
    f'[global]\nroot-password = """\n{SECRET}"""\n',
    f"[global]\nroot-password = '''{SECRET}\n'''\n",
    f'[global]\n# root-password = "{SECRET}"\ncountry = "nl"\n',
    f'global = {{ country = "nl", root-password = "a \\" {SECRET}" }}\n',
    f'[global]\n"root\\u002dpassword" = "{SECRET}"\n',
    f'[global]\nroot-password-hashed = "{SECRET}"\n',
    f'[global]\nroot-password-hashed = "{HASH}"\n',
    f'[global]\nsubscription-key = "{SECRET}"\n',
    f'[global]\n[post-installation-webhook]\nauth-token = "{SECRET}"\n',
    f'[global]\n[post-installation-webhook]\nauth_token = ["{SECRET}"]\n',
]


@pytest.mark.parametrize("text", ANSWERS)
def test_inspect_shows_no_secret_of_any_answer(command: Command, text: str) -> None:
    Path("answer.toml").write_text(text)
    for arguments in (["answer.toml"], ["answer.toml", "--json"]):
        ran = command("inspect", *arguments)
        assert ran.status == 0
        assert SECRET not in ran.out
        assert HASH not in ran.out
        shown = command("inspect", "--show-secrets", *arguments).out
        assert SECRET in shown or HASH in shown or "#" in text


def test_a_bare_value_is_hidden() -> None:
    assert redacted_text("root-password = 12345678\n") == 'root-password = "(hidden)"\n'


def test_json_is_redacted_as_text() -> None:
    text = json.dumps({"password": SECRET, "name": "pve1"})
    assert json.loads(redacted_text(text)) == {"password": "(hidden)", "name": "pve1"}
    assert redacted({"root_password": SECRET}) == {"root_password": "(hidden)"}


def test_a_secret_that_is_not_there_stays_null() -> None:
    value: dict[str, object] = {"user": {"password_hash": None}, "root-password": None}
    assert redacted(value) == value
    text = json.dumps(value, indent=2)
    assert redacted_text(text) == text
    assert redacted_successor(text, text) == text
    assert redacted_text('{"password": "null"}') == '{"password": "(hidden)"}'


def test_what_only_speaks_of_secrets_stays() -> None:
    text = "# Keep it secret: it holds the hash of root's password.\nno-password-here = 1\n"
    assert redacted_text(text) == text


def test_a_change_is_told_without_either_secret() -> None:
    before, after = f'root-password = "{SECRET}"', 'root-password = "another one"'
    assert redacted_successor(before, before) == redacted_text(before) == 'root-password = "(hidden)"'
    assert redacted_successor(before, after) == 'root-password = "(hidden, and not the one before)"'
