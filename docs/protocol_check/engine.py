"""Explores what several processes may do to one store.

A program is a generator. It yields one step at a time and is sent the step's answer. Each step is atomic, but for
`names`, which lists a folder as readdir(3) does: a name that is there throughout is told, one that comes or goes
meanwhile may be told or not.

Where a program stands is the list of answers that it was sent, so that it can be replayed and branched. All orders of the
steps of all actors are taken, breadth first, so that a trace is a shortest one. Besides, as often as the scenario allows:

- an actor dies, before any of its steps or before its answer reaches the one who asked;
- the answer to a step is lost: the step is done, and then done once more, at once or, where the scenario says so, later (NFS,
  or an SDK that retries);
- the clock goes on.

When every actor has ended or died, the clients repeat what died (and, apart from that, do not), and then the sweeps run.
"""

import itertools
from collections import namedtuple

from .steps import folder, listed, perform, play, subsets, text

# Scenarios.

# `again` is what the client sends where the answer was lost: the same program, but for a deposit, which draws a new nonce.
Actor = namedtuple("Actor", "name kind program again")


def actor(name, kind, program, again=None):
    return Actor(name, kind, program, again or program)


class Scenario:
    """Who does what to which files, what may go wrong, and what must hold."""

    def __init__(self, name, view, start, actors, recovery, promises, *, ends=(), crashes=0, lost=0, clock=0, ticks=0,
                 is_repeated_later=True, asks_first=True, short=None, is_fixed=False, breaks=None):
        self.name = name
        self.view = view                # the message as the files tell it
        self.start = start
        self.actors = actors
        self.recovery = recovery        # (name, program, whether it runs long after): when all have ended
        self.promises = promises        # (name, check): what must hold at every moment
        self.ends = ends                # (name, check): what must hold after the recovery
        self.crashes = crashes
        self.lost = lost
        self.clock = clock
        self.ticks = ticks
        self.is_repeated_later = is_repeated_later
        self.asks_first = asks_first    # a deposit asks who is forgotten before its commit
        self.is_fixed = is_fixed        # the long form allows no more than this
        self.short = short              # of a fixed one: what the short form allows instead; None: it leaves it out
        self.breaks = breaks            # of a negative control: the promise that must be broken


# What a check is given. `results` has, by actor, what it returned: None while it runs, CRASHED where it died.
Moment = namedtuple("Moment", "scenario files clock results intervals view")
CRASHED = ("crashed",)
Verdict = namedtuple("Verdict", "states ends violated")


# Where a program stands.


class Node:
    """A program and what it was answered so far. The same answers give the same node."""

    __slots__ = ("program", "answers", "step", "following", "strands")

    def __init__(self, program, answers=()):
        self.program, self.answers, self.following = program, answers, {}
        self.step = self._replay()
        self.strands = tuple(Node(part) for part in self.step[1]) if self.step[0] == "both" else ()

    def _replay(self):
        running = self.program()
        try:
            step = next(running)
            for answer in self.answers:
                step = running.send(answer)
            return step
        except StopIteration as end:
            return ("return", end.value)

    def after(self, answer):
        if answer not in self.following:
            self.following[answer] = Node(self.program, self.answers + (answer,))
        return self.following[answer]


def begun(node):
    """A strand at a node: with what it has seen of a folder so far, or with the strands that run within it."""
    if node.step[0] != "both":
        return (node, None)
    return joined(node, tuple(begun(part) for part in node.strands))


def joined(node, strands):
    """Strands that have all returned are the answer to the step that began them."""
    if all(strand[0].step[0] == "return" for strand in strands):
        return begun(node.after(tuple(strand[0].step[1] for strand in strands)))
    return (node, strands)


# The exploration.


class Table:
    """Gives each value a small number, so that states are compared and kept as numbers."""

    def __init__(self):
        self.values, self.numbers = [], {}

    def number(self, value, key=None):
        key = value if key is None else key
        if key not in self.numbers:
            self.numbers[key] = len(self.values)
            self.values.append(value)
        return self.numbers[key]


RUNNING, DIED = "running", "died"
# What one actor is: running at a strand, or ended. `seen`: what a listing could have shown since it began.
Local = namedtuple("Local", "status strand result seen")
Move = namedtuple("Move", "local files touched is_lost is_over step answer")
LONG_AFTER = 10**6


class Exploration:
    """All states of a scenario. A state is a tuple: files, budget, and one number for each actor."""

    def __init__(self, scenario):
        self.scenario = scenario
        self.files, self.locals, self.touches, self.budgets = Table(), Table(), Table(), Table()
        self.moves, self.touched, self.spent, self.judged = {}, {}, {}, set()
        self.died = self.locals.number(Local(DIED, None, CRASHED, None))
        self.outcomes, self.violated = {}, {}
        self.parents = {}
        self.ends = 0
        self.readers = [one.kind == "list" for one in scenario.actors]

    def run(self, stop_when=()):
        """Explores. Ends early once all promises of `stop_when` are broken."""
        start = self._start()
        self.parents[start] = None
        level = [start]
        while level:
            following = []
            for state in level:
                self._judge(state)
                for after, _, _ in self._successors(state):
                    if after not in self.parents:
                        self.parents[after] = state
                        following.append(after)
            if stop_when and all(name in self.violated for name in stop_when):
                break
            level = following
        return Verdict(len(self.parents), self.ends, {name: text for name, (text, _) in self.violated.items()})

    def _start(self):
        scenario = self.scenario
        files = self._number_of(dict(scenario.start))
        budget = self.budgets.number((scenario.clock, scenario.crashes, scenario.lost, scenario.ticks))
        locals_ = []
        for one, reads in zip(scenario.actors, self.readers, strict=True):
            seen = frozenset(scenario.view(scenario.start).glance) if reads else None
            locals_.append(self.locals.number(Local(RUNNING, begun(Node(one.program)), None, seen)))
        return (files, budget, *locals_)

    def _number_of(self, files):
        return self.files.number(files, frozenset(files.items()))

    def _spent(self, budget):
        """The clock, and the budgets after a crash, a lost answer, a tick of the clock; None: no more of these."""
        if budget not in self.spent:
            clock, crashes, lost, ticks = self.budgets.values[budget]
            number = self.budgets.number
            self.spent[budget] = (clock, number((clock, crashes - 1, lost, ticks)) if crashes else None,
                                  number((clock, crashes, lost - 1, ticks)) if lost else None,
                                  number((clock + 1, crashes, lost, ticks - 1)) if ticks else None)
        return self.spent[budget]

    def _successors(self, state):
        """Each state that may follow, with the place of the actor and its move."""
        files, budget = state[0], state[1]
        clock, crashed, repeated, ticked = self._spent(budget)
        for place in range(2, len(state)):
            key = (state[place], files, clock)
            moves = self.moves.get(key)
            if moves is None:
                moves = self.moves[key] = self._moves(*key)
            if not moves:
                continue
            before, behind = state[2:place], state[place + 1:]
            may_die = crashed is not None and not self.readers[place - 2]
            if may_die:
                yield (files, crashed, *before, self.died, *behind), place, None
            for move in moves:
                mine, after, touched, is_lost, is_over = move[:5]
                left = budget
                if is_lost:
                    if repeated is None:
                        continue
                    left = repeated
                if touched is None:
                    ahead, others = before, behind
                else:
                    mine = self._touch(mine, touched)
                    ahead = tuple([self._touch(other, touched) for other in before])
                    others = tuple([self._touch(other, touched) for other in behind])
                yield (after, left, *ahead, mine, *others), place, move
                if is_over and may_die:
                    # All is done, and whoever asked is not told.
                    yield (after, self._spent(left)[1], *ahead, self.died, *others), place, move
        if ticked is not None:
            yield (files, ticked, *state[2:]), None, None

    def _moves(self, number, files, clock):
        local = self.locals.values[number]
        if local.status != RUNNING:
            return []
        moves = []
        for strand, after, touched, is_lost, step, answer in self._steps(local.strand, self.files.values[files], clock):
            node = strand[0]
            if node.step[0] == "return":
                left = Local("ended", None, node.step[1], local.seen)
            else:
                left = Local(RUNNING, strand, None, local.seen)
            after = files if after is None else self._number_of(after)
            change = self.touches.number((touched, after)) if after != files else None
            moves.append(Move(self.locals.number(left), after, change, is_lost, left.status != RUNNING, step, answer))
        return moves

    def _steps(self, strand, files, clock):
        """What a strand may do next: itself after it, the files, what came and went, whether the answer was lost."""
        node, inner = strand
        step = node.step
        if step[0] == "return":
            return
        if step[0] == "both":
            for place, part in enumerate(inner):
                for after, *rest in self._steps(part, files, clock):
                    yield joined(node, inner[:place] + (after,) + inner[place + 1:]), *rest
        elif step[0] == "names" and inner is None:
            yield (node, (listed(files, step[1]), frozenset())), None, (), False, ("opendir", step[1]), None
        elif step[0] == "names":
            always, perhaps = inner
            for some in subsets(perhaps):
                answer = frozenset(path.split("/", 1)[1] for path in always | some)
                yield begun(node.after(answer)), None, (), False, step, sorted(answer)
        else:
            answer, after, touched = perform(files, step, clock)
            yield begun(node.after(answer)), after, touched, False, step, answer
            if after is not None and self.scenario.is_repeated_later:
                yield strand, after, touched, True, step, "lost"
            elif after is not None:
                again, once_more, touched_again = perform(after, step, clock)
                after = after if once_more is None else once_more
                yield begun(node.after(again)), after, touched + touched_again, True, step, f"lost, then {again}"

    def _touch(self, number, change):
        """An actor after somebody changed names: an open listing may tell them or not, a reader could have seen more."""
        key = (number, change)
        if key not in self.touched:
            touched, files = self.touches.values[change]
            local = self.locals.values[number]
            if local.status == RUNNING:
                strand = widened(local.strand, touched) if touched else local.strand
                seen = local.seen
                if seen is not None:
                    seen |= self.scenario.view(self.files.values[files]).glance
                    seen |= {("hold", sign) for sign, path in touched if folder(path) == "holds"}
                local = Local(RUNNING, strand, None, seen)
            self.touched[key] = self.locals.number(local)
        return self.touched[key]

    def _judge(self, state):
        clock = self._spent(state[1])[0]
        key = (state[0], clock, *[self._outcome(number) for number in state[2:]])
        if key in self.judged:
            return
        self.judged.add(key)
        locals_ = [self.locals.values[number] for number in state[2:]]
        scenario, files = self.scenario, self.files.values[state[0]]
        ended = list(zip([one.name for one in scenario.actors], locals_, strict=True))
        results, intervals = {name: local.result for name, local in ended}, {name: local.seen for name, local in ended}
        moment = Moment(scenario, files, clock, results, intervals, scenario.view(files))
        self._check(scenario.promises, moment, state, ())
        if all(local.status != RUNNING for local in locals_):
            self.ends += 1
            self._end(moment, state)

    def _outcome(self, number):
        """What a promise may know of an actor: nothing while it runs."""
        if number not in self.outcomes:
            self.outcomes[number] = -1 if self.locals.values[number].status == RUNNING else number
        return self.outcomes[number]

    def _end(self, moment, state):
        """What is left once the sweeps have run: with what died repeated by its client, and without."""
        scenario = self.scenario
        died = [one for one in scenario.actors if moment.results[one.name] == CRASHED]
        for repeated in [died, []] if died else [[]]:
            files, results, log = moment.files, dict(moment.results), []
            for one in repeated:
                files, results[one.name], steps = play(files, one.again, moment.clock)
                log += [(f"{one.name}, repeated", steps, results[one.name])]
            for name, program, is_late in scenario.recovery:
                files, returned, steps = play(files, program, LONG_AFTER if is_late else moment.clock)
                log += [(name, steps, returned)]
            after = Moment(scenario, files, LONG_AFTER, results, moment.intervals, scenario.view(files))
            self._check(scenario.ends, after, state, log)

    def _check(self, promises, moment, state, log):
        for name, check in promises:
            if name not in self.violated:
                text = check(moment)
                if text:
                    self.violated[name] = (text, (state, log))

    def trace(self, promise):
        """The steps that lead to where a promise is broken, as lines."""
        state, log = self.violated[promise][1]
        states = []
        while state is not None:
            states.append(state)
            state = self.parents[state]
        lines = [line for before, after in itertools.pairwise(reversed(states)) for line in [self._line(before, after)]]
        for name, steps, returned in log:
            lines += [f"then {name}: {text(step)} -> {answer}" for step, answer in steps]
            lines += [f"then {name} returns {returned}"]
        return lines

    def _line(self, before, after):
        for state, place, move in self._successors(before):
            if state != after:
                continue
            if place is None:
                return "the clock goes on"
            name = self.scenario.actors[place - 2].name
            result = self.locals.values[after[place]].result
            if move is None:
                return f"{name} dies"
            ended = "" if result is None else ", and its answer is lost" if result == CRASHED else f", returns {result}"
            return f"{name}: {text(move.step)} -> {move.answer}{ended}"
        raise LookupError("a state that follows from nothing")


def widened(strand, touched):
    """A strand whose open listings may tell what came or went."""
    node, inner = strand
    if node.step[0] == "both":
        return (node, tuple(widened(part, touched) for part in inner))
    if inner is None:
        return strand
    always, perhaps = inner
    for sign, path in touched:
        if folder(path) == node.step[1]:
            always = always - {path} if sign == "-" else always
            perhaps = perhaps | {path}
    return (node, (always, perhaps))
