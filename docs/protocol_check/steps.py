"""The steps that a program may take, each of them atomic but for `names`, and what they do to the files.

Files are a dictionary from path to content; a path is a folder and a name.
"""

import itertools


def read(path):
    """Answers the content, or None."""
    return ("read", path)


def has(path):
    """Answers whether it is there: by opening it, never from a cache."""
    return ("has", path)


def names(folder):
    """Answers the names in a folder."""
    return ("names", folder)


def create(path, content=""):
    """Makes a name unless it is there: link(2) of a temporary file, O_EXCL, or If-None-Match. Answers whether it made it."""
    return ("create", path, content)


def place(path, content=""):
    """The same where it does not matter who made it. Answers nothing."""
    return ("place", path, content)


def link(source, target):
    """link(2) of a name that is there: "done", "there", or "no source"."""
    return ("link", source, target)


def rename(source, target):
    """rename(2): whether the source was there."""
    return ("rename", source, target)


def put(path, content=""):
    """Writes a name whatever is there; readers see the one or the other."""
    return ("put", path, content)


def take(path):
    """Removes a name. Answers nothing: that it was not there tells nothing on NFS."""
    return ("take", path)


def atomically(function):
    """One conditional write: `function(files)` gives what changes (None removes) and the answer."""
    return ("atomically", function)


def now():
    """Answers the clock."""
    return ("now",)


def both(*programs):
    """Runs programs side by side. Answers what each returned."""
    return ("both", programs)


def single(step):
    """A program of one step, for `both`."""
    def program():
        return (yield step)
    return program


def perform(files, step, clock):
    """A step's answer, the files after it where it changes them, and the names that come (+) and go (-)."""
    kind = step[0]
    if kind == "read":
        return files.get(step[1]), None, ()
    if kind == "has":
        return step[1] in files, None, ()
    if kind == "now":
        return clock, None, ()
    if kind == "create":
        _, path, content = step
        return (False, None, ()) if path in files else (True, {**files, path: content}, (("+", path),))
    if kind == "place":
        return (None, *perform(files, ("create", *step[1:]), clock)[1:])
    if kind == "put":
        _, path, content = step
        return None, {**files, path: content}, () if path in files else (("+", path),)
    if kind == "take":
        return (None, *without(files, step[1])) if step[1] in files else (None, None, ())
    if kind == "link":
        _, source, target = step
        if source not in files or target in files:
            return "there" if source in files else "no source", None, ()
        return "done", {**files, target: files[source]}, (("+", target),)
    if kind == "rename":
        _, source, target = step
        if source not in files:
            return False, None, ()
        rest, gone = without(files, source)
        return True, {**rest, target: files[source]}, gone + (() if target in files else (("+", target),))
    if kind == "atomically":
        changes, answer = step[1](files)
        return answer, *applied(files, changes)
    raise ValueError(step)


def without(files, path):
    return {name: content for name, content in files.items() if name != path}, (("-", path),)


def applied(files, changes):
    after = {path: content for path, content in {**files, **changes}.items() if content is not None}
    touched = [("-", path) for path in files if path not in after] + [("+", path) for path in after if path not in files]
    return (after, tuple(touched)) if after != files else (None, ())


def folder(path):
    return path.split("/", 1)[0]


def listed(files, which):
    return frozenset(path for path in files if folder(path) == which)


def subsets(paths):
    paths = sorted(paths)
    return (frozenset(some) for size in range(len(paths) + 1) for some in itertools.combinations(paths, size))


def play(files, program, clock):
    """Runs a program alone. The files after it, what it returned, and its steps."""
    log, running = [], program()
    try:
        step = next(running)
        while True:
            if step[0] == "names":
                answer = frozenset(path.split("/", 1)[1] for path in listed(files, step[1]))
            elif step[0] == "both":
                answers = []
                for part in step[1]:
                    files, returned, steps = play(files, part, clock)
                    answers.append(returned)
                    log += steps
                answer = tuple(answers)
            else:
                answer, after, _ = perform(files, step, clock)
                if after is not None:
                    files = after
                    log.append((step, answer))
            step = running.send(answer)
    except StopIteration as end:
        return files, end.value, log


def text(step):
    if step[0] == "atomically":
        return getattr(step[1], "told", step[1].__name__)
    return " ".join(str(part) for part in step)
