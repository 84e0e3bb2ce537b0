"""The expressions that are to blame for a failure, as data for a report."""

from __future__ import annotations

from gradcheck.ask.calls import undisturbed
from gradcheck.explain.blame.apart import Alive, apart, possible
from gradcheck.explain.blame.draft import Mend, Step
from gradcheck.explain.blame.patch import Change, patch
from gradcheck.explain.blame.repair import Search, search
from gradcheck.explain.blame.unset import unset_as_nan
from gradcheck.findings import NOBODY, Blame, Blamed
from gradcheck.judge.examine import Examined

SECONDS, CHECKS, MOST = 2.0, 50.0, 10.0
"""The search for an edit takes no longer than this, or than so many checks up to so many seconds where those are longer
(on a slow machine, say), or than as many calls of the claim and of f; for several edits see `WHOLE`."""
PATIENCE = 10.0
"""How many times as long it may take on a machine that has other things to do."""
AROUND = 3
"""Lines shown before and after."""


def blamed(seen: Examined) -> Blamed:
    """Search the claim's source, in a process of its own, for what is wrong with it."""
    if not possible():
        return Blamed(remark="repairs are tried in a copy of the process, which this system cannot make")
    budget = seen.task.options.budget
    if budget == 0.0:
        return NOBODY
    calls = seen.task.f.seconds + seen.task.claim.seconds
    usual = max(SECONDS, min(CHECKS * seen.seconds, MOST), CHECKS * calls)
    seconds = usual if budget is None else budget
    # to begin takes time too, which is no work of the search
    limit = PATIENCE * max(usual, seconds)
    with undisturbed():
        found = apart(lambda alive: _searched(seen, seconds, alive), 0.25 * limit, limit)
    return found if isinstance(found, Blamed) else Blamed(remark=_HANGS)


_HANGS = (
    "the search for a repair came to no end: f or the claim, or an edit of it, hangs in a copy of this process "
    "(as what has threads of its own may)"
)


def _searched(seen: Examined, seconds: float, alive: Alive) -> Blamed:
    try:
        with unset_as_nan():
            found = search(seen, seconds, alive)
        return _told(seen, found)
    except Exception as error:  # the verdict stands, whatever becomes of the search
        return Blamed(
            remark=f"the search for a repair failed ({type(error).__name__}: {error}); please report it"
        )


def _told(seen: Examined, found: Search) -> Blamed:
    names = [slot.path for slot in seen.task.where.slots]
    blame = tuple(_blame(one, names, found) for one in found.mends)
    changes = [Change(one.function.source, one.node, one.text) for one in found.mends]
    remark = found.said
    if found.left and not found.mends and found.tried:
        tried = f"No edit of one expression makes a wrong leaf right; {found.tried:,} were tried."
        remark = f"{tried} {remark}" if remark else tried
    return Blamed(blame, patch(changes) if found.proved else "", remark)


def _blame(one: Mend, names: list[str], found: Search) -> Blame:
    node, source = one.node, one.function.source
    assert node.end_lineno is not None and node.end_col_offset is not None
    leaves = one.step.leaves | one.step.nearer if found.proved else one.step.leaves
    return Blame(
        file=source.path,
        line=node.lineno,
        end_line=node.end_lineno,
        column=node.col_offset,
        end_column=node.end_col_offset,
        expression=source.segment(node),
        message=_message(one, names, found),
        repair=one.text,
        leaves=tuple(names[number] for number in sorted(leaves)),
        proved=found.proved,
        function=one.function.name,
        lines=source.around(node, AROUND),
    )


def _message(one: Mend, names: list[str], found: Search) -> str:
    old, step = one.function.source.segment(one.node), one.step
    being = f"{old} is {step.was} of f. " if step.was else ""
    which = f", which is {step.now} of f," if step.now else ""
    with_it = f"With {one.text}{which}" if which else f"With {_placed(old, one.text)},"
    return f"{being}{with_it} {_right(one.step, names, found)}"


def _placed(old: str, text: str) -> str:
    """The new text, of which what stands there already is not said again."""
    if text in ("", "pass"):
        return "nothing in its place"
    if text.startswith((f"{old}\n", f"{old}; ")):
        return f"{_plain(text.removeprefix(old))} after it"
    lines = text.split("\n")
    if (len(lines) > 1 and lines[-1].strip() == old) or text.endswith(f"; {old}"):
        return f"{_plain(text.removesuffix(old))} before it"
    return f"{text} in its place"


def _plain(statement: str) -> str:
    return " ".join(statement.strip("; \n").split())


def _right(step: Step, names: list[str], found: Search) -> str:
    points = f"tried at {found.points} points" if found.points > 1 else "tried at one point"
    points += " of this size" if found.one_size else ""
    leaves, nearer = ([names[number] for number in sorted(which)] for which in (step.leaves, step.nearer))
    if not leaves and not nearer:
        return f"the whole check passes ({points})"
    if step.leaves | step.nearer == found.wrong and not found.left and not found.elsewhere:
        return f"{'every leaf is' if len(names) > 1 else names[0] + ' is'} right ({points})"
    if found.elsewhere:
        here = f"{_are([*leaves, *nearer])} right ({points})"
        return f"{here}; that is no proof, for {found.elsewhere}"
    if found.proved or not found.left:
        return f"{_are([*leaves, *nearer])} right ({points})"
    rest = ", ".join(names[number] for number in sorted(found.left))
    no_proof = f"that is no proof, for {rest} stays wrong"
    if not leaves:
        return f"{_are(nearer)} right up to a factor, or at more entries ({points}); {no_proof}"
    return f"{_are(leaves)} right ({points}); {no_proof}"


def _are(names: list[str]) -> str:
    return f"{', '.join(names)} {'are' if len(names) > 1 else 'is'}"
