"""Blob Storage: `shared/storage/src/azure`. Each step reads a blob, asks the rule and writes if the ETag is still the same."""

from .clouds import ROW, Clouds, Fence, Stored, message_in
from .message import TOMBSTONE, Message, deadline
from .service import AN_HOUR
from .steps import atomically, both, names, now, put, read, single, take


class Blobs(Clouds):
    """Each step reads a blob, asks the rule and writes if the ETag is still the same."""

    def replaced(self, what, before, after):
        """Writes the row's blob if it is as it was read; None: nothing is there."""
        def write(files):
            return ({ROW: after}, True) if files.get(ROW) == before else ({}, False)
        write.told = what
        return atomically(write)

    @staticmethod
    def next_etag(row):
        return row.etag + 1 if isinstance(row, (Stored, Fence)) else 1

    def change(self, what, rule, noted=None, left=None, touched=()):
        """`noted`: the entry that is written beside each look. `left`: the entry that tells before the claim what is left.
        Where there is none, reading and writing again until nobody was faster is one step."""
        if noted is None and left is None:
            return (yield self.changed(what, rule))
        while True:
            row = yield from self.row_and_entry(noted if self.keeps("the entry comes before its hold") else None)
            found = message_in(row)
            if not found.facts:
                return "gone" if found.is_gone else "missing"
            after, answer = rule(found)
            if after == found and not (answer in touched and self.keeps("a claim that finds no hold writes the row")):
                return answer
            if left and after != found and self.keeps("an entry tells what is left before the claim"):
                yield put(f"due/{left}", found.facts.attempt)
            if (yield self.replaced(what, row, Stored(after, self.next_etag(row)))):
                if noted and not self.keeps("the entry comes before its hold"):
                    yield put(f"due/{noted}")
                return answer

    def changed(self, what, rule):
        def write(files):
            row = files.get(ROW)
            found = message_in(row)
            if not found.facts:
                return {}, "gone" if found.is_gone else "missing"
            after, answer = rule(found)
            return ({} if after == found else {ROW: Stored(after, self.next_etag(row))}), answer
        write.told = what
        return atomically(write)

    def row_and_entry(self, noted):
        if noted is None:
            return (yield read(ROW))
        return (yield both(single(read(ROW)), single(put(f"due/{noted}"))))[0]

    def give_back(self):
        """Ends the taking that it read first: what comes after this one is another's."""
        def program():
            number = (yield from self.message()).taking.number

            def rule(message):
                found = number if self.keeps("a give-back ends the taking that it found") else message.taking.number
                after = message.give_back(found)
                return after, "missing" if not message.is_visible else "nobody's" if after == message else "given back"
            return (yield from self.change("give back", rule))
        return program

    def put_row(self, facts):
        created = Message(facts, False, frozenset(), False)
        expected = None
        while True:
            if (yield self.replaced(f"commit of {facts.attempt}", expected, Stored(created, self.next_etag(expected)))):
                return Stored(created, 0)
            row = yield read(ROW)
            if row is not None and not (isinstance(row, Fence) and facts.attempt not in row.attempts):
                return row
            expected = row

    def fence_row(self, attempt):
        while True:
            row = yield read(ROW)
            if row is not None and not (isinstance(row, Fence) and attempt not in row.attempts):
                return row
            fenced = Fence((row.attempts if row else frozenset()) | {attempt}, self.next_etag(row))
            if (yield self.replaced(f"fence of {attempt}", row, fenced)):
                return fenced

    def leave_tombstone(self, attempt):
        """Writes the tombstone, then removes what names the message, then the entry of a case's claim."""
        while True:
            row = yield read(ROW)
            if row == TOMBSTONE:
                break
            found = message_in(row)
            if not found.of(attempt) or not found.is_claimed:
                return
            if not self.keeps("the marker goes after the facts"):
                yield take(f"callers/{attempt}")
            if (yield self.replaced(f"tombstone of {attempt}", row, TOMBSTONE if self.keeps("a tombstone stays") else None)):
                break
        yield both(single(take(f"callers/{attempt}")), single(take(f"arriving/{attempt}")))
        yield take("due/t.0")

    def due(self):
        """Answers the entries. Each tells at which message to look, or what is left of one that is claimed."""
        due = []
        for hold in sorted((yield names("due"))):
            attempt = yield read(f"due/{hold}")
            if not attempt:
                found = yield from self.message()
                if not found.facts:
                    yield take(f"due/{hold}")
                    continue
                attempt = found.facts.attempt
            due.append((hold, attempt))
        return due

    def remove_due_entry(self, due):
        yield take(f"due/{due}")

    def note_overdue(self, message):
        time = yield now()
        for hold in sorted(message.holds):
            if hold[0] != "c" and deadline(hold) + AN_HOUR < time:
                yield put(f"due/{hold}")

    def schedule_deletion(self, attempt):
        yield from self.tag(attempt, True)

    def cancel_deletion(self, attempt):
        yield from self.tag(attempt, False)

    def tag(self, attempt, is_scheduled):
        """Raises the number in the metadata, then writes the tags under the condition that theirs are older."""
        path = self.audio(attempt)
        number = yield atomically(counting(path))
        if number is not None:
            yield atomically(tagging(path, number, is_scheduled, self.keeps("newer tags stay")))


def counting(path):
    def write(files):
        audio = files.get(path)
        if audio is None:
            return {}, None
        return {path: audio._replace(number=audio.number + 1)}, audio.number + 1
    write.told = f"the number of {path} is raised"
    return write


def tagging(path, number, is_scheduled, is_ordered):
    def write(files):
        audio = files.get(path)
        if audio is None or is_ordered and audio.tagged >= number:
            return {}, None
        return {path: audio._replace(tagged=number, is_scheduled=is_scheduled)}, None
    write.told = f"deletion of {path} {'scheduled' if is_scheduled else 'cancelled'} as of {number}"
    return write
