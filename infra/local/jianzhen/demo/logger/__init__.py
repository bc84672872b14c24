"""A data logger that speaks HJ 212 as devices do: uploads, answers host commands, recalls its past.

It is the demonstration's logger and the tests' opponent: `Tricks` make it misbehave. `line` has the socket,
`machine` the behaviour, `site` the frames of the demonstration city.
"""

from jianzhen.demo.logger.line import Logger
from jianzhen.demo.logger.machine import BEIJING, Machine
from jianzhen.demo.logger.site import HOURS, MINUTES, PASSWORD, device_time, machine_of, reading
from jianzhen.demo.logger.tricks import Tricks

__all__ = [
    "BEIJING",
    "HOURS",
    "MINUTES",
    "PASSWORD",
    "Logger",
    "Machine",
    "Tricks",
    "device_time",
    "machine_of",
    "reading",
]
