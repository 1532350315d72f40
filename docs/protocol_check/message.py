"""What a message, a hold, a case and a mailbox are: the same on each storage.

There is one message, `m`, of one caller. Times are small numbers. A case is requested at 0 and covers what was received by
then. A hold is a name: `t.<deadline>` of the trash, `d.<deadline>` of a deleted mailbox, `c.<case>.<deadline>` of a case.
"""

from collections import namedtuple

# What came in, written once by the attempt that was committed. `generation`: of the mailbox that it was deposited into.
Facts = namedtuple("Facts", "attempt received generation")
TOMBSTONE = ("tombstone",)

# `by`: whose write it was, so that a writer whose answer was lost knows its own.
Case = namedtuple("Case", "version status by")
PENDING = ("hiding", "pending")
DECIDED = ("erasing", "erased")
OPENED = Case(1, "hiding", 0)
HELD = Case(1, "pending", 0)

# The record of a mailbox: whether it is there, since which version, and until when its last deletion holds messages.
Mailbox = namedtuple("Mailbox", "version is_there generation purge_at")


# Who is going to answer a message, and how often that changed: the number is odd while somebody has it. `back`: whose write the
# last give-back was, which DynamoDB keeps.
Taking = namedtuple("Taking", "number by back", defaults=[None])
UNTAKEN = Taking(0, None)


class Message(namedtuple("Message", "facts is_read holds is_claimed taking", defaults=[UNTAKEN])):
    """A message as it stands. Its rules are those of `domain::Message`."""

    __slots__ = ()

    @property
    def shown(self):
        """The folder that shows it; None where it is hidden or being purged."""
        if self.is_claimed or any(hold[0] != "t" for hold in self.holds):
            return None
        return "trash" if self.holds else "old" if self.is_read else "new"

    @property
    def is_visible(self):
        return self.shown in ("new", "old")

    @property
    def glance(self):
        """What a listing may show of it now: where it is, and whether it is read."""
        where = "visible" if self.is_visible else self.shown
        return {("shown", where), ("read", self.is_read), ("taking", self.taking.number)}

    @property
    def is_live(self):
        return not self.is_claimed

    @property
    def is_gone(self):
        return self.is_claimed

    def can_take(self, hold):
        return self.shown is not None if hold[0] == "t" else not self.is_claimed

    def with_hold(self, hold):
        """A second hold of the trash, of the mailbox or of one case changes nothing: deadlines never move."""
        if any(like(there) == like(hold) for there in self.holds):
            return self
        return self._replace(holds=self.holds | {hold})

    def without(self, which):
        """Without the trash's holds (`t`), or without those of a case (`c.<case>`)."""
        return self._replace(holds=frozenset(hold for hold in self.holds if like(hold) != which))

    def take(self, by, over):
        """The message after it, and what is answered: it is theirs, since which number, or another has it."""
        number, holder, _ = self.taking
        if not self.is_visible:
            return self, "missing"
        if holder == by:
            return self, ("taken", number)
        if holder is not None and not over:
            return self, "another"
        number += 1 if holder is None else 2
        return self._replace(taking=self.taking._replace(number=number, by=by)), ("taken", number)

    def give_back(self, number):
        """Without the taking of this number, if it is not over."""
        if not self.is_visible or self.taking.by is None or self.taking.number != number:
            return self
        return self._replace(taking=self.taking._replace(number=number + 1, by=None))

    def of(self, attempt):
        return self.facts.attempt == attempt


class Nothing:
    """No message: none yet, or only what is left of one."""

    shown, is_visible, is_live, is_read, is_claimed, holds, facts = None, False, False, False, False, frozenset(), None
    taking = UNTAKEN
    glance = {("shown", None)}

    def __init__(self, is_gone):
        self.is_gone = is_gone

    def of(self, _attempt):
        return False


NOTHING, GONE = Nothing(False), Nothing(True)


def like(hold):
    """What a hold is of."""
    return hold.rsplit(".", 1)[0]


def deadline(hold):
    return int(hold.rsplit(".", 1)[1])


def case_hold(case):
    return f"c.{case}.9"


def case_of(hold):
    return hold.split(".")[1]


def covers(facts):
    """Whether a case has it in its scope."""
    return facts.received <= 0
