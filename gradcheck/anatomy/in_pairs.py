"""Parameters that stand beside their gradients, whatever these are called: ``[W, dW]``, ``([W, b], [dW, db])``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from gradcheck.anatomy.naming import hands_out_pairs
from gradcheck.anatomy.parameters import Kept, is_moved
from gradcheck.anatomy.places import Item, Place, arrays, found, walk
from gradcheck.anatomy.trying import Tried


def in_pairs(
    parameters: Sequence[Kept], others: Iterable[Kept], tried: Tried
) -> dict[Kept, tuple[Place, ...]]:
    """The place of the gradient of each parameter that the layer, after backward, has in a pair with it, or its list.

    What backward left alone is no gradient, nor is another parameter, as in ``(W, b)``; what is beside one that
    backward steps may be its momentum.
    """
    own, written = tried.own, {id(value) for _, value in tried.after}
    by_identity = {id(found(own, one.settable[0])): one for one in parameters if not is_moved(one, own)}
    gradients = written - {id(found(own, one.settable[0])) for one in (*parameters, *others)}
    result: dict[Kept, tuple[Place, ...]] = {}
    for place, value in walk(own, hands_out_pairs) if by_identity else ():
        if isinstance(value, tuple | list) and len(value) == 2:
            for way, array in arrays(value[0], lambda name: False):
                one, gradient = by_identity.get(id(array)), found(value[1], way)
                if one and id(gradient) in gradients and np.shape(gradient) == one.held.shape:
                    result.setdefault(one, ((*place, Item(1), *way),))
    return result
