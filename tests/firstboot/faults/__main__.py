"""`python -m tests.firstboot.faults [COUNT [SEED]]`: exit status 1 if a fault left anything behind."""

import sys
from contextlib import ExitStack
from time import time

from tests.firstboot.faults.catalogue import all_faults
from tests.firstboot.faults.trial import fresh_node, try_fault, undisturbed_tree
from tests.roots.recipe import RELEASES, recipe
from tests.roots.root import needs_root
from tests.roots.store import finished_root


def main(count: int, seed: int) -> int:
    """Tries `count` faults; the number of those that were not overcome."""
    needs_root()
    failures = 0
    with ExitStack() as stack:
        roots = {release: stack.enter_context(finished_root(recipe(release))) for release in RELEASES}
        trees = {release: undisturbed_tree(release, root) for release, root in roots.items()}
        for index, fault in enumerate(all_faults(count, seed)):
            release = RELEASES[index % len(RELEASES)]
            try:
                with fresh_node(release, roots[release]) as node:
                    try_fault(node, fault, trees[release])
                print(f"{release}: {fault.name}: overcome", flush=True)
            except AssertionError as error:
                failures += 1
                print(f"{release}: {fault.name}: FAILED\n{error}", flush=True)
    print(f"{count} faults tried with seed {seed}, {failures} not overcome")
    return failures


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    sys.exit(main(numbers[0] if numbers else 100, numbers[1] if numbers[1:] else int(time())) > 0)
