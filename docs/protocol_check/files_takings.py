"""Who takes a message: `fs/takings.rs`. A chain of names, none of which is ever changed: `marks/w<n>`, and who has it from then
on, or nobody. The highest counts."""

from collections import namedtuple

from .message import UNTAKEN, Taking
from .service import AN_HOUR
from .steps import create, has, names, now, put, read, rename, take

FIRST = "marks/w1"
# Who has it from now on, None: nobody; and when the file was made.
Link = namedtuple("Link", "by at")


def numbers(marks):
    """The numbers of the chain that a listing of `marks` shows."""
    return [int(name[1:]) for name in marks if name[0] == "w"]


def path(number):
    return f"marks/w{number}"


class Takings:
    """The part of `Files` that takes messages and gives them back."""

    def taking(self):
        """The first of a chain is never missing beside others, so most messages cost no listing."""
        while (yield has(FIRST)):
            newest = max(numbers((yield names("marks"))), default=0)
            link = yield read(path(newest))
            if link is not None or not self.keeps("a taking that is gone is looked for again"):
                return Taking(newest, link.by) if link else UNTAKEN
            # Its writer removed it, which came after the claim, or the purge did.
        return UNTAKEN

    def take(self, by, over=False):
        def program():
            while True:
                found = yield from self.look()
                if not found.is_visible:
                    return "missing"
                found = found._replace(taking=(yield from self.taking()))
                after, answer = found.take(by, over)
                if after == found:
                    return answer
                published = yield from self.publish(found.taking, after.taking)
                if published:
                    return "missing" if (yield from self.is_taken_too_late(after.taking.number)) else answer
        return program

    def give_back(self):
        """Ends the taking that it found: what comes after this one is another's."""
        def program():
            found = yield from self.look()
            if not found.is_visible:
                return "missing"
            taking = yield from self.taking()
            found = found._replace(taking=taking)
            after = found.give_back(taking.number)
            if after == found:
                return "nobody's"
            # Where the name is there, somebody else has given it back.
            yield from self.publish(taking, after.taking)
            return "missing" if (yield from self.is_taken_too_late(after.taking.number)) else "given back"
        return program

    def publish(self, before, after):
        """Makes the next name: of those that found the same, one does. Our own, whose answer was lost, is ours."""
        link = Link(after.by, (yield now()))
        if not self.keeps("a taking is a name of its own") and before.by is not None and after.by is not None:
            if (yield rename(path(before.number), path(after.number))):
                yield put(path(after.number), link)
                return True
            return False
        if not self.keeps("a name is made once"):
            yield put(path(after.number), link)
            return True
        return (yield create(path(after.number), link)) or (yield read(path(after.number))) == link

    def is_taken_too_late(self, number):
        """A name that comes after the claim is removed by its own writer."""
        if not self.keeps("a late taking is removed by its writer") or not (yield has("purging/m")):
            return False
        yield take(path(number))
        return True

    def clear_takings(self):
        """The first goes last, as it tells of the others."""
        if (yield has(FIRST)):
            for number in sorted(numbers((yield names("marks"))), reverse=True):
                yield take(path(number))

    def tidy_takings(self, marks):
        """Removes what no longer counts, once what counts is an hour old. The first stays."""
        newest = max(numbers(marks), default=0)
        link = yield read(path(newest))
        if link is None or link.at + AN_HOUR > (yield now()):
            return
        for number in sorted(numbers(marks)):
            if number not in (newest, 1 if self.keeps("the first of a chain stays") else None):
                yield take(path(number))


def taking_in(files):
    """As it stands, at one moment."""
    newest = max(numbers(name.split("/")[1] for name in files if name.startswith("marks/")), default=0)
    return Taking(newest, files[path(newest)].by) if newest else UNTAKEN
