"""How quickly directories of manifests are judged, against Checkov and against a bare loop of the same expressions.

    python -m benchmarks.evaluate [--resources 2000] [--checkov PATH]

Checkov runs on the same directory in the same run, in an environment of its own (made under .local/checkov when
--checkov names none). CPU seconds are the operating system's accounting of each finished process, user and system.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.corpus import write_corpus
from plumbline.evaluation import Evaluator
from plumbline.library import library_policies
from plumbline.manifests import load
from plumbline.resources import Resource

ROOT = Path(__file__).resolve().parent.parent
CHECKOV_VERSION = "3.3.30"


@dataclass(frozen=True)
class Run:
    """One finished process: CPU and wall in seconds, peak resident memory in MiB, what it printed."""

    cpu: float
    wall: float
    peak: float
    output: str


def run(command: list[str]) -> Run:
    """Run `command` to its end, whatever its exit code; its standard output is kept."""
    with tempfile.TemporaryFile("w+") as out:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL, cwd=ROOT)
        _, _, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        out.seek(0)
        return Run(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, out.read())


def scan(directory: Path) -> tuple[int, Run]:
    """Checks made and the process of `plumbline scan` with the whole library."""
    finished = run(
        [
            sys.executable,
            "-c",
            "from plumbline.cli import main; raise SystemExit(main())",
            "scan",
            str(directory),
            "--format",
            "json",
        ]
    )
    return json.loads(finished.output)["summary"]["checks"], finished


def checkov(program: Path, directory: Path) -> tuple[int, Run]:
    """Checks made and the process of Checkov's Kubernetes framework."""
    finished = run(
        [
            str(program),
            "-d",
            str(directory),
            "--framework",
            "kubernetes",
            "-o",
            "json",
            "--quiet",
            "--compact",
        ]
    )
    summary = json.loads(finished.output)["summary"]
    return summary["passed"] + summary["failed"], finished


def checkov_program() -> Path:
    """Checkov in an environment of its own, installed on first use."""
    home = ROOT / ".local" / "checkov"
    program = home / "bin" / "checkov"
    if not program.exists():
        print("Installing Checkov into .local/checkov …", file=sys.stderr)
        venv.create(home, with_pip=True)
        subprocess.run([str(home / "bin" / "pip"), "install", "-q", f"checkov=={CHECKOV_VERSION}"], check=True)
    return program


def cpu_of(work: Callable[[], object], repeat: int = 5) -> float:
    """Median CPU seconds of `work` in this process."""
    times = []
    for _ in range(repeat):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return statistics.median(times)


def against_bare_loop(directory: Path) -> float:
    """Speed of the evaluator as a share of a bare loop over the same compiled expressions and activations.

    The bare loop evaluates each check on its element by itself, on values that the engine has converted before, related
    objects among them. The evaluator converts them anew, finds related objects, builds paths, messages and fixes, and
    begins each round without remembering a verdict.
    """
    resources = [item for item in load([str(directory)]) if isinstance(item, Resource)]
    evaluator = Evaluator(library_policies())
    evaluator.survey(resources)
    pairs = [pair for resource in resources for pair in evaluator.programs(resource)]

    def bare() -> None:
        for program, activation in pairs:
            program.evaluate(activation)

    def judged() -> None:
        evaluator.forget()
        evaluator.survey(resources)
        for resource in resources:
            evaluator.judge(resource)

    bare()
    judged()
    return cpu_of(bare) / cpu_of(judged)


def first_result() -> float:
    """Wall seconds from start to the result of one small file."""
    with tempfile.TemporaryDirectory() as name:
        write_corpus(Path(name), 1)
        return statistics.median(scan(Path(name))[1].wall for _ in range(5))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resources", type=int, default=2000)
    parser.add_argument("--checkov", type=Path, help="a Checkov executable; installed when not given")
    arguments = parser.parse_args()
    program = arguments.checkov or checkov_program()
    compileall.compile_dir(ROOT / "plumbline", quiet=1)  # as pip does when it installs a package
    with tempfile.TemporaryDirectory() as name:
        small, large = Path(name) / "small", Path(name) / "large"
        count = write_corpus(small, arguments.resources)
        write_corpus(large, 4 * count)
        ours = [scan(small) for _ in range(3)]
        checks, median = ours[0][0], sorted((one for _, one in ours), key=lambda one: one.cpu)[1]
        four = scan(large)[1]
        theirs_checks, theirs = checkov(program, small)
        figures = {
            "resources": count,
            "checks": checks,
            "checks_per_cpu_second": round(checks / median.cpu),
            "checkov_checks": theirs_checks,
            "checkov_checks_per_cpu_second": round(theirs_checks / theirs.cpu),
            "ratio_to_checkov": round((checks / median.cpu) / (theirs_checks / theirs.cpu), 1),
            "ratio_to_bare_loop": round(against_bare_loop(small), 2),
            "cpu_seconds": round(median.cpu, 2),
            "peak_mib": round(four.peak),
            "start_to_first_result_seconds": round(first_result(), 2),
            "growth_for_four_times_the_files": round(four.cpu / median.cpu, 2),
        }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
