"""Makers of text kinds: by pattern, by enumeration, by list of known words."""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TypeVar

from pmx_cluster_tb.model.kinds import Text
from pmx_cluster_tb.model.report import Refusal, listed, nearest

E = TypeVar("E", bound=StrEnum)


def matching(pattern: str, wanted: str, rule: str) -> Text[str]:
    """Text that `pattern` matches as a whole; `rule` says in words what the pattern does."""

    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise Refusal(rule)
        return text

    return Text(parse, wanted, {"pattern": f"^{pattern}$"})


def one_of(enumeration: type[E], wanted: str, meant: Mapping[str, E] | None = None) -> Text[E]:
    """Text that is a value of `enumeration`; `meant` knows what people write instead, in lower case."""

    def parse(text: str) -> E:
        try:
            return enumeration(text)
        except ValueError:
            known = (meant or {}).get(text.lower())
            hint = f"did you mean `{known}`?" if known else did_you_mean(text, enumeration)
            raise Refusal(f"must be {listed(enumeration, 'or')}", hint) from None

    return Text(
        parse, f"{wanted}: {listed(enumeration, 'or')}", {"enum": [str(value) for value in enumeration]}
    )


def known_word(words: Iterable[str], wanted: str, rule: str, meant: dict[str, str]) -> Text[str]:
    """Text that is one of many `words`; `meant` knows what people write instead."""
    known = frozenset(words)

    def parse(text: str) -> str:
        if text in known:
            return text
        hint = f"did you mean `{meant[text]}`?" if text in meant else did_you_mean(text, known)
        raise Refusal(rule, hint)

    return Text(parse, wanted, {"enum": sorted(known)})


def did_you_mean(text: str, words: Iterable[str]) -> str:
    """A question about the nearest of `words`, or nothing."""
    by_lower_case = {word.lower(): word for word in sorted(words)}
    near = nearest(text.lower(), by_lower_case)
    return f"did you mean `{by_lower_case[near]}`?" if near else ""
