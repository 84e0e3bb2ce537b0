"""Why a verdict is what it is, and what else a reader should know: kinds that own their words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class Reason(Enum):
    """What stands in the way of a verdict, or is worth a line beside one; the values are the words."""

    DISAGREE = (
        "the oracles disagree: your claim and autograd agree ({claimed:.9g} along a random direction), finite "
        "differences say {truth:.9g} +- {radius:.1g}. This is not held against you; f may do something here that "
        "rounding hides from differences"
    )
    NEAR_KINK = (
        "f has a kink so close to the point that differences cannot step under it; your claim and autograd differ, and "
        "either may belong to the side the point is on. Move the point away from the kink"
    )
    KINK_UNTOLD = (
        "f has a kink here: its slopes along a random direction are {low:.6g} and {high:.6g}, the claim is "
        "{claimed:.6g}, and which entries are kinked could not be told. Move the point off the kink"
    )
    KINK_EDGE = "the claim lies at the edge of the one-sided slopes of a kink"
    EDGE = "the claim lies at the edge of what the oracles resolve"
    ROUGH = "f is not finite, jumps or is too rough around the point for a derivative to be measured"
    NOISY = (
        "f is too noisy here: differences resolve a relative error of {resolved:.1g}, rtol asks for {rtol:.1g}. "
        "Evaluate f in double precision, take an offset out of it, or state a larger rtol"
    )
    DROWNED = (
        "f's own rounding hides whatever error the claim may have: what differences show would be there with a "
        "gradient twice as large. Evaluate f in a higher precision, or at a point where it changes more"
    )
    JUMP = "f jumps, or is not finite, right beside this point: it has no derivative there. Move the point"
    FLATNESS = (
        "the claim is zero where differences resolve no better than {radius:.1g}; "
        "whether f is flat here cannot be told"
    )
    COARSE = "the check resolves a relative error of {resolved:.1g}, rtol asks for {rtol:.1g}"
    UNCHECKED = (
        "no gradient was found for {names}, on which the output depends. Leave it where it is looked for (for W: dW, "
        "W_grad, grads['W'], W.grad; of an input: return it; what two functions close over: make it an argument), "
        "name its place with params=, or say that it is none, params={{{first!r}: None}}; argnums= checks what it "
        "names alone"
    )
    REORDERED = (
        "gradients are in a list: in the order of the parameters they are wrong, in another, told above, right. Is "
        "that meant, as where a backward pass appends them, name their places with params= or put each in front, "
        "insert(0, dW); is it not, they are in each other's place"
    )
    UPWARDS = (
        "every step that backward makes goes along the gradient of what it was given, and would be right against it. "
        "Is backward given target - output, a negative gradient, that is meant, and leaving dW in the layer lets it "
        "be checked; is it not, a sign is lost: W -= rate * dW"
    )
    NOTHING = (
        "nothing could be tested: the derivative is zero at this point, or f's own rounding hides it, and so it is "
        "where f can be evaluated beside it. Check at a point where the derivative shows"
    )
    BESIDE = (
        "at the point itself the derivative by {names} is zero to rounding, which any multiple of it is: it was looked "
        "at beside the point, and what is shown stands there"
    )
    SPECIAL = (
        "right at this very point, and wrong beside it. This one is special: {what}. Check at one that is not; what "
        "is meant for this point alone is claimed by a function that has it from outside, lambda *_: its_value"
    )
    STOPS_EARLY = (
        "it agrees to {size}, and f is an iteration that stops early ({where}): tighten its tolerance, and if the "
        "difference goes with it the derivation is right; allow={size} says that it is meant"
    )
    SLIGHT = (
        "no wrong leaf is further off than {size} of its largest entry. If that is meant, as where log(p + 1e-7) is "
        "differentiated as log(p) or a series is cut off, allow={size} says so"
    )
    UNRESOLVED = "differences could not resolve this point; autograd did"
    BETWEEN_SLOPES = "f has a kink at this point; the claim lies between its one-sided slopes"
    CONTRADICTED = "differences contradict it here; it was left out"

    def told(self, **figures: Any) -> Told:
        """The reason with its figures."""
        return Told(self, self.value.format(**figures))


@dataclass(frozen=True)
class Told:
    """A reason in words."""

    reason: Reason
    words: str
