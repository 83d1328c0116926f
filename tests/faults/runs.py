"""How long the tests look for what only chance finds: a little in `make test`, much longer in `make test-faults`."""

import os

RUNS = int(os.environ.get("FAULT_RUNS", "3"))  # kills; what comes by rounds or examples goes with it
IS_LONG = RUNS >= 10
