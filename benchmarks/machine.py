"""What a machine is called, for those who read its timings."""

import pathlib
import platform


def processor() -> str:
    """Its model, as the system names it."""
    path = pathlib.Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())
