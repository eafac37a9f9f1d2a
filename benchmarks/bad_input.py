"""The bad-input corpus -> what became of each file: nothing but pictures and typed errors.

    python benchmarks/bad_input.py [--mutations 2000] [--seed 1] [--verify]

The files of scripts/make_bad_inputs.py go through `load_image`, with ``--verify`` through `Recognizer.verify` against
a good photo, in a process of their own that is watched from outside. Exit status 1, and a line for each, where a file
ends in anything but a picture or one of our errors, in another outcome than the corpus states, after more than two
seconds of processor time, not at all, or where anything is written to stderr.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).parents[1] / "scripts" / "make_bad_inputs.py"
INDEX = "index.json"
MOST_SECONDS = 2.0  # of processor time
PATIENCE_S = 30.0  # of waiting, on a busy machine, before a file counts as a hang
BYTES_PER_PIXEL = 17  # the worst kind, an animated WebP: two canvases, Pillow's picture, ours
MIB = 1024 * 1024


def loader(folder: Path, *, verify: bool) -> Callable[[Path], str]:
    """Return what is done with each file; it returns a word on how it went."""
    from twinlens.image import load_image  # noqa: PLC0415 - the worker alone needs it

    if not verify:
        return lambda path: f"{load_image(path).width} wide"
    from twinlens.recognizer import Recognizer  # noqa: PLC0415 - as above

    recognizer = Recognizer.default()
    good = load_image(folder / "baseline.jpg")
    recognizer.verify(good, good)
    return lambda path: f"score {recognizer.verify(good, path).score:.3f}"


def work(folder: Path, names: list[str], *, verify: bool) -> None:
    """Go through the files and print one JSON object for each."""
    from twinlens.errors import TwinlensError  # noqa: PLC0415 - as above

    act = loader(folder, verify=verify)
    idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name in names:
        start = time.process_time()
        try:
            says, outcome = act(folder / name), "Image"
        except TwinlensError as error:
            says, outcome = str(error), type(error).__name__
        except BaseException as error:  # whatever it is: this is what is looked for
            says, outcome = repr(error), "UNTYPED"
        seconds = time.process_time() - start
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - idle) // 1024
        print(json.dumps({"name": name, "outcome": outcome, "says": says, "s": seconds, "mib": grown}), flush=True)


def watched(folder: Path, names: list[str], *, verify: bool) -> Iterator[dict[str, Any]]:
    """Yield a result for each file, also where the process that worked on it died or hung."""
    while names:
        command = [sys.executable, str(Path(__file__).resolve()), "--worker", str(folder)]
        with tempfile.TemporaryFile() as chatter, tempfile.NamedTemporaryFile("w+") as listing:
            json.dump(names, listing)
            listing.flush()
            command += ["--listing", listing.name] + ["--verify"] * verify
            worker = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=chatter, text=True)
            assert worker.stdout is not None
            done = 0
            for result in _lines(worker):
                done += 1
                yield result
            chatter.seek(0)
            noise = chatter.read().decode(errors="replace").strip()
        if done < len(names):
            yield {
                "name": names[done],
                "outcome": f"DIED ({worker.returncode})",
                "says": noise[-500:],
                "s": 0,
                "mib": 0,
            }
            done += 1
        elif noise:
            yield {"name": "stderr", "outcome": "CHATTER", "says": noise[:500], "s": 0, "mib": 0}
        names = names[done:]


def _lines(worker: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    assert worker.stdout is not None
    while True:
        watch = threading.Timer(PATIENCE_S, worker.kill)
        watch.start()
        line = worker.stdout.readline()
        watch.cancel()
        if not line:
            worker.wait()
            return
        yield json.loads(line)


def complaints(result: dict[str, Any], wanted: dict[str, str], *, verify: bool) -> Iterator[str]:
    """Yield what is wrong with one result."""
    outcome, says = result["outcome"], result["says"]
    if outcome.isupper() or outcome.startswith("DIED"):
        yield f"{outcome}: {says}"
    elif wanted.get("outcome", "any") not in {"any", outcome} and not (verify and outcome == "NoFaceError"):
        yield f"{outcome}, wanted {wanted['outcome']}: {says}"
    elif wanted.get("says", "") not in says:
        yield f"a message with {wanted['says']!r} was wanted: {says}"
    elif outcome.endswith("Error") and outcome != "NoFaceError" and result["name"] not in says:
        yield f"the message does not name the picture: {says}"
    if result["s"] > MOST_SECONDS:
        yield f"{result['s']:.1f} s"


def examine(mutations: int, seed: int, *, verify: bool) -> int:
    """Make the corpus, go through it, print a summary; return the number of complaints."""
    from twinlens.image import ImageLimits  # noqa: PLC0415 - as above

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, str(SCRIPT), name, "--mutations", str(mutations), "--seed", str(seed)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        index: dict[str, dict[str, str]] = json.loads((folder / INDEX).read_text())
        results = list(watched(folder, list(index), verify=verify))
    found = 0
    for result in results:
        for complaint in complaints(result, index.get(result["name"], {}), verify=verify):
            found += 1
            print(f"{result['name']}: {complaint}")
    bound = (BYTES_PER_PIXEL * ImageLimits().max_pixels + ImageLimits().max_bytes) // MIB
    peak = max(result["mib"] for result in results)
    if peak > bound:
        found += 1
        print(f"memory grew by {peak} MiB, at most {bound} MiB were stated")
    slowest = max(results, key=lambda result: result["s"])
    outcomes = ", ".join(
        f"{count} {outcome}" for outcome, count in Counter(r["outcome"] for r in results).most_common()
    )
    print(f"{len(results)} files: {outcomes}")
    print(f"slowest {slowest['name']} {slowest['s']:.2f} s; memory grew by {peak} MiB (bound {bound} MiB)")
    print(f"{found} complaints")
    return found


def main() -> None:
    """Run as the watcher, or as the worker it starts."""
    parser = argparse.ArgumentParser(description="Feed the bad-input corpus to Twinlens.")
    parser.add_argument("--mutations", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verify", action="store_true", help="through Recognizer.verify instead of load_image")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--listing", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker, json.loads(options.listing.read_text()), verify=options.verify)
    else:
        sys.exit(1 if examine(options.mutations, options.seed, verify=options.verify) else 0)


if __name__ == "__main__":
    main()
