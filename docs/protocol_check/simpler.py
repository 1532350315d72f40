"""Orders that are simpler, and break a promise each: why the steps are what they are.

The state of a message is a name that is made after its commit and renamed, all attempts share one recording and one marker, and a
purge leaves nothing:

    messages/m  audio/m  callers/m     new/m, old/m, hid/new, hid/old, hid/purging     due/m
"""

from .engine import Scenario, actor
from .message import NOTHING, Facts, Message
from .steps import create, folder, has, names, put, rename, take


def deposit(attempt, repairs, is_full=False):
    """The link is the commit, the state comes after it. `repairs`: a repeat makes a state that it does not see."""
    def program():
        yield put("audio/m", attempt)
        yield create("callers/m")
        if is_full and (yield names("new")):
            yield take("callers/m")
            yield take("audio/m")
            return "full"
        if (yield create("messages/m", attempt)):
            yield create("new/m")
            return "created"
        if repairs:
            is_seen = False
            for state in ("new", "old", "hid"):
                is_seen = bool((yield names(state))) or is_seen
            if not is_seen:
                yield create("new/m")
        return "repeat"
    return program


def mark_read():
    return "read" if (yield rename("new/m", "old/m")) else "missing"


def delete():
    yield create("due/m")
    for state in ("new", "old"):
        if (yield rename(f"{state}/m", f"hid/{state}")):
            return "deleted"
    return "missing"


def undo():
    for state in ("new", "old"):
        if (yield rename(f"hid/{state}", f"{state}/m")):
            return "back"
    return "gone"


def sweep():
    if not (yield names("due")):
        return "nothing"
    is_claimed = False
    for state in sorted((yield names("hid"))):
        is_claimed = state == "purging" or (yield rename(f"hid/{state}", "hid/purging")) or is_claimed
    if not is_claimed:
        yield take("due/m")
        return "undone"
    yield take("audio/m")
    if (yield has("audio/m")):
        return "failed"
    for path in ("messages/m", "hid/purging", "callers/m", "due/m"):
        yield take(path)
    return "purged"


def listing(*folders):
    """How often the message was listed."""
    def program():
        times = 0
        for one in folders:
            times += len((yield names(one)))
        return times
    return program


def renaming():
    """The state in the name, in one folder."""
    return "read" if (yield rename("new/m.n", "new/m.o")) else "missing"


def view(files):
    states = [path for path in files if folder(path) in ("new", "old")]
    is_hidden = "messages/m" not in files or any(path.startswith("hid/") for path in files)
    return NOTHING if is_hidden or not states else Message(Facts("m", 0, 1), states[0].startswith("old"), frozenset(), False)


def one_state(moment):
    states = [path for path in moment.files if folder(path) in ("new", "old", "hid")]
    return f"in two states: {sorted(states)}" if len(states) > 1 else None


def own_recording(moment):
    facts, audio = moment.files.get("messages/m"), moment.files.get("audio/m")
    if moment.view.is_visible and audio != facts:
        return f"the message of {facts} has the recording of {audio}"


def own_marker(moment):
    if moment.view.is_visible and "callers/m" not in moment.files:
        return "a message without its caller's marker"


def listed_once(moment):
    for name, seen in moment.intervals.items():
        times = moment.results[name]
        if seen is None or times is None:
            continue
        if times > 1 or times == 0 and ("shown", None) not in seen:
            return f"listed {times} times, of {sorted(map(str, seen))}"


def is_kept(moment):
    acknowledged = [name for name, result in moment.results.items() if result in ("created", "repeat")]
    if acknowledged and not moment.view.is_visible and not any(one.kind in ("delete", "sweep") for one in moment.scenario.actors):
        return f"{acknowledged} acknowledged it, left is {sorted(moment.files)}"


def is_purged(moment):
    if moment.results.get("sweep") == "purged" and moment.view.is_visible:
        return "a message that was purged is back"


def is_found(moment):
    if any(folder(path) == "hid" for path in moment.files) and "due/m" not in moment.files:
        return f"hidden for ever: {sorted(moment.files)}"


PROMISES = [("a message is in one state", one_state), ("a message has its own recording", own_recording),
            ("a message has its marker", own_marker), ("a listing shows it once", listed_once)]
ENDS = [("an acknowledged deposit is kept", is_kept), ("what was purged stays purged", is_purged),
        ("what is hidden is found", is_found)]

LIVE = {"audio/m": "a1", "callers/m": "", "messages/m": "a1", "new/m": ""}
NAMED = {"audio/m": "a1", "callers/m": "", "messages/m": "a1", "new/m.n": ""}
TRASHED = {"audio/m": "a1", "callers/m": "", "messages/m": "a1", "hid/new": "", "due/m": ""}


def orders():
    reading, deleting = actor("mark read", "mark read", mark_read), actor("delete", "delete", delete)
    sweeping = actor("sweep", "sweep", sweep)

    def dep(name, attempt="a1", repairs=True, is_full=False):
        return actor(name, "deposit", deposit(attempt, repairs, is_full))

    def of(name, breaks, start, *actors, **allowed):
        return Scenario(name, view, start, list(actors), [("sweep", sweep, True)], PROMISES, ends=ENDS, breaks=breaks,
                        is_repeated_later=False, **allowed)

    return [
        of("S1 the state comes after the commit | repeat", "an acknowledged deposit is kept", {},
           dep("deposit", repairs=False), dep("repeat", repairs=False), crashes=1),
        of("S2 the same, and a repeat makes the state | mark read", "a message is in one state", {},
           dep("deposit"), dep("repeat"), reading),
        of("S3 all attempts have one recording | repeat with other bytes", "a message has its own recording", LIVE,
           dep("repeat", "a2")),
        of("S4 all attempts have one recording | refused repeat", "a message has its marker", {},
           dep("deposit", is_full=True), dep("repeat", is_full=True)),
        of("S5 a purge leaves no tombstone | slow repeat", "what was purged stays purged", TRASHED, sweeping, dep("repeat")),
        of("S6 a state is a folder | mark read | list", "a listing shows it once", LIVE, reading,
           actor("list", "list", listing("new", "old"))),
        of("S7 a state is a name | mark read | list", "a listing shows it once", NAMED, actor("mark read", "mark read", renaming),
           actor("list", "list", listing("new"))),
        of("S8 a claim is believed by its own answer | two sweeps", "what is hidden is found", TRASHED,
           actor("undo", "undo", undo), sweeping, actor("other sweep", "sweep", sweep), crashes=1, lost=1),
        of("S9 an entry has a name that is used again | delete | sweep", "what is hidden is found", {**LIVE, "due/m": ""},
           deleting, sweeping),
    ]
