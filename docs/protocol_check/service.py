"""What the operations, the passes of a case and the sweep do, over the contract of a storage: `functions/` and
`shared/erasure`. A storage (`files.py`, `dynamo.py`, `blobs.py`) has the calls of `storage::Metadata` and `storage::Recordings`.

What only counts or reports is left out. `store.keeps(rule)` is true but in a negative control, which leaves one rule out.
"""

import itertools

from .message import DECIDED, PENDING, Case, case_hold, case_of, covers, deadline
from .steps import atomically, has, now, read, take

CHAIN, MAILBOX = "certificates/newest", "config/mailbox"

# Tells one program's writes from another's.
WRITERS = itertools.count(1)

# From here on a pending case is erased. Undo asks no clock here: hosts' clocks differ, and the write on the case decides.
CLAIM_FROM = 1
AN_HOUR = 3600


# Operations on a message.


def deposit(store, facts, is_full=False):
    """Makes all that carries the attempt, then commits it."""
    def program():
        found = yield from store.arrive(facts)
        if found is not None:
            return repeated(found)
        if is_full:
            yield from take_back(store, facts)
            return "full"
        insertion, message = yield from store.insert(facts)
        if insertion == "created":
            yield from schedule_deletion_if_hidden(store, message)
            return "created"
        yield from take_back(store, facts)
        return {"forgotten": "gone", "fenced": "busy"}.get(insertion) or repeated(message)
    return program


def repeated(found):
    """How a repeat is answered: by the message where a folder shows it."""
    return "repeat" if found.shown else "gone"


def take_back(store, facts):
    yield take(store.audio(facts.attempt))
    yield from store.withdraw(facts.attempt)


def delete(store, window=1):
    """Into the trash; also what the retention does."""
    def program():
        hold = f"t.{(yield now()) + window}"
        return "deleted" if (yield from store.hold(hold)) is not None else "missing"
    return program


def undo(store):
    return lambda: store.release("t")


# A case.


def put_case(store, case, before, status, by):
    """Writes the version after `before` if that is the newest. Its names come first: one without a case is harmless, a case
    that a deposit does not find is not."""
    if before is None or status not in ("undone", "erased"):
        yield store.note(f"forgets/{case}")
    if before is None:
        yield store.note(f"open/{case}")
    written = Case(before.version + 1 if before else 1, status, by)

    def write(files):
        there = files.get(f"case/{case}")
        if there != before and there != written and store.keeps("a case has one fate"):
            return {}, False
        return {f"case/{case}": written}, True
    write.told = f"case {case}: {before.status if before else 'none'} -> {status}"
    return (yield atomically(write))


def forget(store, case):
    by = next(WRITERS)

    def program():
        status = "hiding"
        if not (yield from put_case(store, case, None, status, by)):
            status = (yield read(f"case/{case}")).status
            if status not in PENDING:
                return "closed"
        yield from hide(store, case, status)
        yield from tell(store, case, by)
        return "hidden"
    return program


def undo_case(store, case):
    """Decides on the case, then shows its messages."""
    by = next(WRITERS)

    def program():
        while store.keeps("an undo decides on the case"):
            there = yield read(f"case/{case}")
            if there is None:
                return "missing"
            if there.status in DECIDED:
                return "late"
            if there.status == "undone" or (yield from put_case(store, case, there, "undone", by)):
                break
        yield from show(store, case)
        return "undone"
    return program


def hide(store, case, status):
    """The hold pass: hides every message, then schedules the deletion of the recordings."""
    hidden = []
    for marker in (yield from store.by_caller()):
        message = (yield from store.message_of(marker)) if covers(marker) else None
        if message is None:
            continue
        is_new = case_hold(case) not in message.holds
        if is_new:
            message = yield from store.hold(case_hold(case))
        if message is not None and case_hold(case) in message.holds and (is_new or status == "hiding"):
            hidden.append(marker.attempt)
    for attempt in hidden:
        yield from store.schedule_deletion(attempt)


def tell(store, case, by):
    """Tells a case what its hold pass did, and takes back what the pass hid of a caller who was undone meanwhile."""
    while True:
        there = yield read(f"case/{case}")
        if there.status == "undone" and store.keeps("a pass looks at its case when it ends"):
            yield from show(store, case)
        if there.status != "hiding" or (yield from put_case(store, case, there, "pending", by)):
            return


def show(store, case):
    """The release pass. The deletion of a recording is cancelled before its message shows."""
    for marker in (yield from store.by_caller()):
        if covers(marker):
            yield from show_one(store, marker, case)


def show_one(store, marker, case):
    message = yield from store.message_of(marker)
    if message is None:
        return
    is_cancelled = all(hold == case_hold(case) for hold in message.holds if hold[0] == "c")
    if is_cancelled and store.keeps("a deletion is cancelled before its message shows"):
        yield from store.cancel_deletion(marker.attempt)
    released = yield from store.release(f"c.{case}")
    if is_cancelled and not store.keeps("a deletion is cancelled before its message shows"):
        yield from store.cancel_deletion(marker.attempt)
    if released == "hidden":
        # Another case may have scheduled the deletion just before it was cancelled.
        message = yield from store.message_of(marker)
        if message is not None and any(hold[0] == "c" for hold in message.holds):
            yield from store.schedule_deletion(marker.attempt)


def schedule_deletion_if_hidden(store, message):
    """Schedules the deletion where a pending case hides the new message. The case's own pass may have been there before it."""
    for hold in sorted(message.holds):
        if hold[0] == "c" and (yield read(f"case/{case_of(hold)}")).status in PENDING:
            yield from store.schedule_deletion(message.facts.attempt)
            return


def sweep_case(store, case):
    """Does what time has decided for a case."""
    by = next(WRITERS)

    def program():
        status = yield from begin_erasing(store, case, by)
        if status == "undone":
            yield from show(store, case)
        elif status in PENDING:
            yield from hide(store, case, status)
            yield from tell(store, case, by)
        elif status in DECIDED:
            is_whole = yield from purge_all(store)
            if status == "erasing" and is_whole and (yield from is_gone(store)):
                yield from close(store, case, by)
        return status
    return program


def begin_erasing(store, case, by):
    """Decides that the purge begins, if it is time; whatever wins a race is given."""
    while True:
        there = yield read(f"case/{case}")
        if there is None or there.status not in PENDING or (yield now()) < CLAIM_FROM:
            return there and there.status
        if (yield from put_case(store, case, there, "erasing", by)):
            return "erasing"


def purge_all(store):
    """The purge pass: whether it did everything."""
    is_whole = True
    for marker in (yield from store.by_caller()):
        if covers(marker):
            is_whole &= yield from purge_one(store, marker)
    return is_whole


def purge_one(store, marker):
    message = yield from store.message()
    if not (message.of(marker.attempt) or message.is_gone):
        return True  # Under way, or lost: its own deposit or the sweep takes it back.
    yield from store.claim(None)
    return (yield from erase(store, marker.attempt))


def erase(store, attempt):
    """The recording, the proof, then the tombstone."""
    if not store.keeps("the recording goes before the tombstone"):
        yield from store.leave_tombstone(attempt)
    yield take(store.audio(attempt))
    if (yield has(store.audio(attempt))):
        return False
    yield from store.leave_tombstone(attempt)
    return True


def is_gone(store):
    """Whether nothing is left of what a case covers: no attempt and no marker of its callers."""
    yield from store.remove_orphans()
    if store.keeps("a case waits for attempts that are under way") and (yield from store.arriving()):
        return False
    return not any(covers(marker) for marker in (yield from store.by_caller()))


def close(store, case, by):
    """Puts the certificate into the chain first, which chooses one, and then closes its case with it. Whoever comes next does
    so where this is cut off."""
    while True:
        chain = (yield read(CHAIN)) or ()
        if chain and store.keeps("the chain is finished first"):
            yield from close_with(store, chain[-1], by)
        if (yield read(f"case/{case}")).status != "erasing":
            return
        if not store.keeps("the certificate comes before the case is closed"):
            yield from close_with(store, case, by)
        is_next = yield atomically(certificate(store, chain, case))
        if is_next and not store.keeps("the chain is finished first"):
            yield from close_with(store, case, by)


def certificate(store, chain, case):
    def write(files):
        is_newest = (files.get(CHAIN) or ()) == chain or not store.keeps("a certificate follows the newest")
        return ({CHAIN: chain + (case,)}, True) if is_newest else ({}, False)
    write.told = f"certificate of case {case} after {chain}"
    return write


def close_with(store, case, by):
    while True:
        there = yield read(f"case/{case}")
        if there.status != "erasing" or (yield from put_case(store, case, there, "erased", by)):
            return


# A mailbox.


def delete_mailbox(store):
    """Its deletion is decided, then its messages are held."""
    def program():
        mailbox = yield read(MAILBOX)
        deleted = mailbox._replace(version=mailbox.version + 1, is_there=False, purge_at=1)
        if not mailbox.is_there or not (yield atomically(replacing(MAILBOX, mailbox, deleted))):
            return "conflict"
        yield from store.hold_generations(deleted.version, deleted.purge_at)
        return "deleted"
    return program


def make_mailbox(store):
    """Makes it anew. Before that its deletion is finished, so that it starts empty."""
    def program():
        mailbox = yield read(MAILBOX)
        if mailbox.is_there:
            return "conflict"
        if store.keeps("a mailbox is made again once its deletion is finished"):
            yield from store.hold_generations(mailbox.version, mailbox.purge_at)
        made = mailbox._replace(version=mailbox.version + 1, is_there=True, generation=mailbox.version + 1)
        return "made" if (yield atomically(replacing(MAILBOX, mailbox, made))) else "conflict"
    return program


def replacing(path, before, after):
    def write(files):
        there = files.get(path)
        return ({path: after}, True) if there in (before, after) else ({}, False)
    write.told = f"{path}: {before} -> {after}"
    return write


# The sweep.


def sweep_due(store):
    """Purges what is due: the trash and deleted mailboxes."""
    def program():
        purged = "nothing"
        time = yield now()
        for due, attempt in (yield from store.due()):
            if deadline(due) > time:
                continue
            claimed = yield from store.claim(due)
            if claimed == "claimed":
                if not (yield from erase(store, attempt)):
                    continue
                purged = "purged"
            elif claimed == "gone":
                # A purge may have been cut off before all that names the message was taken.
                yield from store.leave_tombstone(attempt)
            yield from store.remove_due_entry(due)
        return purged
    return program


def sweep_attempts(store):
    """Takes back the deposits that were cut off: those that began an hour ago, and the fenced ones."""
    def program():
        for attempt in (yield from store.arriving()):
            if (yield from store.fence(attempt)) == "never":
                yield take(store.audio(attempt))
                yield from store.withdraw(attempt)
        return "swept"
    return program
