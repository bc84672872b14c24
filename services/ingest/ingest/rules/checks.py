"""How a remote check is asked of a data logger: which host command, with which parameters.

Source: HJ 212-2017 table 9 (3011 calibrate, 3012 sample now, 3014 comparison sampling), HJ 212-2025 (3024
standard sample; which calibration 3011 is to do). Leaves sending to the flows.
"""

COMMANDS: dict[str, tuple[str, dict[str, str]]] = {
    "zero": ("calibrate", {"CalibrationType": "0"}),
    "span": ("calibrate", {"CalibrationType": "1"}),
    "sample": ("sample-now", {}),
    "standard": ("check-standard", {}),
    "compare": ("sample-to-compare", {}),
}


def command_of(check: str, factor: str) -> tuple[str, dict[str, str]]:
    """The name of the host command and its parameters.

    Worked example: `command_of("zero", "a21026")` is `calibrate` with PolId a21026 and CalibrationType 0.
    """
    name, more = COMMANDS[check]
    return name, {"PolId": factor} | more
