"""The stand-in accepts and refuses the answers that the genuine installer does: `answers/` has the cases."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from tests.vm.standin.installer.answer import read_answer
from tests.vm.standin.installer.problem import Refused

_FOLDER = Path(__file__).with_name("answers")


def _cases() -> Iterator[Any]:
    for file in sorted(_FOLDER.glob("*.toml")):
        for case in tomllib.loads(file.read_text()).get("case", []):
            text = changed(case)
            for version in case.get("accepted", []):
                yield pytest.param(text, version, None, id=f"{file.stem}: {case['name']}: {version}")
            for version, why in case.get("refused", {}).items():
                yield pytest.param(text, version, why, id=f"{file.stem}: {case['name']}: {version}")


def changed(case: dict[str, Any]) -> str:
    """The base answer without the keys in `remove` and `replace`, and with those in `set`."""
    answer = tomllib.loads((_FOLDER / "base.toml").read_text())
    for path in (*case.get("remove", ()), *case.get("replace", ())):
        section, _, key = path.partition(".")
        del answer[section][key]
    merge(answer, case.get("set", {}))
    return tomli_w.dumps(answer)


def merge(table: dict[str, Any], changes: dict[str, Any]) -> None:
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(table.get(key), dict):
            merge(table[key], value)
        else:
            table[key] = value


@pytest.mark.parametrize(("text", "version", "why"), list(_cases()))
def test_answers_are_accepted_or_refused(text: str, version: str, why: str | None) -> None:
    if why is None:
        assert read_answer(text, version).keyboard == "en-us"
        return
    with pytest.raises(Refused) as caught:
        read_answer(text, version)
    assert why in str(caught.value)


def test_what_is_no_toml_is_refused() -> None:
    with pytest.raises(Refused, match="answer: "):
        read_answer("[global\n", "9.2.4")


def test_a_byte_order_mark_and_dos_lines_are_read() -> None:
    text = "\ufeff" + changed({}).replace("\n", "\r\n")
    assert read_answer(text, "9.2.4").fqdn == "pve1.example.org"


def test_a_password_is_not_shown() -> None:
    assert "horse" not in repr(read_answer(changed({}), "9.2.4"))
