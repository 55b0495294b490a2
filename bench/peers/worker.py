"""What the peers share: the shapes, the flags, and the line protocol that `ocelli bench` speaks.

A peer builds its model, compiles, runs two steps unmeasured and prints
    {"ready": true, "params": N, "startup_s": S, "versions": {...}, "how": "..."}
where startup_s runs from the start of the process to the first step's dispatch. Then
    run   performs one step and prints  {"ms": M}
    stop  prints  {"peak_rss_mb": R}  and ends, as does the end of the input.
"""

import argparse
import json
import os
import platform
import re
import sys
import time
from typing import Callable, NamedTuple

CLASSES = 1000
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 1e-4  # of kernels only: p -= LEARNING_RATE * (update + WEIGHT_DECAY * p)

VARIANTS = {  # width, depth, hidden width of the MLP, heads: as in big_vision
    "mu": (32, 1, 128, 2),
    "ti": (192, 12, 768, 3),
    "s": (384, 12, 1536, 6),
    "b": (768, 12, 3072, 12),
    "l": (1024, 24, 4096, 16),
}


class Shape(NamedTuple):
    width: int
    depth: int
    hidden: int
    heads: int
    patch: int
    size: int

    @property
    def tokens(self) -> int:
        return (self.size // self.patch) ** 2


def parse_vit(name: str) -> tuple[int, int, int, int, int]:
    match = re.fullmatch(rf"vit-({'|'.join(VARIANTS)})(\d+)", name)
    if not match:
        valid = f"vit-{{{','.join(VARIANTS)}}}PATCH, such as vit-s16"
        raise argparse.ArgumentTypeError(f'"{name}"; valid: {valid}')
    return (*VARIANTS[match[1]], int(match[2]))


def parse_args(
    doc: str, parse_model: Callable = parse_vit, **choices: list[str]
) -> argparse.Namespace:
    """The flags of a peer; each further choice's first value is its default."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=doc, formatter_class=raw)
    parser.add_argument("--model", type=parse_model, required=True)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--work", choices=["step", "forward"], default="step")
    parser.add_argument("--threads", type=int, default=2)
    for name, values in choices.items():
        parser.add_argument(f"--{name}", choices=values, default=values[0])
    args = parser.parse_args()
    if parse_model is not parse_vit:
        return args
    args.shape = Shape(*args.model, args.size)
    if args.size % args.shape.patch:
        parser.error(f"--size {args.size} is no multiple of the patch size {args.shape.patch}")
    return args


def seconds_since_start() -> float:
    """Seconds since this process began, the interpreter's own start included."""
    with open("/proc/self/stat") as stat:
        ticks = int(stat.read().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def peak_rss_mb() -> float:
    # Not getrusage: its maximum is inherited from the process that spawned this one.
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]) / 1024


def serve(step: Callable[[], None], params: int, versions: dict[str, str], how: str) -> None:
    """Answers `run` and `stop`; `step` must return only when its work is done."""
    startup = seconds_since_start()
    step()
    step()
    versions = {"python": platform.python_version(), **versions}
    say(ready=True, params=params, startup_s=round(startup, 3), versions=versions, how=how)
    for line in sys.stdin:
        if line.strip() == "stop":
            break
        if line.strip() != "run":
            sys.exit(f'unknown line "{line.strip()}"; valid: run, stop')
        start = time.perf_counter()
        step()
        say(ms=round((time.perf_counter() - start) * 1e3, 3))
    say(peak_rss_mb=round(peak_rss_mb(), 1))


def say(**values) -> None:
    print(json.dumps(values), flush=True)
