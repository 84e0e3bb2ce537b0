"""The expressions that are to blame for a failure, as data for a report."""

from __future__ import annotations

from gradcheck.ask.calls import undisturbed
from gradcheck.explain.blame.apart import Alive, apart, possible
from gradcheck.explain.blame.grafting import spelled_here
from gradcheck.explain.blame.patch import Change, patch, spelled
from gradcheck.explain.blame.repair import Mend, Search, search
from gradcheck.findings import NOBODY, Blame, Blamed
from gradcheck.judge.examine import Examined

SECONDS, CHECKS, MOST = 2.0, 50.0, 10.0
"""A search takes no longer than this, or than so many checks up to so many seconds where those are longer (on a slow
machine, say), or than as many calls of the claim and of f."""
PATIENCE = 5.0
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
        found = apart(lambda alive: _searched(seen, seconds, alive), 0.5 * limit, limit)
    return found if isinstance(found, Blamed) else Blamed(remark=_HANGS)


_HANGS = (
    "the search for a repair came to no end: f or the claim, or an edit of it, hangs in a copy of this process "
    "(as what has threads of its own may)"
)


def _searched(seen: Examined, seconds: float, alive: Alive) -> Blamed:
    try:
        return _told(seen, search(seen, seconds, alive))
    except Exception as error:  # the verdict stands, whatever becomes of the search
        return Blamed(
            remark=f"the search for a repair failed ({type(error).__name__}: {error}); please report it"
        )


def _told(seen: Examined, found: Search) -> Blamed:
    names = [slot.path for slot in seen.task.where.slots]
    blame = tuple(_blame(one, names, found) for one in found.mends)
    changes = [_change(one) for one in found.mends]
    remark = found.said
    if found.left and not found.mends and found.tried:
        tried = f"No edit of one expression makes a wrong leaf right; {found.tried:,} were tried."
        remark = f"{tried} {remark}" if remark else tried
    return Blamed(blame, patch(changes) if found.proved else "", remark)


def _change(one: Mend) -> Change:
    text = spelled_here(one.edit, one.function) or one.edit.text
    return Change(one.function.source, one.edit.node, spelled(one.function.source, one.edit.node, text))


def _blame(one: Mend, names: list[str], found: Search) -> Blame:
    node, change = one.edit.node, _change(one)
    assert node.end_lineno is not None and node.end_col_offset is not None
    return Blame(
        file=one.function.source.path,
        line=node.lineno,
        end_line=node.end_lineno,
        column=node.col_offset,
        end_column=node.end_col_offset,
        expression=one.function.source.segment(node),
        message=_message(one, change.text, names, found),
        repair=change.text,
        leaves=tuple(names[number] for number in sorted(one.leaves)),
        proved=found.proved,
        function=one.function.name,
        lines=one.function.source.around(node, AROUND),
    )


def _message(one: Mend, text: str, names: list[str], found: Search) -> str:
    old = one.function.source.segment(one.edit.node)
    being = f"{old} is {one.was} of f. " if one.was else ""
    which = f", which is {one.now} of f," if one.now else ""
    with_it = f"With {text}{which}" if which else f"With {text} in its place,"
    return f"{being}{with_it} {_right(one, names, found)}"


def _right(one: Mend, names: list[str], found: Search) -> str:
    points = f"tried at {found.points} points" if found.points > 1 else "tried at one point"
    if not one.leaves:
        return f"the whole check passes ({points})"
    if one.leaves == found.wrong and not found.left:
        return f"{'every leaf is' if len(names) > 1 else names[0] + ' is'} right ({points})"
    leaves = [names[number] for number in sorted(one.leaves)]
    mended = f"{', '.join(leaves)} {'are' if len(leaves) > 1 else 'is'} right ({points})"
    if found.proved or not found.left:
        return mended
    rest = ", ".join(names[number] for number in sorted(found.left))
    return f"{mended}; that is no proof, for {rest} stays wrong"
