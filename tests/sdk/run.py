"""Runs the tests of this folder and ends with one line: `N passed, N failed, N skipped`."""

import pathlib
import sys
import unittest

here = globals().get("here", pathlib.Path(__file__).parent)  # another folder may run its tests with this file
patterns = sys.argv[1:] or ["test_*.py"]
suite = unittest.TestSuite(unittest.defaultTestLoader.discover(str(here), pattern=p) for p in patterns)
result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(suite)
failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
skipped = len(result.skipped)
passed = result.testsRun - skipped - len(result.failures) - len([e for e in result.errors if "." in e[0].id()])
print(f"{max(passed, 0)} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if failed else 0)
