"""Negative controls: one rule is left out, and a promise must break. With the rule nothing of the same scenario may break.

Where several rules stand behind each other, so that one covers for another, all of them are left out, or the nets below (further
sweeps, tidying) are taken away: what is shown then is what the rule does by itself.
"""

from . import clouds
from .cast import CASE, OTHER_CASE, TRASH, Cast
from .engine import actor
from .promises import CLOSED as DECIDED
from .promises import KEPT, NEWEST, UNSCHEDULED
from .service import AN_HOUR

RECORDING = "a message has its recording"
NOTHING_LEFT = "nothing is left behind"
CLOSED = "a case is closed as it was decided"
UNDO = "an undo is kept"
UNDO_OF_CASE = "the undo of a case is kept"
CERTIFICATE = "a certificate is true"
LISTING = "a listing shows what was there"
EMPTY = "a new mailbox is empty"
# Neither sweeps of cases nor the last net.
BARE = {"cases": (), "is_tidied": False}


class Control:
    """`start` and `actors` are made by a cast: once with the rules, once without."""

    def __init__(self, letter, rules, breaks, start, actors, allowed):
        self.letter, self.rules, self.breaks = letter, rules, breaks
        self.start, self.actors, self.allowed = start, actors, allowed
        self.name = f"{letter} without: {' / '.join(rules)}"

    def scenario(self, is_left_out):
        cast = Cast(self.letter, *(self.rules if is_left_out else ()))
        breaks = self.breaks if is_left_out else None
        recovery = self.allowed.get("recovery")
        allowed = self.allowed | {"recovery": recovery(cast) if callable(recovery) else recovery}
        return cast.scenario(self.name, self.start(cast), self.actors(cast), breaks=breaks, **allowed)


def of(letters, rules, breaks, start, actors, **allowed):
    rules = (rules,) if isinstance(rules, str) else rules
    return [Control(letter, rules, breaks, start, actors, allowed) for letter in letters]


def controls():
    families = (of_deposits(), of_looks(), of_takings(), of_purges(), of_cases(), of_recordings())
    return [control for family in families for control in family]


# What stands at first, and who is at work.


def nothing(_cast):
    return {}


def live(*holds):
    return lambda cast: cast.live(*holds)


def pending(cast):
    return cast.pending()


def unheld(cast):
    """A message that its pending case has not come to."""
    return cast.live() | cast.pending()


def unmarked(cast):
    """An attempt whose process died before it wrote the caller's marker. Beside it a case that is due."""
    return {path: content for path, content in cast.cut_off().items() if path != "callers/a1"} | cast.pending()


def erasing(cast):
    return cast.erasing()


def taken(cast):
    return cast.taken()


def deposit(cast):
    return [cast.deposit()]


def deposit_and_case_sweep(cast):
    return [cast.deposit(), cast.sweep_case()]


def mailbox(cast):
    return [cast.deposit(), cast.delete_mailbox(), cast.make_mailbox()]


def sweep(cast):
    return [cast.sweep()]


def undo_and_sweep(cast):
    return [cast.undo(), cast.sweep()]


def case_sweep(cast):
    return [cast.sweep_case()]


def two_case_sweeps(cast):
    return [cast.sweep_case(), cast.sweep_case(name="other case sweep")]


def undo_and_case_sweep(cast):
    return [cast.undo_case(), cast.sweep_case()]


# The rules.


def of_deposits():
    return [
        *of("F", "the journal comes first", NOTHING_LEFT, nothing, deposit, crashes=1, **BARE),
        *of("DB", "an attempt has a journal", NOTHING_LEFT, nothing, deposit, crashes=1, **BARE),
        *of("FDB", "the journal goes last", NOTHING_LEFT, nothing, lambda cast: [cast.deposit(is_full=True)], crashes=1, **BARE),
        *of("FDB", "the marker comes before the commit", "a message is found by its caller", nothing, deposit, **BARE),
        *of("FDB", "an attempt is fenced before its message is read", RECORDING, nothing,
            lambda cast: [cast.deposit(), cast.sweep_attempts()]),
        *of("F", "a fence leaves a copy", NOTHING_LEFT, lambda cast: cast.cut_off(), lambda cast: [cast.sweep_attempts()],
            crashes=1, **BARE),
        *of("F", "a deposit asks who is forgotten", CERTIFICATE, pending, deposit_and_case_sweep, clock=1),
        *of("DB", "a deposit asks who is forgotten", CLOSED, lambda cast: cast.erased(), deposit, clock=1, cases=()),
        *of("DB", "whoever removes a journal asks who is forgotten", CLOSED, lambda cast: cast.erased(), deposit,
            clock=1, crashes=1, cases=()),
        *of("F", "a deposit looks at its mailbox again", EMPTY, lambda cast: cast.mailbox(), mailbox),
        *of("F", "a mailbox is made again once its deletion is finished", EMPTY, lambda cast: cast.mailbox(), mailbox, crashes=1),
    ]


def of_looks():
    return [
        *of("F", "a listing reads holds, claims, facts", LISTING, live(TRASH),
            lambda cast: [cast.sweep(), cast.listing()], clock=1),
        *of("F", "a page reads the marks before the facts", LISTING, erasing,
            lambda cast: [cast.sweep_case(), cast.listing("page")], clock=1),
    ]


def of_takings():
    return [
        *of("F", "a name is made once", "one has it", live(), lambda cast: [cast.take(), cast.take("carol")]),
        *of("F", "a taking is a name of its own", LISTING, taken, lambda cast: [cast.take_over(), cast.listing()]),
        *of("F", "a late taking is removed by its writer", NOTHING_LEFT, erasing, lambda cast: [cast.sweep_case(), cast.take_over()],
            clock=1, **BARE),
        *of("F", "a taking that is gone is looked for again", LISTING, erasing,
            lambda cast: [cast.sweep_case(), cast.take_over(), cast.listing("page")], clock=1),
        *of("F", "the first of a chain stays", "a taking is kept", lambda cast: cast.taken(number=3),
            lambda cast: [cast.tidy(), cast.take_over()], clock=AN_HOUR),
        *of("DB", "a give-back ends the taking that it found", "a give-back ends one taking", taken,
            lambda cast: [cast.give_back(), cast.take()], lost=1),
    ]


def of_purges():
    return [
        *of("FB", "the entry comes before its hold", NOTHING_LEFT, live(), lambda cast: [cast.delete()], crashes=1, **BARE),
        *of("F", "an undo looks at the claim", UNDO, live(TRASH), undo_and_sweep, clock=1),
        *of("F", "a claim renames the hold", UNDO, live(TRASH), undo_and_sweep, clock=1),
        *of("F", "the claim tells whether it is claimed", NOTHING_LEFT, live(TRASH), sweep, clock=1, lost=1, **BARE),
        *of("F", "a late mark is taken by its writer", NOTHING_LEFT, erasing, lambda cast: [cast.sweep_case(), cast.read()],
            clock=1, **BARE),
        *of("FDB", "a tombstone stays", "what was purged stays purged", live(TRASH),
            lambda cast: [cast.sweep(), cast.repeat()], clock=1),
        *of("F", "the recording goes before the tombstone", NOTHING_LEFT, live(TRASH), sweep, clock=1, crashes=1, **BARE),
        *of("FB", "the marker goes after the facts", CERTIFICATE, live(CASE), two_case_sweeps, clock=1),
        *of("D", "a claim for a case is due at once", CLOSED, lambda cast: cast.created_late(),
            lambda cast: [cast.sweep_attempts()], clock=1, recovery=lambda cast: cast.soon(), promises=(), ends=DECIDED),
        *of("D", "a tombstone is left in one transaction", NOTHING_LEFT, live(CASE), case_sweep, clock=1, crashes=1),
        *of("B", "an entry tells what is left before the claim", NOTHING_LEFT, live(TRASH), sweep, clock=1, crashes=1, **BARE),
    ]


def of_cases():
    both_due = [live(CASE, OTHER_CASE), lambda cast: [cast.sweep_case("1"), cast.sweep_case("2", "sweep of 2")]]
    again = ("a hold looks at its case again", "a pass looks at its case when it ends")
    return [
        *of("FDB", "an undo decides on the case", UNDO_OF_CASE, live(CASE), undo_and_case_sweep, clock=1),
        *of("FDB", "a case has one fate", UNDO_OF_CASE, live(CASE), undo_and_case_sweep, clock=1),
        *of("FDB", again, NOTHING_LEFT, unheld, undo_and_case_sweep, **BARE),
        *of("FDB", "a case waits for attempts that are under way", CERTIFICATE, unmarked, case_sweep, clock=1),
        *of("FDB", "a certificate follows the newest", CLOSED, *both_due, clock=1),
        *of("FDB", "the certificate comes before the case is closed", CLOSED, live(CASE), case_sweep, clock=1, crashes=1),
        *of("FDB", "the chain is finished first", CLOSED, live(CASE), case_sweep, clock=1, crashes=1),
    ]


def of_recordings():
    """Under the storage's own rule, which deletes what is scheduled for deletion."""
    a_day_later = [("lifecycle", clouds.lifecycle, True)]

    def schedule_and_cancel(cast):
        return [actor("schedule", "pass", lambda: cast.store.schedule_deletion("a1")),
                actor("cancel", "pass", lambda: cast.store.cancel_deletion("a1"))]

    return [
        *of("D", "a deletion is scheduled only for a recording that is there", CERTIFICATE, live(),
            lambda cast: [cast.forget(), cast.sweep_case()], ticks=1),
        *of("DB", "a deletion is cancelled before its message shows", UNSCHEDULED[0][0], live(CASE),
            lambda cast: [cast.undo_case()], promises=UNSCHEDULED),
        *of("DB", "a pass looks at its case when it ends", RECORDING, unheld, undo_and_case_sweep,
            promises=(), ends=KEPT, recovery=a_day_later),
        *of("B", "newer tags stay", NEWEST[0][0], live(CASE), schedule_and_cancel, promises=(), ends=NEWEST, recovery=()),
    ]
