"""`python -m tests.roots`: make all roots, side by side, before the tests need them."""

from concurrent.futures import ProcessPoolExecutor

from tests.roots.recipe import RELEASES, recipe
from tests.roots.store import finished_root


def _make(release: str) -> str:
    with finished_root(recipe(release)) as folder:
        return str(folder)


def main() -> None:
    """Print the folder of each root."""
    with ProcessPoolExecutor() as pool:
        for folder in pool.map(_make, RELEASES):
            print(folder)


if __name__ == "__main__":
    main()
