"""The file system: `shared/storage/src/fs`.

A version chain (cases, mailboxes, certificates) is one step: names are only added to it, so what a listing finds as the newest
was the newest at one moment of the listing. `chain_writer` takes it apart. Urgent hints are as markers are, and left out. Who has
taken a message is looked at by those steps alone that need it.

    messages/m                  facts, later a tombstone; never renamed
    marks/r                     read
    marks/w<n>                  taken, or given back: the highest counts
    holds/t.<deadline>          of the trash           (d.<deadline>: with its mailbox; c.<case>.<deadline>: of a case)
    purging/m                   the claim; stays until the tombstone goes
    arriving/<a>  dead/<a>      the journal of an attempt, which becomes the message by a second name; its copy once fenced
    callers/<a>                 the caller's marker, empty
    audio/<a>                   the recording
    due/t.<deadline>            content: whose recording
"""

from .files_takings import Takings, numbers, taking_in
from .files_tidy import CLAIM, READ, ROW, Tidying, is_of
from .message import DECIDED, GONE, NOTHING, PENDING, TOMBSTONE, UNTAKEN, Message, Taking, case_hold, case_of, covers
from .service import MAILBOX
from .steps import both, create, has, link, names, place, put, read, rename, single, take


class Files(Takings, Tidying):
    """The calls of `Metadata` and `Recordings`, as `fs` does them."""

    def __init__(self, *left_out):
        self.left_out = left_out

    def keeps(self, rule):
        return rule not in self.left_out

    @staticmethod
    def audio(attempt):
        return f"audio/{attempt}"

    @staticmethod
    def note(path):
        return place(path)

    # deposits.rs

    def arrive(self, facts):
        journal = f"arriving/{facts.attempt}"
        if (yield read(ROW)) is not None:
            if (yield has(journal)):
                yield from self.withdraw(facts.attempt)
            return (yield from self.look())
        if self.keeps("the journal comes first"):
            yield place(journal, facts)
        before = [place(self.audio(facts.attempt))]
        if self.keeps("the marker comes before the commit"):
            before.append(place(f"callers/{facts.attempt}"))
        yield both(*map(single, before))
        if not self.keeps("the journal comes first"):
            yield place(journal, facts)
        return None

    def insert(self, facts):
        """The commit. Who is forgotten is asked before it."""
        pending = []
        if self.keeps("a deposit asks who is forgotten"):
            for case in sorted((yield names("forgets"))):
                there = yield read(f"case/{case}")
                if there is None or not covers(facts):
                    continue
                if there.status in DECIDED:
                    return "forgotten", None
                if there.status in PENDING:
                    pending.append(case)
        if (yield link(f"arriving/{facts.attempt}", ROW)) != "done":
            row = yield read(ROW)
            if row is None:
                return "fenced", None
            if not is_of(row, facts.attempt):
                return "taken", (yield from self.look())
        return (yield from self.after_commit(facts, pending))

    def after_commit(self, facts, pending):
        """Puts on the holds that a new message needs: of pending cases, and of a mailbox that was deleted meanwhile."""
        if not self.keeps("the marker comes before the commit"):
            yield place(f"callers/{facts.attempt}")
        for case in pending:
            yield from self.hold_for_case(case_hold(case))
        deleted_until = yield from self.deleted_until(facts.generation)
        if deleted_until is not None:
            yield from self.hold(f"d.{deleted_until}")
        yield take(f"arriving/{facts.attempt}")
        if not pending and deleted_until is None:
            return "created", Message(facts, False, frozenset(), False)
        found = yield from self.look()
        return ("created" if found.facts else "taken"), found

    def deleted_until(self, generation):
        """Until when messages of this generation of the mailbox are held, if it was deleted."""
        if not self.keeps("a deposit looks at its mailbox again"):
            return None
        mailbox = yield read(MAILBOX)
        is_over = mailbox is not None and (not mailbox.is_there or generation < mailbox.generation)
        return mailbox.purge_at if is_over else None

    def withdraw(self, attempt):
        """Takes an attempt back. Its journal goes last."""
        if not self.keeps("the journal goes last"):
            yield take(f"arriving/{attempt}")
        if not is_of((yield read(ROW)), attempt):
            yield take(f"callers/{attempt}")
        yield take(f"arriving/{attempt}")
        yield take(f"dead/{attempt}")

    def arriving(self):
        """Lists attempts that are under way, then fenced ones: a copy is made before its journal goes."""
        attempts = set()
        for folder in ("arriving", "dead"):
            for attempt in sorted((yield names(folder))):
                if (yield has(f"{folder}/{attempt}")):
                    attempts.add(attempt)
        return sorted(attempts)

    def fence(self, attempt):
        """Copies and removes the journal, rather than renames it: a journal without a name can get none."""
        journal = yield read(f"arriving/{attempt}")
        if journal is not None and self.keeps("a fence leaves a copy"):
            yield place(f"dead/{attempt}", journal)
        if self.keeps("an attempt is fenced before its message is read"):
            yield take(f"arriving/{attempt}")
        if not is_of((yield read(ROW)), attempt):
            return "never"
        yield take(f"arriving/{attempt}")
        yield take(f"dead/{attempt}")
        return "created"

    # look.rs

    def look(self):
        """Reads holds first, then the claim, then the facts."""
        holds = yield names("holds")
        is_claimed = yield has(CLAIM)
        row = yield read(ROW)
        if row is None or row == TOMBSTONE:
            return NOTHING if row is None else GONE
        return Message(row, (yield has(READ)), holds, is_claimed)

    def message(self):
        return self.look()

    def message_of(self, marker):
        found = yield from self.look()
        return found if found.of(marker.attempt) and found.is_live else None

    def listed(self):
        """Answers the holds of what is listed; None: it is not. Things move from holds to claims, facts go before the claim."""
        folders = ["holds", "purging", "messages"]
        if not self.keeps("a listing reads holds, claims, facts"):
            folders.reverse()
        found = {}
        for folder in folders:
            found[folder] = yield names(folder)
        return found["holds"] if found["messages"] and not found["purging"] else None

    def counts(self):
        """By names alone."""
        marks = yield names("marks")
        holds = yield from self.listed()
        if holds is None:
            return None
        taking = UNTAKEN._replace(number=max(numbers(marks), default=0))
        return Message(None, "r" in marks, holds, False, taking)

    def page(self):
        """By names, then the marks and the facts of each message."""
        holds = yield from self.listed()
        if holds is None or any(hold[0] != "t" for hold in holds):
            return None
        is_read, taking, row = yield from self.marks_and_facts()
        return Message(row, is_read, holds, False, taking) if row not in (None, TOMBSTONE) else None

    def marks_and_facts(self):
        """A purge takes the facts first, so while they are there, no mark means unread, and no name that nobody takes it."""
        if self.keeps("a page reads the marks before the facts"):
            is_read, taking = (yield has(READ)), (yield from self.taking())
            return is_read, taking, (yield read(ROW))
        row = yield read(ROW)
        return (yield has(READ)), (yield from self.taking()), row

    # messages.rs

    def mark_read(self):
        found = yield from self.look()
        if not found.is_visible or found.is_read:
            return "read" if found.is_visible else "missing"
        yield place(READ)
        if (yield from self.is_too_late(READ)):
            return "missing"
        return "read"

    def mark_unread(self):
        found = yield from self.look()
        if not found.is_visible:
            return "missing"
        yield take(READ)
        return "unread"

    def is_too_late(self, mark):
        """A mark that comes after the claim is taken off by its own writer."""
        if not self.keeps("a late mark is taken by its writer") or not (yield has(CLAIM)):
            return False
        yield take(mark)
        return True

    def hold(self, hold):
        """Puts a hold on. Answers the message after it, or None where it cannot take it."""
        found = yield from self.look()
        if not found.is_live or not found.facts or not found.can_take(hold):
            return None
        after = found.with_hold(hold)
        if after == found:
            return after
        outcome = yield from (self.hold_for_case(hold) if hold[0] == "c" else self.hold_until(hold, found.facts.attempt))
        return {"on": after, "undone": found, "too late": None}[outcome]

    def hold_until(self, hold, attempt):
        """Puts on a hold with a deadline. The entry by which the sweep finds the hold is there first."""
        if self.keeps("the entry comes before its hold"):
            yield from self.enter(hold, attempt)
        yield place(f"holds/{hold}")
        if self.keeps("the entry is looked at again"):
            # A sweep may have found the entry with nothing held, and removed it.
            yield from self.enter(hold, attempt)
        return "too late" if (yield from self.is_too_late(f"holds/{hold}")) else "on"

    def enter(self, hold, attempt):
        if not (yield has(f"due/{hold}")):
            yield place(f"due/{hold}", attempt)

    def hold_for_case(self, hold):
        """A hold that comes after the undo is taken off by its own writer, since no release pass may see it any more."""
        yield place(f"holds/{hold}")
        is_asked = self.keeps("a hold looks at its case again")
        if is_asked and (yield read(f"case/{case_of(hold)}")).status == "undone":
            yield take(f"holds/{hold}")
            return "undone"
        return "too late" if (yield from self.is_too_late(f"holds/{hold}")) else "on"

    def release(self, which):
        """Takes off the holds of the trash (`t`) or of a case (`c.<case>`)."""
        found = yield from self.look()
        if not found.facts or found.is_claimed:
            return "gone" if found.is_gone else "missing"
        if which == "t" and found.shown is None:
            return "hidden"
        after = found.without(which)
        for hold in sorted(found.holds - after.holds):
            yield take(f"holds/{hold}")
        # The claim renames a hold, so of the two one found it.
        if self.keeps("an undo looks at the claim") and (yield has(CLAIM)):
            return "gone"
        return "back" if after.shown else "hidden"

    # purge.rs

    def claim(self, due):
        """Renames the hold to the claim, so that of an undo and a claim one finds it. A case needs no hold."""
        if due is None:
            is_claimed = (yield read(ROW)) not in (None, TOMBSTONE)
            if is_claimed:
                yield place(CLAIM)
        else:
            is_claimed = yield from self.claim_hold(f"holds/{due}")
        if (yield read(ROW)) in (None, TOMBSTONE):
            return "gone"
        return "claimed" if is_claimed else "undone"

    def claim_hold(self, hold):
        if not self.keeps("a claim renames the hold"):
            is_held = yield has(hold)
            if is_held:
                yield place(CLAIM)
                yield take(hold)
            return is_held
        if (yield rename(hold, CLAIM)):
            return True
        # Not there, or the answer was lost: the new name tells.
        return self.keeps("the claim tells whether it is claimed") and (yield has(CLAIM))

    def leave_tombstone(self, attempt):
        """Replaces the facts by a tombstone, then takes what names the message, its caller's marker last."""
        if not (yield has(CLAIM)):
            return
        row = yield read(ROW)
        if row not in (None, TOMBSTONE) and not is_of(row, attempt):
            return
        if not self.keeps("the marker goes after the facts"):
            yield take(f"callers/{attempt}")
        if row not in (None, TOMBSTONE):
            yield put(ROW, TOMBSTONE) if self.keeps("a tombstone stays") else take(ROW)
        yield from self.clear(attempt)

    def clear(self, attempt):
        yield take(READ)
        yield from self.clear_takings()
        for hold in sorted((yield names("holds"))):
            yield take(f"holds/{hold}")
        yield take(f"callers/{attempt}")

    def due(self):
        due = []
        for hold in sorted((yield names("due"))):
            attempt = yield read(f"due/{hold}")
            if attempt is not None:
                due.append((hold, attempt))
        return due

    def remove_due_entry(self, due):
        yield take(f"due/{due}")

    def by_caller(self):
        markers = []
        for attempt in sorted((yield names("callers"))):
            facts = yield from self.facts_of(attempt)
            if facts is not None:
                markers.append(facts)
        return markers

    def facts_of(self, attempt):
        """Answers what the message of a marker tells, or its attempt. None: nothing is left but the marker."""
        row = yield read(ROW)
        if is_of(row, attempt):
            return row
        for folder in ("arriving", "dead"):
            journal = yield read(f"{folder}/{attempt}")
            if journal is not None:
                return journal
        # Once more: the journal of an attempt that is committed meanwhile goes.
        row = yield read(ROW)
        if row == TOMBSTONE:
            # Leaving its tombstone was cut off.
            yield from self.clear(attempt)
        return row if is_of(row, attempt) else None

    # recordings.rs

    def schedule_deletion(self, _attempt):
        yield from ()

    def cancel_deletion(self, _attempt):
        yield from ()

    def remove_orphans(self):
        """There are none: an attempt's journal is durable before its recording is put."""
        yield from ()


def chain_writer(status):
    """A version chain, step by step: whoever makes the next number decides. Answers what was decided."""
    def program():
        while True:
            newest = max((yield names("chain")), key=int)
            there = yield read(f"chain/{newest}")
            if there != "pending":
                return there
            number = str(int(newest) + 1)
            if not (yield create(f"chain/{number}", status)):
                # Somebody else's, or our own, whose answer was lost: what stands there tells.
                return (yield read(f"chain/{number}"))
    return program


def view(files):
    """The message as it stands, at one moment."""
    row = files.get(ROW)
    if row is None or row == TOMBSTONE:
        return NOTHING if row is None else GONE
    holds = frozenset(path.split("/", 1)[1] for path in files if path.startswith("holds/"))
    return Message(row, READ in files, holds, CLAIM in files, taking_in(files))
