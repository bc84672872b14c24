"""Panels of a large file on every core of the machine, each in a process of its own.

Promises: answers in the order of the panels; no more panels in memory than are being judged. Leaves judging
to `qc.rules.offline.panels`.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from itertools import chain, islice
from multiprocessing import get_context
from multiprocessing.sharedctypes import Synchronized

from qc.rules.offline.panels import Heard, Said, Task, one_by_one

# How often a person is shown that something moves, seconds.
SHOWN = 0.5
# In a process of its own: where it counts the tests it has done.
_done: list["Synchronized[int]"] = []

Runs = Callable[[Task, Heard], Said]


def on_every_core(run: Runs, tasks: Iterable[Task], heard: Heard) -> Iterator[Said]:
    """What `run` says of every task, while `heard` is told how many tests are done; a single task, or a
    single core, is not worth another process.
    """
    left, cores = iter(tasks), len(os.sched_getaffinity(0))
    first = list(islice(left, 2))
    if cores < 2 or len(first) < 2:
        yield from one_by_one(run, chain(first, left), heard)
        return
    # Every core is busy with a panel of its own: threads of linear algebra would get in each other's way.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    waiting: deque[Future[Said]] = deque()
    # A copy of this process would hold the locks that its other threads hold now.
    context = get_context("spawn")
    done: Synchronized[int] = context.Value("q", 0)

    def answer() -> Said:
        while not wait([waiting[0]], SHOWN).done:
            heard(done.value)
        heard(done.value)
        return waiting.popleft().result()

    with ProcessPoolExecutor(cores, mp_context=context, initializer=_begin, initargs=(done,)) as pool:
        for task in chain(first, left):
            waiting.append(pool.submit(_counted, run, task))
            if len(waiting) > cores:
                yield answer()
        while waiting:
            yield answer()


def _begin(done: "Synchronized[int]") -> None:
    _done[:] = [done]


def _counted(run: Runs, task: Task) -> Said:
    return run(task, _one_more)


def _one_more(_: int) -> None:
    with _done[0].get_lock():
        _done[0].value += 1
