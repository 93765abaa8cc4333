"""Lists of words that other software fixes, from the files in `words/`."""

from pathlib import Path

_FOLDER = Path(__file__).with_name("words")


def words(name: str) -> tuple[str, ...]:
    """The words of `words/<name>.txt`, one on each line that is no comment."""
    lines = (_FOLDER / f"{name}.txt").read_text("utf-8").splitlines()
    return tuple(line for line in lines if not line.startswith("#"))
