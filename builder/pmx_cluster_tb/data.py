"""Where the files of debian-src/, answer-files/ and firstboot/ are: in a wheel or in a checkout."""

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


@cache
def data_folder(name: str) -> Path:
    """The folder `name` (`debian-src`, `answer-files` or `firstboot`) that belongs to this program.

    An installed wheel has it in `data/` beside this module; a checkout (an editable install) at its top.
    """
    shipped = _PACKAGE / "data" / name
    return shipped if shipped.is_dir() else _PACKAGE.parent.parent / name
