"""Runs the tests of this folder as `tests/sdk/run.py` runs its own."""

import pathlib
import runpy
import sys

here = pathlib.Path(__file__).resolve().parent
sdk = here.parent / "sdk"
sys.path[:0] = [str(here), str(sdk)]
runpy.run_path(str(sdk / "run.py"), init_globals={"here": here}, run_name="__main__")
