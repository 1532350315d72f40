"""The clouds: a message is a row with conditional writes, its recording lies apart and has tags.

    row/m            a message, its tombstone, or the fence of attempts that can never be committed
    arriving/<a>     the journal of an attempt          callers/<a>  the caller's marker; content: what came in
    audio/<a>        the recording, and whether the storage's lifecycle rule will delete it
    due/<hold>       on Blob Storage an entry of what is due; in DynamoDB that is an attribute of the row

`shared/storage/src/cloud` has the algorithm that both share. `Dynamo` is DynamoDB and S3 (`shared/storage/src/aws`), `Blobs` is
Blob Storage (`shared/storage/src/azure`).
"""

from collections import namedtuple

from .message import DECIDED, GONE, NOTHING, PENDING, TOMBSTONE, Message, case_hold, case_of, covers, like
from .service import AN_HOUR, MAILBOX
from .steps import atomically, both, has, names, now, place, put, read, single, take

ROW = "row/m"

# A message and the ETag of the write that left it so.
Stored = namedtuple("Stored", "message etag")
Fence = namedtuple("Fence", "attempts etag")
# A recording: the number of the last change, that of the tags, and whether they say that it is to be deleted.
Audio = namedtuple("Audio", "number tagged is_scheduled")
PLAIN = Audio(0, 0, False)


def message_in(row):
    if isinstance(row, Stored):
        return row.message
    return GONE if row == TOMBSTONE else NOTHING


def view(files):
    """The message as it stands."""
    return message_in(files.get(ROW))


class Clouds:
    """The algorithm that both clouds share. A subclass has the steps on rows and recordings."""

    def __init__(self, *left_out):
        self.left_out = left_out

    def keeps(self, rule):
        return rule not in self.left_out

    @staticmethod
    def audio(attempt):
        return f"audio/{attempt}"

    @staticmethod
    def note(path):
        return put(path)

    def message(self):
        return message_in((yield read(ROW)))

    def message_of(self, marker):
        found = yield from self.message()
        return found if found.of(marker.attempt) and found.is_live else None

    # cloud/deposits.rs

    def arrive(self, facts):
        """Writes journal, marker and audio side by side, and looks whether the id is taken."""
        row, *_ = yield both(single(read(ROW)), single(place(self.audio(facts.attempt), PLAIN)), *self.announcements(facts))
        found = message_in(row)
        if not found.facts and not found.is_gone:
            return None
        if not found.of(facts.attempt):
            yield take(self.audio(facts.attempt))
        yield from self.withdraw(facts.attempt)
        return found

    def announcements(self, facts):
        """Writes journal and marker in one step. A scenario of its own shows that these are two writes."""
        journal, marker = f"arriving/{facts.attempt}", f"callers/{facts.attempt}"
        if not self.keeps("an attempt has a journal"):
            return [single(put(marker, facts))]
        if not self.keeps("the marker comes before the commit"):
            return [single(put(journal))]
        if not self.keeps("no marker without its journal"):
            return [single(put(journal)), single(put(marker, facts))]

        def write(_files):
            return {journal: "", marker: facts}, None
        write.told = f"journal and marker of {facts.attempt}"
        return [single(atomically(write))]

    def insert(self, facts):
        """The commit. Who is forgotten is asked beside it, after the marker was written."""
        row, cases, mailbox = yield both(lambda: self.put_row(facts), self.forgotten, single(read(MAILBOX)))
        found = message_in(row)
        if not found.of(facts.attempt):
            return ("fenced" if isinstance(row, Fence) else "taken"), found
        if not self.keeps("the marker comes before the commit"):
            yield put(f"callers/{facts.attempt}", facts)
        cases = [(case, status) for case, status in cases if covers(facts)]
        if any(status in DECIDED for _, status in cases):
            # The message is purged at once. If that is cut off, what is due tells the claim.
            yield from self.claim(None)
            yield take(self.audio(facts.attempt))
            yield from self.leave_tombstone(facts.attempt)
            return "forgotten", None
        holds = [case_hold(case) for case, status in cases if status in PENDING]
        if mailbox is not None and (not mailbox.is_there or facts.generation < mailbox.generation):
            holds.append(f"d.{mailbox.purge_at}")
        for hold in holds:
            found = yield from self.hold(hold)
            if found is None:
                return "taken", GONE
        return ("taken" if found.is_claimed else "created"), found

    def forgotten(self):
        cases = []
        if self.keeps("a deposit asks who is forgotten"):
            for case in sorted((yield names("forgets"))):
                there = yield read(f"case/{case}")
                if there is not None:
                    cases.append((case, there.status))
        return tuple(cases)

    def forget_late(self, message):
        """Claims a message whose case was decided before its commit. Its deposit was cut off before it had asked."""
        if self.keeps("whoever removes a journal asks who is forgotten"):
            cases = yield from self.forgotten()
            if covers(message.facts) and any(status in DECIDED for _, status in cases):
                yield from self.claim(None)

    def withdraw(self, attempt):
        """Takes an attempt back. Its journal goes last."""
        if not self.keeps("the journal goes last"):
            yield take(f"arriving/{attempt}")
        if not (yield from self.message()).of(attempt):
            yield take(f"callers/{attempt}")
        yield take(f"arriving/{attempt}")

    def arriving(self):
        """Answers the attempts that are under way and those that are being fenced. Removes the journals of messages."""
        under_way = []
        for attempt in sorted((yield names("arriving"))):
            found = yield from self.message()
            if found.of(attempt):
                yield from self.forget_late(found)
                yield take(f"arriving/{attempt}")
            else:
                under_way.append(attempt)
        return under_way

    def fence(self, attempt):
        """Decides what became of an attempt. Its journal tells first that it is being fenced."""
        yield put(f"arriving/{attempt}", "fenced")
        is_fenced = self.keeps("an attempt is fenced before its message is read")
        row = (yield from self.fence_row(attempt)) if is_fenced else (yield read(ROW))
        found = message_in(row)
        if not found.of(attempt):
            return "never"
        yield from self.forget_late(found)
        yield take(f"arriving/{attempt}")
        return "created"

    # cloud/mailboxes.rs, cloud/orphans.rs

    def remove_orphans(self):
        """Fences and removes recordings that neither a message nor a journal tells of. An hour is searched an hour after its
        end: what is written beside a recording is there by then, or never."""
        if (yield now()) < AN_HOUR:
            return
        for attempt in sorted((yield names("audio"))):
            row, is_journaled = yield both(single(read(ROW)), single(has(f"arriving/{attempt}")))
            if message_in(row).of(attempt) or is_journaled or not (yield has(self.audio(attempt))):
                continue
            if (yield from self.fence(attempt)) == "never":
                yield take(self.audio(attempt))
                yield from self.withdraw(attempt)

    def tidy(self):
        found = yield from self.message()
        if not found.facts or found.is_claimed:
            return
        for hold in sorted(found.holds):
            if hold[0] == "c" and (yield read(f"case/{case_of(hold)}")).status in ("undone", "erased"):
                yield from self.release(like(hold))
        mailbox = yield read(MAILBOX)
        if mailbox is not None:
            before = mailbox.generation if mailbox.is_there else mailbox.version
            yield from self.hold_earlier(found, before, (yield now()))
        yield from self.note_overdue(found)

    # {aws,azure}/messages.rs

    def mark_read(self):
        def rule(message):
            return (message._replace(is_read=True), "read") if message.is_visible else (message, "missing")
        return (yield from self.change("mark read", rule))

    def take(self, by, over=False):
        def program():
            return (yield from self.change(f"take by {by}", lambda message: message.take(by, over)))
        return program

    def hold(self, hold):
        """Puts a hold on. Answers the message after it, or None. A case's writer takes it off where the undo came first."""
        def rule(message):
            after = message.with_hold(hold)
            return (after, after) if message.can_take(hold) else (message, None)
        found = yield from self.change(f"hold {hold}", rule, noted=None if hold[0] == "c" else hold)
        if not isinstance(found, Message):
            return None
        if hold[0] != "c" or not self.keeps("a hold looks at its case again"):
            return found
        if (yield read(f"case/{case_of(hold)}")).status != "undone":
            return found
        yield from self.release(like(hold))
        return found.without(like(hold))

    def release(self, which):
        """Takes off the holds of the trash (`t`) or of a case (`c.<case>`)."""
        def rule(message):
            if message.is_claimed:
                return message, "gone"
            if which == "t" and message.shown is None:
                return message, "hidden"
            after = message.without(which)
            return after, "back" if after.shown else "hidden"
        return (yield from self.change(f"release {which}", rule))

    def claim(self, due):
        """Claims the message. Of an undo and a claim that race one finds the hold. A case needs none."""
        def rule(message):
            if due is None or message.is_claimed or due in message.holds:
                return message._replace(is_claimed=True), "claimed"
            return message, "undone"
        what, left = f"claim {due or 'for a case'}", due or "t.0"
        claimed = yield from self.change(what, rule, left=left, touched=("undone",))
        return claimed if claimed in ("claimed", "undone") else "gone"

    def by_caller(self):
        markers = []
        for attempt in sorted((yield names("callers"))):
            facts = yield read(f"callers/{attempt}")
            if facts is not None:
                markers.append(facts)
        return markers

    # cloud/mailboxes.rs

    def hold_generations(self, before, purge_at):
        yield from self.hold_earlier((yield from self.message()), before, purge_at)

    def hold_earlier(self, message, before, purge_at):
        if message.facts and message.is_live and message.facts.generation < before:
            yield from self.hold(f"d.{purge_at}")


def lifecycle():
    """A day later the storage deletes what is scheduled for deletion."""
    for attempt in sorted((yield names("audio"))):
        audio = yield read(f"audio/{attempt}")
        if audio is not None and audio.is_scheduled:
            yield take(f"audio/{attempt}")
    return "deleted"
