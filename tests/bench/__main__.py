"""`python -m tests.bench NAME [--json]`."""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "builder"))

from tests.bench import build, firstboot
from tests.bench.report import as_json, lines

BENCHMARKS = {"build": build.benchmark, "firstboot": lambda rounds, _sizes: firstboot.benchmark(rounds)}


def main() -> None:
    """Runs a benchmark and prints what it found."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("name", choices=BENCHMARKS)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--rounds", type=int, default=build.ROUNDS, help="runs of each subject (default %(default)s)"
    )
    parser.add_argument(
        "--sizes",
        type=lambda text: tuple(map(int, text.split(","))),
        default=build.SIZES,
        help="of `build`: numbers of nodes, rising (default 3,25,250)",
    )
    arguments = parser.parse_args()
    groups = BENCHMARKS[arguments.name](arguments.rounds, arguments.sizes)
    if arguments.json:
        print(json.dumps(as_json(arguments.name, groups), indent=2))
    else:
        print("\n".join(lines(groups)), end="")


if __name__ == "__main__":
    main()
