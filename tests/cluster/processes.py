"""Commands that are started, watched and killed."""

import pathlib
import time

LIMIT = 600  # seconds


def descendants(pid):
    """Processes that a process has started, and those that they have, with their names."""
    parents = {}
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
            command = (status.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        parents[int(status.parent.name)] = int(lines["PPid"]), command
    found, level = {}, {pid}
    while level:
        level = {child for child, (parent, _) in parents.items() if parent in level}
        found.update({child: parents[child][1] for child in level})
    return found


def finish(process):
    said = process.communicate(timeout=LIMIT)[0]
    assert process.returncode == 0, said
    assert "Traceback" not in said
    return said


def wait_for(condition):
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
