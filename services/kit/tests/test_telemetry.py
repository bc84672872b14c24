"""A process's stdout belongs to its data: what is logged goes to stderr."""

import json
import subprocess
import sys

LOGS = """
import structlog
from kit.telemetry import configure

configure("probe", level="INFO", endpoint=None, ratio=0)
structlog.get_logger().info("heard", count=1)
print("data")
"""


def test_logs_do_not_mix_with_data() -> None:
    done = subprocess.run([sys.executable, "-c", LOGS], capture_output=True, text=True, check=True)
    assert done.stdout == "data\n"
    line = json.loads(done.stderr)
    assert (line["event"], line["count"], line["level"]) == ("heard", 1, "info")
