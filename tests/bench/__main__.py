"""`python -m tests.bench NAME [--json]`."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "builder"))

from tests.bench import build, firstboot, iso
from tests.bench.report import Group, as_json, lines

BENCHMARKS: dict[str, Callable[[int, tuple[int, ...]], tuple[Group, ...]]] = {
    "build": build.benchmark,
    "firstboot": lambda rounds, _sizes: firstboot.benchmark(rounds),
    "iso": lambda rounds, _sizes: iso.benchmark(rounds),
}
ROUNDS = {"build": build.ROUNDS, "firstboot": build.ROUNDS, "iso": iso.ROUNDS}


def main() -> None:
    """Runs a benchmark and prints what it found."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("name", choices=BENCHMARKS)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    defaults = ", ".join(f"{name} {rounds}" for name, rounds in ROUNDS.items())
    parser.add_argument("--rounds", type=int, help=f"runs of each subject (default: {defaults})")
    parser.add_argument(
        "--sizes",
        type=lambda text: tuple(map(int, text.split(","))),
        default=build.SIZES,
        help="of `build`: numbers of nodes, rising (default 3,25,250)",
    )
    arguments = parser.parse_args()
    rounds = arguments.rounds or ROUNDS[arguments.name]
    groups = BENCHMARKS[arguments.name](rounds, arguments.sizes)
    if arguments.json:
        print(json.dumps(as_json(arguments.name, groups), indent=2))
    else:
        print("\n".join(lines(groups)), end="")


if __name__ == "__main__":
    main()
