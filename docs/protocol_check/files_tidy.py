"""The file system's last net, and what the deletion of a mailbox does to its messages: `fs/tidy.rs`, `fs/generations.rs`."""

from .message import TOMBSTONE, case_of, deadline
from .service import AN_HOUR, MAILBOX
from .steps import has, names, now, read, take

ROW, CLAIM, READ = "messages/m", "purging/m", "marks/r"


class Tidying:
    """The part of `Files` that mends."""

    def hold_generations(self, before, purge_at):
        holds = yield names("holds")
        if (yield names("messages")) and not any(hold[0] == "d" for hold in holds):
            yield from self.hold_earlier((yield read(ROW)), before, purge_at)

    def hold_earlier(self, row, before, purge_at):
        if row in (None, TOMBSTONE) or row.generation >= before or (yield has(CLAIM)):
            return
        yield from self.hold_until(f"d.{purge_at}", row.attempt)

    def tidy(self):
        """Lists the folders in the order that makes it safe to judge what they show, then mends it, message by message."""
        recordings = yield names("audio")
        marks = yield names("marks")
        holds = yield names("holds")
        mailbox = yield read(MAILBOX)
        journals = (yield names("arriving")) | (yield names("dead"))
        is_claimed = bool((yield names("purging")))
        row = yield read(ROW)
        for attempt in sorted(recordings - journals):
            if not is_of(row, attempt):
                yield take(self.audio(attempt))
        late = [f"marks/{mark}" for mark in sorted(marks)] + [f"holds/{hold}" for hold in sorted(holds)]
        if row in (None, TOMBSTONE) or is_claimed:
            for path in late:
                yield take(path)
            if row is None and is_claimed:
                yield take(CLAIM)
        else:
            yield from self.tidy_message(row, holds, mailbox)
            yield from self.tidy_takings(marks)
        yield from self.tidy_markers()
        return "tidied"

    def tidy_message(self, row, holds, mailbox):
        time = yield now()
        for hold in sorted(holds):
            if hold[0] != "c":
                if deadline(hold) + AN_HOUR <= time:
                    yield from self.enter(hold, row.attempt)
            elif (yield read(f"case/{case_of(hold)}")).status in ("undone", "erased"):
                yield take(f"holds/{hold}")
        if mailbox is not None and not any(hold[0] == "d" for hold in holds):
            before = mailbox.generation if mailbox.is_there else mailbox.version
            yield from self.hold_earlier(row, before, time)

    def tidy_markers(self):
        """A marker is there, then no journal tells of its attempt, then the message is not its: so it never will be."""
        for attempt in sorted((yield names("callers"))):
            if is_of((yield read(ROW)), attempt):
                continue
            if (yield has(f"arriving/{attempt}")) or (yield has(f"dead/{attempt}")):
                continue
            if not is_of((yield read(ROW)), attempt):
                yield take(f"callers/{attempt}")

    def expire_tombstone(self):
        """30 days after the purge. A claim without a tombstone would hide the next message of this id."""
        if (yield read(ROW)) == TOMBSTONE:
            yield take(ROW)
            yield take(CLAIM)
        return "expired"


def is_of(row, attempt):
    """Whether this attempt was committed and its message is not purged."""
    return row not in (None, TOMBSTONE) and row.attempt == attempt
