"""`python -m tests.vm.standin [CODENAME...]` makes the stand-ins, and prints where each ISO is."""

import argparse

from tests.vm.standin.build import stand_in
from tests.vm.standin.product import PRODUCTS

parser = argparse.ArgumentParser(prog="python -m tests.vm.standin", description="make ISOs to test with")
parser.add_argument(
    "codename", nargs="*", help=f"of Debian's release: {' or '.join(PRODUCTS)}, all if not given"
)
given = parser.parse_args()
if unknown := set(given.codename) - set(PRODUCTS):
    parser.error(f"no stand-in is made of {', '.join(sorted(unknown))}: {' or '.join(PRODUCTS)}")
for codename in given.codename or PRODUCTS:
    print(stand_in(codename).iso)
