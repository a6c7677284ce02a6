"""A suite of tests under trial: 2,000 trivial ones in this process, or some that wait in so many workers.

twisted_trial.py              the 2,000
twisted_trial.py JOBS         those that wait
"""

import io
import json
import os
import sys
import tempfile
import time

from twisted.scripts import trial


def run(name, *arguments):
    """Run a suite; return what one of its tests takes of this process's CPU time and of the clock."""
    config = trial.Options()
    config.parseOptions([*arguments, "--reporter", "text", name])
    runner = trial._makeRunner(config)
    runner.stream = io.StringIO()
    suite = trial._getSuite(config)
    count = suite.countTestCases()
    cpu, wall = time.process_time(), time.monotonic()
    result = runner.run(suite)
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    assert result.wasSuccessful() and result.testsRun == count > 0, result
    return {"cpu_us": cpu * 1e6 / count, "wall_us": wall * 1e6 / count}


def main(jobs=None):
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        if jobs is None:
            told = {"trial: 2,000 tests": run("suite_trivial")}
        else:
            told = {"trial: tests that wait": run("suite_waiting", "-j", jobs)}
        os.chdir("/")
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
