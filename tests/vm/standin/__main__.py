"""`python -m tests.vm.standin [CODENAME...]` makes the stand-ins, and prints where each ISO is."""

import sys

from tests.vm.standin.build import stand_in
from tests.vm.standin.product import PRODUCTS

for codename in sys.argv[1:] or PRODUCTS:
    print(stand_in(codename).iso)
