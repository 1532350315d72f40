"""What must hold: the steps of the code, on each storage.

The names say what stands at first, and who is at work side by side. F is the file system, D is DynamoDB with S3, B is Blob
Storage.

The long form allows two deaths and a lost answer, but for the scenarios with `is_fixed`: most of these are large, and the short
form allows what `short` says or leaves them out.
"""

import functools

from . import clouds, files, service
from .cast import CASE, OTHER_CASE, TRASH, Cast
from .engine import actor
from .message import TOMBSTONE, Facts
from .promises import ALWAYS, CLOSED, DECIDES

NO_CRASH, NOTHING_GOES_WRONG = {"crashes": 0}, {"crashes": 0, "lost": 0}


def large(short=None):
    return {"is_fixed": True, "short": short}


def on_files():
    cast = Cast("F")
    of, live = cast.scenario, cast.live
    deposit, repeat, refused, read = cast.deposit(), cast.repeat(), cast.repeat(is_full=True), cast.read()
    delete, undo, sweep, attempts, listing = cast.delete(), cast.undo(), cast.sweep(), cast.sweep_attempts(), cast.listing()
    forget, undo_case, case_sweep, tidy = cast.forget(), cast.undo_case(), cast.sweep_case(), cast.tidy()
    page = cast.listing("page")
    other_sweep, other_case_sweep = cast.sweep("other sweep"), cast.sweep_case(name="other case sweep")
    other_attempts = cast.sweep_attempts("other sweep of attempts")
    writers = [actor(f"to {status}", "writer", files.chain_writer(status)) for status in ("undone", "erasing", "erased")]
    return [
        of("F1 deposit | repeat | mark read", {}, [deposit, repeat, read], crashes=1, lost=1),
        of("F2 deposit | repeat | delete", {}, [deposit, repeat, delete], crashes=2),
        of("F3 deposit | refused repeat | sweep of attempts", {}, [deposit, refused, attempts], crashes=1),
        of("F4 slow deposit | two sweeps of attempts", {}, [deposit, attempts, other_attempts], crashes=1, lost=1),
        of("F5 trash due | sweep | slow repeat | list", live(TRASH), [sweep, repeat, listing], clock=1, crashes=1),
        of("F6 trash due | undo | two sweeps", live(TRASH), [undo, sweep, other_sweep], clock=1, crashes=1, lost=1),
        of("F7 live | delete | undo | list", live(), [delete, undo, listing], crashes=1),
        of("F8 live | two deletes | undo", live(), [delete, cast.delete("other delete"), undo], crashes=1, ticks=1),
        of("F9 trash due | undo | delete again | sweep", live(TRASH), [undo, cast.delete(window=9), sweep],
           clock=1, crashes=1, lost=1),
        of("F10 live | mark read | delete | page", live(), [read, delete, page]),
        of("F11 live | mark read | mark unread | page", live(), [read, cast.unread(), page]),
        of("F12 trash due | sweep | mark read | list", live(TRASH), [sweep, read, listing], clock=1, crashes=1),
        of("F13 live, a stale entry | delete | sweep", cast.stale(), [delete, sweep], crashes=1, lost=1, ticks=1),
        of("F14 live | forget | its undo | case sweep", live(), [forget, undo_case, case_sweep], crashes=1, ticks=1, **large()),
        of("F15 held | undo of case | case sweep due | list", live(CASE), [undo_case, case_sweep, listing], clock=1, crashes=1),
        of("F16 held | undo of case | two case sweeps due", live(CASE), [undo_case, case_sweep, other_case_sweep],
           clock=1, crashes=1, lost=1, **large(NOTHING_GOES_WRONG)),
        of("F17 live | forget | delete | sweep", live(), [forget, delete, sweep], crashes=1, ticks=1),
        of("F18 live | forget | mark read | its undo", live(), [forget, read, undo_case], crashes=1),
        of("F19 trash due | forget | sweep | undo", live(TRASH), [forget, sweep, undo], crashes=1, ticks=1),
        of("F20 held by 1 | forget 2 | undo 1 | list", live(CASE), [cast.forget("2"), undo_case, listing], crashes=1),
        of("F21 held by both | case sweep of 1 due | undo 2 | list", live(CASE, OTHER_CASE),
           [case_sweep, cast.undo_case("2"), listing], clock=1, crashes=1),
        of("F22 deposit | forget | case sweep", {}, [deposit, forget, case_sweep], crashes=1, ticks=1, **large()),
        of("F23 held, and in the trash, due | undo of case | sweep | list", live(CASE, TRASH), [undo_case, sweep, listing],
           clock=1, crashes=1),
        of("F24 tombstone | its expiry | page | mark read", {files.ROW: TOMBSTONE, files.CLAIM: ""}, [cast.expire(), page, read],
           crashes=1),
        of("F25 deposit | tidying | refused repeat", {}, [deposit, tidy, refused], crashes=1),
        of("F26 live, a stale entry | delete | tidying | sweep", cast.stale(), [delete, tidy, sweep], crashes=1, ticks=1),
        of("F27 held | undo of case | tidying | case sweep due", live(CASE), [undo_case, tidy, case_sweep], clock=1, crashes=1),
        of("F28 deposit, a case due | case sweep | sweep of attempts", cast.pending(), [deposit, case_sweep, attempts],
           clock=1, crashes=1, **large(NO_CRASH)),
        of("F29 live | two forgets | undo of one", live(), [forget, cast.forget("2"), undo_case], crashes=1, **large(NO_CRASH)),
        of("F30 later call | forget | case sweep", {}, [cast.deposit(received=1), forget, case_sweep], crashes=1, ticks=1),
        of("F31 deposit | delete mailbox | make it again", cast.mailbox(), [deposit, cast.delete_mailbox(), cast.make_mailbox()],
           crashes=1),
        of("F32 held by both, due | the sweep of each", live(CASE, OTHER_CASE), [case_sweep, cast.sweep_case("2", "sweep of 2")],
           clock=1, crashes=1),
        of("F33 trash due, read | sweep | undo | page", {**live(TRASH), files.READ: ""}, [sweep, undo, page], clock=1, crashes=1),
        of("F34 a chain, step by step | three writers", {"chain/1": "pending"}, writers,
           crashes=1, lost=1, promises=DECIDES, ends=(), recovery=()),
        of("F35 live | two takes | give back", live(), [cast.take(), cast.take("carol"), cast.give_back()], crashes=1, lost=1),
        of("F36 taken | two take-overs | list", cast.taken(), [cast.take_over(), cast.take_over("carol"), listing],
           crashes=1, lost=1),
        of("F37 taken | give back | take | take over", cast.taken(), [cast.give_back(), cast.take(), cast.take_over("carol")],
           crashes=1, lost=1),
        of("F38 taken | delete | undo | take over", cast.taken(), [delete, undo, cast.take_over()], crashes=1),
        of("F39 taken | mark read | give back | page", cast.taken(), [read, cast.give_back(), page], crashes=1),
        of("F40 taken | forget | its undo | give back", cast.taken(), [forget, undo_case, cast.give_back()], crashes=1),
        of("F41 taken, trash due | sweep | undo | take over", cast.taken(TRASH), [sweep, undo, cast.take_over()],
           clock=1, crashes=1),
        of("F42 taken, a case erases it | case sweep | take over | page", cast.erasing(), [case_sweep, cast.take_over(), page],
           clock=1, crashes=1),
        of("F43 taken often | tidying | take over | give back", cast.taken(number=5), [tidy, cast.take_over(), cast.give_back()],
           clock=service.AN_HOUR, crashes=1),
    ]


def if_blobs(letter, **allowed):
    """What is allowed on Blob Storage alone: it takes more steps, or `gaps` and the document tell what more would find."""
    return {"is_fixed": True, "short": {}} | allowed if letter == "B" else {}


def on_clouds(letter):
    cast = Cast(letter)
    live = cast.live
    deposit, repeat, refused, read = cast.deposit(), cast.repeat(), cast.repeat(is_full=True), cast.read()
    delete, undo, sweep, attempts, orphans = cast.delete(), cast.undo(), cast.sweep(), cast.sweep_attempts(), cast.orphans()
    forget, undo_case, case_sweep = cast.forget(), cast.undo_case(), cast.sweep_case()
    other_sweep, other_case_sweep = cast.sweep("other sweep"), cast.sweep_case(name="other case sweep")
    other_attempts = cast.sweep_attempts("other sweep of attempts")
    unjournaled = {**live(), "audio/a0": clouds.PLAIN, "callers/a0": Facts("a0", 0, 1)}
    fenced = {clouds.ROW: clouds.Fence(frozenset({"a1"}), 1)}
    on_blobs = functools.partial(if_blobs, letter)

    def of(name, start, actors, **allowed):
        return cast.scenario(f"{letter}{name}", start, actors, **allowed)

    return [
        of("1 deposit | repeat | mark read", {}, [deposit, repeat, read], crashes=1, lost=1),
        of("2 deposit | repeat | delete", {}, [deposit, repeat, delete], crashes=2),
        of("3 deposit | refused repeat | sweep of attempts", {}, [deposit, refused, attempts], crashes=1),
        of("4 slow deposit | two sweeps of attempts", {}, [deposit, attempts, other_attempts], crashes=1, lost=1),
        of("5 live, a recording of no attempt | two sweeps of orphans | sweep of attempts", unjournaled,
           [orphans, cast.orphans("other sweep of orphans"), attempts], clock=service.AN_HOUR, crashes=1, lost=1),
        of("6 trash due | sweep | slow repeat", live(TRASH), [sweep, repeat], clock=1, crashes=1, lost=1),
        of("7 trash due | undo | two sweeps", live(TRASH), [undo, sweep, other_sweep], clock=1,
           **{"crashes": 1, "lost": 1} | on_blobs(crashes=0)),
        of("8 trash due | undo | sweep", live(TRASH), [undo, sweep], clock=1, crashes=1, lost=1),
        of("9 live | two deletes | undo", live(), [delete, cast.delete("other delete"), undo], crashes=1, lost=1, ticks=1),
        of("10 trash due | undo | delete again | sweep", live(TRASH), [undo, cast.delete(window=9), sweep],
           clock=1, crashes=1, lost=1),
        of("11 live, a stale entry | delete | sweep", cast.stale(), [delete, sweep], crashes=1, ticks=1, cases=(), **on_blobs()),
        of("12 live | forget | its undo | case sweep", live(), [forget, undo_case, case_sweep], crashes=1, ticks=1,
           **on_blobs(short=NO_CRASH)),
        of("13 held | undo of case | two case sweeps due", live(CASE), [undo_case, case_sweep, other_case_sweep],
           clock=1, crashes=1, lost=1, **on_blobs(short=NOTHING_GOES_WRONG)),
        of("14 live | forget | delete | sweep", live(), [forget, delete, sweep], crashes=1, ticks=1, **on_blobs()),
        of("15 live | forget | mark read | its undo", live(), [forget, read, undo_case], crashes=1),
        of("16 trash due | forget | sweep | undo", live(TRASH), [forget, sweep, undo], crashes=1, ticks=1),
        of("17 held by 1 | undo 1 | forget 2", live(CASE), [undo_case, cast.forget("2")], crashes=1, lost=1),
        of("18 held by both | case sweep of 1 due | undo 2", live(CASE, OTHER_CASE), [case_sweep, cast.undo_case("2")],
           clock=1, crashes=1, lost=1),
        of("19 deposit | forget | case sweep", {}, [deposit, forget, case_sweep], crashes=1, ticks=1, **on_blobs(short=None)),
        of("20 deposit, a case due | case sweep | sweep of attempts", cast.pending(), [deposit, case_sweep, attempts],
           clock=1, crashes=1, **on_blobs(short=None)),
        of("21 live | two forgets | undo of one", live(), [forget, cast.forget("2"), undo_case], crashes=1,
           **on_blobs(short=NO_CRASH)),
        of("22 a case erased long ago | deposit | sweep of attempts", cast.erased(), [deposit, attempts],
           clock=1, crashes=1, lost=1, cases=()),
        of("23 a fenced attempt | it goes on | repeat", fenced, [deposit, repeat], crashes=1, lost=1),
        of("24 later call | forget | case sweep", {}, [cast.deposit(received=1), forget, case_sweep], crashes=1, ticks=1),
        of("25 deposit | delete mailbox | make it again", cast.mailbox(), [deposit, cast.delete_mailbox(), cast.make_mailbox()],
           crashes=1, promises=[promise for promise in ALWAYS if promise[0] != "a new mailbox is empty"]),
        of("26 held | undo of case | tidying | case sweep due", live(CASE), [undo_case, cast.tidy(), case_sweep],
           clock=1, crashes=1),
        of("27 held by both, due | the sweep of each", live(CASE, OTHER_CASE), [case_sweep, cast.sweep_case("2", "sweep of 2")],
           clock=1, crashes=1, lost=1),
        of("28 in the trash, of a case erased long ago | sweep of attempts", cast.created_late(), [attempts],
           clock=1, crashes=1, recovery=cast.soon(), promises=(), ends=CLOSED),
        of("29 live | two takes | give back", live(), [cast.take(), cast.take("carol"), cast.give_back()], crashes=1, lost=1),
        of("30 taken | give back | take | take over", cast.taken(), [cast.give_back(), cast.take(), cast.take_over("carol")],
           crashes=1, lost=1),
        of("31 taken | give back | take", cast.taken(), [cast.give_back(), cast.take()], crashes=1, lost=1),
        of("32 taken | delete | undo | take over", cast.taken(), [delete, undo, cast.take_over()], crashes=1, lost=1),
        of("33 taken | forget | its undo | give back", cast.taken(), [forget, undo_case, cast.give_back()], crashes=1, lost=1),
        of("34 taken, a case erases it | case sweep | take over", cast.erasing(), [case_sweep, cast.take_over()],
           clock=1, crashes=1, lost=1),
    ]


def scenarios():
    return on_files() + on_clouds("D") + on_clouds("B")


def gaps():
    """What the code does not hold today, each with the promise that breaks. One that is closed is a failure, too: it belongs
    among the scenarios then."""
    found = []

    def gap(letter, name, breaks, start, actors, *left_out, **allowed):
        cast = Cast(letter, *left_out)
        found.append(cast.scenario(f"G{letter}{name}", start(cast), actors(cast), breaks=breaks, **allowed))

    for letter in "DB":
        gap(letter, "1 a deposit dies between the writes of marker and journal", "a case is closed as it was decided",
            lambda cast: cast.pending(), lambda cast: [cast.deposit()], "no marker without its journal", clock=1, crashes=1)
        gap(letter, "2 a commit that is slower than the look at its mailbox beside it", "a new mailbox is empty",
            lambda cast: cast.mailbox(), lambda cast: [cast.deposit(), cast.delete_mailbox(), cast.make_mailbox()])
    gap("B", "3 two sweeps, and an entry that one of them listed before it told what is left", "nothing is left behind",
        lambda cast: cast.live(TRASH), lambda cast: [cast.sweep(), cast.sweep("other sweep")], clock=1, crashes=1)
    return found
