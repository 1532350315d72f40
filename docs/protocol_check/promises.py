"""What must hold at every moment, and what must hold once the sweeps have run. A check answers what is wrong, or None."""

from .engine import CRASHED
from .message import DECIDED, case_of, covers
from .service import CHAIN
from .steps import folder


def did(moment, *kinds):
    """What the actors of these kinds returned, those that have ended."""
    actors = moment.scenario.actors
    returned = [moment.results[one.name] for one in actors if one.kind in kinds]
    return [result for result in returned if result not in (None, CRASHED)]


def has_actor(moment, *kinds):
    return any(one.kind in kinds for one in moment.scenario.actors)


def told(moment):
    return sorted(moment.files)


def is_decided(moment, but_for=None):
    """Whether a case is erasing or erased, but for this one."""
    cases = [(path.split("/")[1], case) for path, case in moment.files.items() if folder(path) == "case"]
    return any(case.status in DECIDED and key != but_for for key, case in cases)


def undone_cases(moment):
    """The cases whose undo was acknowledged. An actor's name ends with its case."""
    undos = [one.name for one in moment.scenario.actors if one.kind == "undo of case" and moment.results[one.name] == "undone"]
    return [name.split()[-1] for name in undos]


# At every moment.


def recording_is_there(moment):
    message = moment.view
    if message.facts and message.is_live and f"audio/{message.facts.attempt}" not in moment.files:
        return f"a message without its recording: {told(moment)}"


def marker_is_there(moment):
    message = moment.view
    if message.facts and message.is_live and f"callers/{message.facts.attempt}" not in moment.files:
        return f"a message that its caller's marker does not tell: {told(moment)}"


def listing_is_true(moment):
    """A listing shows what stood at one moment while it ran. Where one hold went and another came meanwhile it may have seen
    neither, as if the one had gone before the other came."""
    for one in moment.scenario.actors:
        seen = moment.intervals[one.name]
        if one.kind != "list" or seen is None or moment.results[one.name] is None:
            continue
        message = moment.results[one.name][1]
        shown = message and message.shown
        where = "visible" if shown in ("new", "old") else shown
        swapped = shown is not None and ("hold", "-") in seen and ("hold", "+") in seen
        if ("shown", where) not in seen and not swapped:
            return f"{shown} was listed, of {sorted(map(str, seen))}"
        if where == "visible" and ("read", shown == "old") not in seen:
            return f"{shown} was listed, of {sorted(map(str, seen))}"
        if shown and ("taking", message.taking.number) not in seen:
            return f"{message.taking} was listed, of {sorted(map(str, seen))}"


def takes(moment):
    """The takes that were answered that the message is theirs: by whom, since which number."""
    for one in moment.scenario.actors:
        result = moment.results[one.name]
        if one.kind in ("take", "take over") and result and result[0] == "taken":
            yield one.name.split()[-1], result[1]


def one_has_it(moment):
    """Each taking is one user's, and who has it was answered so."""
    holders = {moment.view.taking.number: moment.view.taking.by} if moment.view.facts else {}
    for by, since in takes(moment):
        if holders.setdefault(since, by) != by:
            return f"{by} and {holders[since]} have it since {since}: {told(moment)}"


def taking_is_kept(moment):
    """Until the message goes its number never falls, whatever is done to it."""
    if not moment.view.facts or moment.view.is_claimed:
        return None
    first = moment.scenario.view(moment.scenario.start).taking.number
    answered = [since for _, since in takes(moment)]
    number, by, _ = moment.view.taking
    if number < max([first, *answered]) or any(since < first for since in answered):
        return f"its taking was {first}, {answered} were answered, it is {number}: {told(moment)}"
    if (number % 2 == 1) != (by is not None):
        return f"taking {number} is {by}'s"


def given_back_once(moment):
    """Where alice had it, and it is given back once: who takes it then has it."""
    had_it = moment.scenario.view(moment.scenario.start).taking.by is not None
    if not had_it or did(moment, "give back") != ["given back"] or has_actor(moment, "take over") or not moment.view.facts:
        return None
    for by, since in takes(moment):
        if moment.view.is_live and moment.view.taking.by != by:
            return f"{by} has it since {since}, and nobody gave that back: {moment.view.taking}"


def undo_is_kept(moment):
    if "back" in did(moment, "undo") and moment.view.is_gone and not has_actor(moment, "delete", "forget", "case sweep"):
        return f"purged after a successful undo: {told(moment)}"


def undo_of_case_is_kept(moment):
    for case in undone_cases(moment):
        if moment.view.is_gone and not has_actor(moment, "sweep") and not is_decided(moment, but_for=case):
            return f"purged after a successful undo of case {case}: {told(moment)}"


def hidden_is_hidden(moment):
    """An acknowledged delete or forget of a message that was there before, and nobody undoes it."""
    scenario = moment.scenario
    if scenario.view(scenario.start).facts is None or has_actor(moment, "undo", "undo of case"):
        return None
    for kind, result in (("delete", "deleted"), ("forget", "hidden")):
        if result in did(moment, kind) and moment.view.is_visible:
            return f"{kind} was acknowledged, the message shows: {told(moment)}"


def purged_in_time(moment):
    """With the clock at 0 nothing is due and no case is erasing."""
    if moment.clock == 0 and moment.view.is_gone and not moment.scenario.view(moment.scenario.start).is_gone:
        return f"purged before its time: {told(moment)}"


def new_mailbox_is_empty(moment):
    """Once both are acknowledged: the deposit into an earlier generation, and the mailbox that was made anew."""
    if "created" in did(moment, "deposit") and "made" in did(moment, "make mailbox") and moment.view.is_visible:
        return f"a message of a deleted mailbox shows in the new one: {told(moment)}"


def certificate_is_true(moment):
    """A deposit that begins later is turned away: on the file system before its commit, on the clouds right after it."""
    if not moment.files.get(CHAIN):
        return None
    message, is_alone = moment.view, not has_actor(moment, "deposit")
    if message.facts and covers(message.facts) and (moment.scenario.asks_first or is_alone):
        return f"a certificate, and the message is there: {told(moment)}"
    if is_alone and any(folder(path) == "audio" for path in moment.files) and message.facts is None:
        return f"a certificate, and a recording is there: {told(moment)}"


ALWAYS = [
    ("a message has its recording", recording_is_there),
    ("a message is found by its caller", marker_is_there),
    ("a listing shows what was there", listing_is_true),
    ("one has it", one_has_it),
    ("a taking is kept", taking_is_kept),
    ("a give-back ends one taking", given_back_once),
    ("an undo is kept", undo_is_kept),
    ("the undo of a case is kept", undo_of_case_is_kept),
    ("what is hidden stays hidden", hidden_is_hidden),
    ("nothing is purged before its time", purged_in_time),
    ("a new mailbox is empty", new_mailbox_is_empty),
    ("a certificate is true", certificate_is_true),
]


# Once the sweeps have run.


def deposit_is_kept(moment):
    acknowledged = {"created", "repeat"} & set(did(moment, "deposit"))
    if acknowledged and not has_actor(moment, "delete", "sweep", "mailbox") and not is_decided(moment):
        message = moment.view
        if not message.is_visible or recording_is_there(moment) or marker_is_there(moment):
            return f"a deposit was acknowledged, left is {told(moment)}"


def nothing_is_left(moment):
    message, files = moment.view, moment.files
    attempt = message.facts.attempt if message.facts else None
    left = [path for path in files if folder(path) in ("audio", "callers") and path.split("/")[1] != attempt]
    left += [path for path in files if folder(path) in ("arriving", "dead", "due")]
    left += [path for path in files if folder(path) in ("marks", "holds") and attempt is None]
    left += [f"{hold}, which is over" for hold in message.holds if hold[0] in "td"]
    for hold in message.holds:
        if hold[0] == "c" and files[f"case/{case_of(hold)}"].status in ("undone", "erased"):
            left.append(f"{hold}, whose case is closed")
    if message.facts and message.is_claimed:
        left.append("a claim whose purge nobody finishes")
    return f"{left} of {told(moment)}" if left else None


def undo_shows(moment):
    results = did(moment, "undo")
    if has_actor(moment, "delete", "forget", "case sweep"):
        return None
    if "back" in results and not moment.view.is_visible:
        return f"an undo was acknowledged, left is {told(moment)}"
    if "gone" in results and moment.view.is_visible:
        return "an undo answered that the message is gone, and it shows"


def cases_are_closed(moment):
    message = moment.view
    for path, case in moment.files.items():
        if folder(path) != "case":
            continue
        if case.status not in ("undone", "erased"):
            return f"{path} is {case.status} for ever: {told(moment)}"
        if case.status == "erased" and message.facts and covers(message.facts):
            return f"{path} is erased, its message is there: {told(moment)}"
        if case.status == "erased" and path.split("/")[1] not in (moment.files.get(CHAIN) or ()):
            return f"{path} is erased without a certificate in the chain"
    chain = moment.files.get(CHAIN) or ()
    if len(set(chain)) != len(chain):
        return f"a case has two certificates: {chain}"


def undo_of_case_shows(moment):
    if moment.scenario.view(moment.scenario.start).facts is None or has_actor(moment, "delete", "sweep", "mailbox"):
        return None
    for case in undone_cases(moment):
        if not moment.view.is_visible and not is_decided(moment, but_for=case):
            return f"case {case} was undone, left is {told(moment)}"


def read_mark_is_kept(moment):
    if "read" in did(moment, "mark read") and not has_actor(moment, "mark unread") and moment.view.shown == "new":
        return f"a message was marked read, it is new: {told(moment)}"


def purged_is_purged(moment):
    """What was purged never comes back, nor does its recording."""
    if "purged" in did(moment, "sweep") and moment.view.facts:
        return f"a message that was purged is back: {told(moment)}"


def later_call_is_kept(moment):
    """A case does not touch what was received after its scope."""
    message = moment.view
    if message.facts and not covers(message.facts) and not message.is_visible and not has_actor(moment, "delete"):
        return f"a later call is hidden: {told(moment)}"


AT_THE_END = [
    ("an acknowledged deposit is kept", deposit_is_kept),
    ("nothing is left behind", nothing_is_left),
    ("an undo brings the message back", undo_shows),
    ("a case is closed as it was decided", cases_are_closed),
    ("the undo of a case brings the message back", undo_of_case_shows),
    ("a read mark is kept", read_mark_is_kept),
    ("what was purged stays purged", purged_is_purged),
    ("a later call is kept", later_call_is_kept),
]


# Of one part by itself.


def shown_is_not_scheduled(moment):
    """Where nobody hides meanwhile: a slow pass may schedule a deletion once more. The sweeps of the next hour cancel it."""
    if moment.view.is_visible and any(path.startswith("audio/") and audio.is_scheduled for path, audio in moment.files.items()):
        return f"a message shows whose recording the storage will delete: {told(moment)}"


def newest_change_counts(moment):
    audio = moment.files["audio/a1"]
    if audio.tagged != audio.number:
        return f"the tags are those of change {audio.tagged}, of {audio.number}"


def one_was_decided(moment):
    decided = {result for result in moment.results.values() if result not in (None, CRASHED)}
    if len(decided) > 1:
        return f"two fates: {sorted(decided)}"


DECIDES = [("a case has one fate", one_was_decided)]
UNSCHEDULED = [("what shows is not scheduled for deletion", shown_is_not_scheduled)]
NEWEST = [("the newest change of a recording counts", newest_change_counts)]
KEPT = [("a message has its recording", recording_is_there)]
CLOSED = [("a case is closed as it was decided", cases_are_closed)]
