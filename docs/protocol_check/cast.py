"""Who may take part in a scenario, on one storage, and what may stand there at first."""

from . import blobs, clouds, dynamo, files, files_takings, service
from .engine import Scenario, actor
from .message import HELD, Case, Facts, Mailbox, Message, Taking, case_hold
from .promises import ALWAYS, AT_THE_END

TRASH, CASE, OTHER_CASE = "t.1", case_hold("1"), case_hold("2")
STORES = {"F": files.Files, "D": dynamo.Dynamo, "B": blobs.Blobs}


class Cast:
    """F is the file system, D is DynamoDB with S3, B is Blob Storage. `left_out`: the rules that are left out."""

    def __init__(self, letter, *left_out):
        self.letter, self.store = letter, STORES[letter](*left_out)
        self.is_files = letter == "F"
        self.view = files.view if self.is_files else clouds.view

    # Who.

    def deposit(self, attempt="a1", name="deposit", received=0, is_full=False):
        def program(nonce):
            return service.deposit(self.store, Facts(nonce, received, 1), is_full)
        return actor(name, "deposit", program(attempt), again=program(attempt + "'"))

    def repeat(self, is_full=False):
        return self.deposit("a2", "repeat", is_full=is_full)

    def read(self):
        return actor("mark read", "mark read", self.store.mark_read)

    def unread(self):
        return actor("mark unread", "mark unread", self.store.mark_unread)

    def take(self, by="bob"):
        return actor(f"take by {by}", "take", self.store.take(by))

    def take_over(self, by="bob"):
        return actor(f"take over by {by}", "take over", self.store.take(by, over=True))

    def give_back(self, name="give back"):
        return actor(name, "give back", self.store.give_back())

    def delete(self, name="delete", window=1):
        return actor(name, "delete", service.delete(self.store, window))

    def undo(self):
        return actor("undo", "undo", service.undo(self.store))

    def forget(self, case="1"):
        return actor(f"forget {case}", "forget", service.forget(self.store, case))

    def undo_case(self, case="1"):
        return actor(f"undo of case {case}", "undo of case", service.undo_case(self.store, case))

    def sweep_case(self, case="1", name="case sweep"):
        return actor(name, "case sweep", service.sweep_case(self.store, case))

    def sweep(self, name="sweep"):
        return actor(name, "sweep", service.sweep_due(self.store))

    def sweep_attempts(self, name="sweep of attempts"):
        return actor(name, "sweep of attempts", service.sweep_attempts(self.store))

    def orphans(self, name="sweep of orphans"):
        return actor(name, "sweep of orphans", self.store.remove_orphans)

    def tidy(self):
        return actor("tidying", "tidying", self.store.tidy)

    def expire(self):
        return actor("expiry", "expiry", self.store.expire_tombstone)

    def listing(self, of="counts"):
        def program():
            return "listed", (yield from getattr(self.store, of)())
        return actor("list", "list", program)

    def delete_mailbox(self):
        return actor("delete mailbox", "mailbox", service.delete_mailbox(self.store))

    def make_mailbox(self):
        return actor("make mailbox", "make mailbox", service.make_mailbox(self.store))

    # What stands at first.

    def live(self, *holds):
        """A message with these holds. The case that holds it is pending."""
        facts, is_scheduled = Facts("a1", 0, 1), any(hold[0] == "c" for hold in holds)
        if self.is_files:
            start = {files.ROW: facts, "callers/a1": "", "audio/a1": ""} | {f"holds/{hold}": "" for hold in holds}
        else:
            row = clouds.Stored(Message(facts, False, frozenset(holds), False), 1)
            start = {clouds.ROW: row, "callers/a1": facts, "audio/a1": clouds.Audio(0, 0, is_scheduled)}
        for hold in holds:
            if hold[0] == "c":
                start |= self.pending(hold.split(".")[1])
            elif self.letter != "D":
                start[f"due/{hold}"] = "a1" if self.is_files else ""
        return start

    def taken(self, *holds, number=1):
        """A message that alice has, for the first time, or once more after so many changes."""
        start = self.live(*holds)
        if self.is_files:
            chain = range(1, number + 1)
            return start | {files_takings.path(one): files_takings.Link("alice" if one % 2 else None, 0) for one in chain}
        row = start[clouds.ROW]
        return start | {clouds.ROW: row._replace(message=row.message._replace(taking=Taking(number, "alice")))}

    def stale(self):
        """A message, and an entry of what is due whose hold was taken off."""
        entry = {"F": {"due/t.1": "a1"}, "B": {"due/t.1": ""}, "D": {}}
        return self.live() | entry[self.letter]

    def cut_off(self):
        """An attempt whose process died."""
        facts = Facts("a1", 0, 1)
        if self.is_files:
            return {"arriving/a1": facts, "callers/a1": "", "audio/a1": ""}
        return {"arriving/a1": "", "callers/a1": facts, "audio/a1": clouds.PLAIN}

    def created_late(self):
        """A message of a caller who was erased long ago: its deposit died before it had asked. It is in the trash by now."""
        return {**self.live("t.9"), "arriving/a1": "", **self.erased()}

    def erasing(self):
        """A message that is read and taken, and that no hold hides until its case's sweep comes: its deposit was cut off
        between the commit and the hold."""
        start = self.taken() | self.pending() | {"case/1": Case(2, "erasing", 0)}
        return start | {files.READ: ""} if self.is_files else start

    @staticmethod
    def pending(case="1"):
        return {f"case/{case}": HELD, f"forgets/{case}": "", f"open/{case}": ""}

    @staticmethod
    def erased(case="1"):
        """Closed long ago: nobody watches it any more."""
        return {f"case/{case}": Case(3, "erased", 0), f"forgets/{case}": "", service.CHAIN: (case,)}

    @staticmethod
    def mailbox():
        return {service.MAILBOX: Mailbox(1, True, 1, None)}

    # And afterwards.

    def run_of_sweep(self, is_late, cases, is_tidied):
        parts = [(f"sweep of case {case}", service.sweep_case(self.store, case)) for case in cases]
        parts += [("sweep", service.sweep_due(self.store)), ("sweep of attempts", service.sweep_attempts(self.store)),
                  ("sweep of orphans", self.store.remove_orphans)]
        parts += [("tidying", self.store.tidy)] if is_tidied else []
        return [(*part, is_late) for part in parts]

    def soon(self):
        """The next sweeps, without those of cases that nobody watches any more."""
        return self.run_of_sweep(False, (), is_tidied=True) * 2

    def recovery(self, cases=("1", "2"), is_tidied=True):
        late = self.run_of_sweep(True, cases, is_tidied) * 3
        if self.is_files:
            return late
        # Sweeps of the next hour come before the storage's own rule, which takes a day.
        soon = self.run_of_sweep(False, cases, is_tidied) * 2
        return soon + [("lifecycle", clouds.lifecycle, True)] + late

    def scenario(self, name, start, actors, cases=("1", "2"), is_tidied=True, recovery=None, promises=ALWAYS,
                 ends=AT_THE_END, **allowed):
        recovery = self.recovery(cases, is_tidied) if recovery is None else recovery
        # The sweep touches an attempt when it is an hour old. A request that is repeated later than that is not modelled.
        is_repeated_later = not any(one.kind == "sweep of attempts" for one in actors)
        return Scenario(name, self.view, start, actors, recovery, promises, ends=ends, asks_first=self.is_files,
                        is_repeated_later=is_repeated_later, **allowed)
