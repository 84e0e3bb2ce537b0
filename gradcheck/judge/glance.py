"""A glance at a point: do f and claim agree along one direction? It never accuses, and costs a handful of calls."""

from __future__ import annotations

import numpy as np

from gradcheck.ask import precision
from gradcheck.ask.look import look_at_claim, look_at_function
from gradcheck.ask.task import Task
from gradcheck.judge.evaluation import covector, evaluated, pair
from gradcheck.judge.pairing import Line
from gradcheck.judge.questions import along
from gradcheck.judge.slope import SHARP, agreed
from gradcheck.oracles.ball import Ball


def agree(task: Task, generator: np.random.Generator) -> bool:
    """Whether the claim meets a difference along a direction in which every entry of every leaf counts alike.

    Two answers made apart do not meet by chance. False tells nothing: f may be rough, or an entry show too little.
    """
    if task.through is not None or task.differentiated is not None or task.unchecked:
        return False
    look = look_at_function(task.f, task.where, times=1)
    if look.reasons or look.conduct or look.promoted or not look.y.size:
        return False
    u = covector(task, look, generator)
    asked = look_at_claim(
        task.claim, lambda args: task.ask(task.where, args, u, look.output), task.where, look, times=1
    )
    reading = asked.reading
    if reading is None or reading.problems or reading.narrow or asked.conduct or asked.lends:
        return False
    f = evaluated(task, look, u, reading)
    pairing = pair(task, look, asked, f, None)
    shows = pairing.contribution > pairing.noise
    if pairing.unit > precision.DOUBLE or not shows.all():
        return False
    v = along(pairing, shows, generator)
    claim = Ball(np.asarray(pairing.claim.value @ v), np.asarray(0.0))
    return agreed(Line(pairing, v), claim, pairing.span(v), SHARP) is not None
