#!/usr/bin/env python3
"""Checks the steps of `protocol.md`: takes every order of the steps of two or three processes on one message, with crashes, lost
answers and listings that overlap with changes, and looks whether the promises hold.

    docs/protocol_check.py          the short form, within a minute: fewer crashes and lost answers, without the largest scenario
    docs/protocol_check.py long     all of it, some minutes
    docs/protocol_check.py F4 D     those whose names begin so
    -v                              with the trace to each promise that breaks, a shortest one

Every scenario must hold. Every negative control, which leaves one rule out, must break the promise that it names, while the same
scenario with the rule holds; every simpler order must break its promise. Gaps are what the code does not hold today: one that is
closed belongs among the scenarios. If one of these is not so, the exit status is 1.

In `protocol_check/`, `engine.py` explores the steps of `steps.py`. `message.py`, `service.py`, `files.py`,
`files_takings.py`, `files_tidy.py`, `clouds.py`, `dynamo.py` and `blobs.py` are what the code does. `promises.py` is what must hold.
`cast.py`, `scenarios.py`, `controls.py` and `simpler.py` are who does what. It needs Python 3.10 and nothing else.
"""

import multiprocessing
import sys
import time

sys.dont_write_bytecode = True  # nothing is left beside the documents

from protocol_check.controls import controls  # noqa: E402
from protocol_check.engine import Exploration  # noqa: E402
from protocol_check.scenarios import gaps, scenarios  # noqa: E402
from protocol_check.simpler import orders  # noqa: E402

PROCESSES = 2
EXPECTED = {"holds": "holds", "breaks": "breaks, as it must", "gap": "gap"}
# What the processes share: they are forks, as programs cannot be sent to another process.
TASKS, IS_VERBOSE = [], [False]


class Task:
    """A scenario; or of a control two, without its rule and with it. `group`: what is expected of it."""

    def __init__(self, group, name, scenarios, is_heavy=False):
        self.group, self.name, self.scenarios, self.is_heavy = group, name, scenarios, is_heavy


def sized(scenario, is_long):
    """A scenario as the form allows it; None: the short form leaves it out."""
    if is_long and not scenario.is_fixed:
        scenario.crashes, scenario.lost = max(scenario.crashes, 2), max(scenario.lost, 1)
    if not is_long and scenario.is_fixed:
        if scenario.short is None:
            return None
        vars(scenario).update(scenario.short)
    return scenario


def tasks(is_long):
    allowed = [sized(scenario, is_long) for scenario in scenarios()]
    found = [Task("holds", one.name, [one], one.is_fixed) for one in allowed if one is not None]
    found += [Task("breaks", one.name, [one.scenario(is_left_out=True), one.scenario(is_left_out=False)]) for one in controls()]
    found += [Task("breaks", one.name, [one]) for one in orders()]
    return found + [Task("gap", one.name, [one]) for one in gaps()]


def explored(scenario, is_verbose):
    """Whether it is as it must be, how much there was, and what breaks."""
    started, exploration = time.monotonic(), Exploration(scenario)
    verdict = exploration.run(stop_when=[scenario.breaks] if scenario.breaks else [])
    size = f"{verdict.states} states, {time.monotonic() - started:.1f} s"
    if scenario.breaks and scenario.breaks not in verdict.violated:
        return False, size, [f"        NOT BROKEN: {scenario.breaks}"]
    lines = []
    for promise in [scenario.breaks] if scenario.breaks else verdict.violated:
        lines.append(f"        broken: {promise}: {verdict.violated[promise]}")
        if is_verbose:
            lines += [f"            {line}" for line in exploration.trace(promise)]
    return bool(scenario.breaks) or not lines, size, lines


def run(place):
    """Whether a task is as it must be, and what there is to tell."""
    task, is_verbose = TASKS[place], IS_VERBOSE[0]
    all_right, sizes, all_lines = zip(*[explored(scenario, is_verbose) for scenario in task.scenarios], strict=True)
    is_right = all(all_right)
    told = f"{EXPECTED[task.group] if is_right else 'WRONG':<20}{task.name}  ({'; '.join(sizes)})"
    return is_right, [told] + ([line for lines in all_lines for line in lines] if is_verbose or not is_right else [])


def run_all():
    """How many tasks of each group are as they must be. Tells of each, in their order; large ones are begun first."""
    right = dict.fromkeys(EXPECTED, 0)
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        heavy_first = sorted(range(len(TASKS)), key=lambda place: not TASKS[place].is_heavy)
        running = {place: pool.apply_async(run, [place]) for place in heavy_first}
        for place, task in enumerate(TASKS):
            is_right, lines = running[place].get()
            right[task.group] += is_right
            print("\n".join(lines), flush=True)
    return right


def main(arguments):
    started = time.monotonic()
    IS_VERBOSE[0] = "-v" in arguments
    form = "long" if "long" in arguments else "short"
    chosen = tuple(word for word in arguments if word not in ("short", "long", "-v"))
    TASKS.extend(task for task in tasks(form == "long") if not chosen or task.name.startswith(chosen))
    right, of = run_all(), {group: sum(task.group == group for task in TASKS) for group in EXPECTED}
    print(f"{form}: {right['holds']} of {of['holds']} scenarios hold, {right['breaks']} of {of['breaks']} controls break, "
          f"{right['gap']} of {of['gap']} gaps are open, {time.monotonic() - started:.0f} s")
    return 0 if TASKS and right == of else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
