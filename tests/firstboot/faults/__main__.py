"""`python -m tests.firstboot.faults [COUNT [SEED]]`: exit status 1 if a fault left anything behind."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, time

from tests.firstboot.faults.catalogue import all_faults
from tests.firstboot.faults.fault import Fault
from tests.firstboot.faults.trial import Undisturbed, fresh_node, try_fault, undisturbed
from tests.roots.recipe import RELEASES, recipe
from tests.roots.root import needs_root
from tests.roots.store import finished_root


def main(count: int, seed: int) -> int:
    """Tries `count` faults; the number of those that were not overcome."""
    needs_root()
    faults = all_faults(count, seed)
    with ThreadPoolExecutor(len(RELEASES)) as pool:
        # another seed tries on one release what this one tries on the other
        parts = [
            (one, faults[(index + seed) % len(RELEASES) :: len(RELEASES)])
            for index, one in enumerate(RELEASES)
        ]
        failed = [fault for part in pool.map(lambda part: [*_failed(*part)], parts) for fault in part]
    tried, lost = (Counter(fault.kind for fault in some) for some in (faults, failed))
    for kind, number in sorted(tried.items()):
        print(f"{kind}: {number} tried, {lost[kind]} not overcome")
    print(f"{len(faults)} faults tried with seed {seed}, {len(failed)} not overcome")
    return len(failed)


def _failed(release: str, faults: Sequence[Fault]) -> Iterator[Fault]:
    with finished_root(recipe(release)) as root:
        reference = undisturbed(release, root)
        for fault in faults:
            start = monotonic()
            try:
                how = _overcome(release, root, fault, reference)
            except AssertionError as error:
                how = f"FAILED\n{error}"
                yield fault
            print(f"{release}: {fault.kind}: {fault.name}: {how} [{monotonic() - start:.1f} s]", flush=True)


def _overcome(release: str, root: Path, fault: Fault, reference: Undisturbed) -> str:
    with fresh_node(release, root, slow=fault.slow) as node:
        happened = try_fault(node, fault, reference)
    return f"overcome ({happened})" if happened else "overcome"


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    sys.exit(main(numbers[0] if numbers else 100, numbers[1] if numbers[1:] else int(time())) > 0)
