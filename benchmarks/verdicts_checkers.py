"""Gradient checkers side by side: each takes a flattened specimen and says "pass", "fail" or "inconclusive"."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

ENTRYWISE_LIMIT = 5000  # a checker that pays for every entry is not run beyond this many


class GaveUp(Exception):
    """The checker cannot be run here: too many entries for what it costs."""


class Flat:
    """A specimen as peers want it: plain arrays in, one flat array out, calls of f counted."""

    def __init__(self, specimen: Any) -> None:
        self.specimen, self.evaluations = specimen, 0
        self.args = specimen.args
        numbers = specimen.argnums
        if numbers is None:
            numbers = [k for k, arg in enumerate(self.args) if any(map(_floats, _leaves(arg)))]
        self.single = isinstance(numbers, int) or len(numbers) == 1
        self.numbers = (numbers,) if isinstance(numbers, int) else tuple(numbers)
        self.leaves = [np.array(leaf) for k in self.numbers for leaf in _leaves(self.args[k])]
        self.size = sum(leaf.size for leaf in self.leaves)

    def arguments(self, leaves: list[np.ndarray]) -> tuple[Any, ...]:
        """The arguments of f with these leaves in place of the checked ones."""
        rest, args = iter(leaves), list(self.args)
        for k in self.numbers:
            args[k] = _rebuilt(args[k], rest)
        return tuple(args)

    def output(self, *leaves: np.ndarray) -> np.ndarray:
        """f, its outputs flattened into one array (0-d for a scalar f)."""
        self.evaluations += 1
        found = self.specimen.f(*self.arguments(list(leaves)))
        if self.specimen.kind == "grad":
            return np.asarray(found)
        return np.concatenate([np.ravel(leaf) for leaf in _leaves(found)])

    def pull(self, u: np.ndarray, *leaves: np.ndarray) -> list[np.ndarray]:
        """The claim's gradient of <u, f>, leaf by leaf as it came."""
        args = self.arguments(list(leaves))
        if self.specimen.kind == "grad":
            return [u * np.asarray(leaf) for leaf in _leaves(self.specimen.claim(*args))]
        likeness = self.specimen.f(*self.specimen.args)
        pieces = iter(np.split(u, np.cumsum([np.size(leaf) for leaf in _leaves(likeness)])[:-1]))
        shaped = [next(pieces).reshape(np.shape(leaf)) for leaf in _leaves(likeness)]
        return [
            np.asarray(leaf) for leaf in _leaves(self.specimen.claim(_rebuilt(likeness, iter(shaped)), *args))
        ]

    def covector(self) -> np.ndarray:
        """A fixed random cotangent, 1 for a scalar f."""
        if self.specimen.kind == "grad":
            return np.ones(())
        return np.random.default_rng(0).normal(size=self.output(*self.leaves).shape)

    def split(self, x: np.ndarray) -> list[np.ndarray]:
        """One long vector as leaves."""
        pieces = np.split(x, np.cumsum([leaf.size for leaf in self.leaves])[:-1])
        return [piece.reshape(leaf.shape) for piece, leaf in zip(pieces, self.leaves, strict=True)]

    def joined(self) -> tuple[np.ndarray, Callable[..., Any], Callable[..., Any]]:
        """One long vector x, phi(x) = <u, f> and the claimed gradient of phi, in double precision."""
        if self.size > ENTRYWISE_LIMIT:
            raise GaveUp
        u = self.covector()

        def phi(x: np.ndarray) -> float:
            return float(np.sum(u * self.output(*self.split(x))))

        def claimed(x: np.ndarray) -> np.ndarray:
            return np.concatenate([np.ravel(g) for g in self.pull(u, *self.split(x))])

        return np.concatenate([leaf.ravel() for leaf in self.leaves]).astype(float), phi, claimed


def _leaves(tree: Any) -> Iterator[Any]:
    if isinstance(tree, dict | list | tuple):
        for child in tree.values() if isinstance(tree, dict) else tree:
            yield from _leaves(child)
    else:
        yield tree


def _floats(leaf: Any) -> bool:
    return bool(np.issubdtype(np.asarray(leaf).dtype, np.floating))


def _rebuilt(tree: Any, leaves: Iterator[np.ndarray]) -> Any:
    if isinstance(tree, dict):
        return {key: _rebuilt(child, leaves) for key, child in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(_rebuilt(child, leaves) for child in tree)
    leaf = next(leaves)
    return leaf.item() if isinstance(tree, float) and not isinstance(tree, np.generic) else leaf.copy()


def torch_gradcheck(fast: bool) -> Callable[[Flat], bool]:
    """torch.autograd.gradcheck of a Function whose forward and backward are the NumPy code."""
    torch = importlib.import_module("torch")

    def check(flat: Flat) -> bool:
        if flat.size > ENTRYWISE_LIMIT and not fast:
            raise GaveUp

        class Op(torch.autograd.Function):  # type: ignore[name-defined,misc]
            @staticmethod
            def forward(ctx: Any, *tensors: Any) -> Any:
                ctx.save_for_backward(*tensors)
                return torch.from_numpy(np.array(flat.output(*(t.detach().numpy() for t in tensors))))

            @staticmethod
            def backward(ctx: Any, u: Any) -> Any:
                found = flat.pull(u.numpy(), *(t.detach().numpy() for t in ctx.saved_tensors))
                return tuple(torch.from_numpy(np.array(g)) for g in found)

        tensors = [torch.from_numpy(leaf.copy()).requires_grad_() for leaf in flat.leaves]
        return bool(torch.autograd.gradcheck(Op.apply, tensors, fast_mode=fast))

    return check


def jax_check_vjp() -> Callable[[Flat], bool]:
    """jax.test_util's reverse-mode check, as check_grads(order=1, modes="rev") runs it."""
    importlib.import_module("jax").config.update("jax_enable_x64", True)
    check_vjp = importlib.import_module("jax._src.public_test_util").check_vjp

    def check(flat: Flat) -> bool:
        def pulled(*leaves: np.ndarray) -> tuple[np.ndarray, Callable[..., Any]]:
            return flat.output(*leaves), lambda u: tuple(flat.pull(np.asarray(u), *leaves))

        check_vjp(lambda *leaves: flat.output(*map(np.asarray, leaves)), pulled, tuple(flat.leaves))
        return True

    return check


def autograd_check_vjp() -> Callable[[Flat], bool]:
    """autograd.test_util's reverse-mode check, all leaves in one tuple."""
    check_vjp = importlib.import_module("autograd.test_util").check_vjp
    extend = importlib.import_module("autograd.extend")

    def check(flat: Flat) -> bool:
        op = extend.primitive(lambda leaves: flat.output(*leaves))
        extend.defvjp(op, lambda ans, leaves: lambda u: tuple(flat.pull(np.asarray(u), *leaves)))
        # autograd draws its direction from NumPy's global generator; a fixed state makes the run repeatable
        state = np.random.get_state()  # noqa: NPY002
        np.random.seed(0)  # noqa: NPY002
        try:
            check_vjp(op, tuple(flat.leaves))
        finally:
            np.random.set_state(state)  # noqa: NPY002
        return True

    return check


def scipy_check_grad() -> Callable[[Flat], bool]:
    """scipy.optimize.check_grad; its number counts as a pass below 1e-6 of max(1, norm of the gradient)."""
    check_grad = importlib.import_module("scipy.optimize").check_grad

    def check(flat: Flat) -> bool:
        x, phi, claimed = flat.joined()
        return bool(check_grad(phi, claimed, x) < 1e-6 * max(1.0, float(np.linalg.norm(claimed(x)))))

    return check


def numdifftools_gradient() -> Callable[[Flat], bool]:
    """numdifftools.Gradient compared by np.allclose."""
    gradient = importlib.import_module("numdifftools").Gradient

    def check(flat: Flat) -> bool:
        x, phi, claimed = flat.joined()
        if flat.size > 300:  # some 40 evaluations an entry
            raise GaveUp
        return bool(np.allclose(claimed(x), gradient(phi)(x)))

    return check


def central_recipe() -> Callable[[Flat], bool]:
    """The course recipe: central differences with h = 1e-5, relative distance of each leaf below 1e-6."""

    def check(flat: Flat) -> bool:
        x, phi, _ = flat.joined()
        numeric = np.zeros_like(x)
        for k in range(x.size):
            step = np.zeros_like(x)
            step[k] = 1e-5
            numeric[k] = (phi(x + step) - phi(x - step)) / 2e-5
        claims = flat.pull(flat.covector(), *flat.split(x))
        for ours, theirs in zip(flat.split(numeric), claims, strict=True):
            if np.linalg.norm(ours - theirs) > 1e-6 * (np.linalg.norm(ours) + np.linalg.norm(theirs)):
                return False
        return True

    return check


PEERS: dict[str, Callable[[], Callable[[Flat], bool]]] = {
    "torch gradcheck, slow": lambda: torch_gradcheck(fast=False),
    "torch gradcheck, fast": lambda: torch_gradcheck(fast=True),
    "jax check_vjp": jax_check_vjp,
    "autograd check_vjp": autograd_check_vjp,
    "scipy check_grad, 1e-6": scipy_check_grad,
    "numdifftools, allclose": numdifftools_gradient,
    "central 1e-5, course recipe": central_recipe,
}


def peer_verdict(check: Callable[[Flat], bool], specimen: Any) -> tuple[str, int]:
    """A peer's verdict and what it cost in calls of f; an exception of any kind is its way to fail."""
    flat = Flat(specimen)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return ("pass" if check(flat) else "fail"), flat.evaluations
        except GaveUp:
            return "not run", 0
        except Exception:
            return "fail", flat.evaluations
