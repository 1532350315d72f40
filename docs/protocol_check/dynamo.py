"""DynamoDB and S3: `shared/storage/src/aws`. Each step on a row is one conditional write, which says what it found where it is
refused."""

from .clouds import ROW, Audio, Clouds, Fence, Stored, message_in
from .message import TOMBSTONE, Message, deadline
from .service import WRITERS
from .steps import atomically, put, read, take


class Dynamo(Clouds):
    """Each step is one conditional write, which says what it found where it is refused."""

    def change(self, what, rule, noted=None, left=None, touched=()):
        def write(files):
            found = message_in(files.get(ROW))
            if not found.facts:
                return {}, "gone" if found.is_gone else "missing"
            after, answer = rule(found)
            return ({} if after == found else {ROW: Stored(after, 0)}), answer
        write.told = what
        return (yield atomically(write))

    def give_back(self):
        """Leaves whose write it was: one that is sent again finds that, and takes nothing from who has it by then."""
        own = next(WRITERS)

        def program():
            def rule(message):
                if not message.is_visible:
                    return message, "missing"
                is_done = message.taking.back == own and self.keeps("a give-back ends the taking that it found")
                after = message if is_done else message.give_back(message.taking.number)
                if after == message:
                    return message, "given back" if is_done else "nobody's"
                return after._replace(taking=after.taking._replace(back=own)), "given back"
            return (yield from self.change("give back", rule))
        return program

    def put_row(self, facts):
        def write(files):
            row = files.get(ROW)
            if row is None or isinstance(row, Fence) and facts.attempt not in row.attempts:
                row = Stored(Message(facts, False, frozenset(), False), 0)
                return {ROW: row}, row
            return {}, row
        write.told = f"commit of {facts.attempt}"
        return (yield atomically(write))

    def fence_row(self, attempt):
        def write(files):
            row = files.get(ROW)
            if row is not None and not isinstance(row, Fence):
                return {}, row
            fenced = Fence((row.attempts if row else frozenset()) | {attempt}, 0)
            return {ROW: fenced}, fenced
        write.told = f"fence of {attempt}"
        return (yield atomically(write))

    def leave_tombstone(self, attempt):
        """Writes the tombstone and removes what names the message, in one transaction."""
        named = {f"callers/{attempt}": None, f"arriving/{attempt}": None}

        def write(files):
            found = message_in(files.get(ROW))
            if not found.of(attempt) or not found.is_claimed:
                return {}, False
            return {ROW: TOMBSTONE if self.keeps("a tombstone stays") else None, **(named if is_whole else {})}, True
        write.told = f"tombstone of {attempt}"
        is_whole = self.keeps("a tombstone is left in one transaction")
        if (yield atomically(write)) and not is_whole:
            for path in named:
                yield take(path)

    def due(self):
        """Answers what the rows tell to be due. A case's claim is due at once, whatever deadline the message had."""
        found = yield from self.message()
        deadlines = sorted((hold for hold in found.holds if hold[0] != "c"), key=deadline)
        is_at_once = self.keeps("a claim for a case is due at once") or not deadlines
        due = "t.0" if found.facts and found.is_claimed and is_at_once else next(iter(deadlines), None)
        return [(due, found.facts.attempt)] if due else []

    def remove_due_entry(self, _due):
        yield from ()

    def note_overdue(self, _message):
        yield from ()

    def schedule_deletion(self, attempt):
        """Copies the object onto itself, only onto what was looked at: a copy that ends after a delete must not bring it back."""
        if (yield read(self.audio(attempt))) is None:
            return
        if not self.keeps("a deletion is scheduled only for a recording that is there"):
            yield put(self.audio(attempt), Audio(0, 0, True))
            return
        yield from self.tag(attempt, True)

    def cancel_deletion(self, attempt):
        yield from self.tag(attempt, False)

    def tag(self, attempt, is_scheduled):
        def write(files):
            is_there = self.audio(attempt) in files
            return ({self.audio(attempt): Audio(0, 0, is_scheduled)}, True) if is_there else ({}, False)
        write.told = f"{'schedule' if is_scheduled else 'cancel'} the deletion of {attempt}"
        return (yield atomically(write))
