"""Packages that ship a handful of derivatives each: preference, transport, physics, orders, choice, splines."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy.optimize import minimize

from .shipped import Array, Shipped, linear, normal, uniform


def choices_by_luce() -> Iterator[Shipped]:
    """choix: pairwise and top-1 choices, objective with gradient and hessian."""
    from choix.opt import PairwiseFcts, Top1Fcts

    rng = np.random.default_rng(201)
    pairs = [tuple(rng.choice(6, 2, replace=False)) for _ in range(25)]
    tops = [(int(r[0]), r[1:]) for r in (rng.choice(6, 4, replace=False) for _ in range(20))]
    x = normal(202, 6)
    for functions in (PairwiseFcts(pairs, 0.01), Top1Fcts(tops, 0.01)):
        name = type(functions).__name__
        gradient = Shipped(
            f"{name}.gradient", "choix", "grad", functions.objective, functions.gradient, (x,), 0
        )
        hessian = Shipped(
            f"{name}.hessian", "choix", "jacobian", functions.gradient, functions.hessian, (x,), 0
        )
        best = minimize(functions.objective, x, jac=functions.gradient, tol=1e-9).x
        for plain in (gradient, hessian):
            yield plain
            yield plain.at("fitted optimum", best)
            yield plain.at("saturated", 12 * x)


def transport() -> Iterator[Shipped]:
    """POT: smoothed dual objectives and Gromov-Wasserstein's loss."""
    from ot import smooth
    from ot.gromov import _utils as gromov

    cost = uniform(203, 0.1, 2.0, 5, 4)
    a, b = np.full(5, 0.2), np.full(4, 0.25)
    alpha, beta = 0.3 * normal(204, 5), 0.3 * normal(205, 4)
    for regul in (
        smooth.NegEntropy(gamma=0.7),
        smooth.SquaredL2(gamma=0.7),
        smooth.SparsityConstrained(2, gamma=0.7),
    ):
        name = type(regul).__name__
        yield Shipped(
            f"{name}.dual_obj_grad", "POT", "grad",
            lambda x, y, r=regul: smooth.dual_obj_grad(x, y, a, b, cost, r)[0],
            lambda x, y, r=regul: smooth.dual_obj_grad(x, y, a, b, cost, r)[1:], (alpha, beta), (0, 1),
        )  # fmt: skip
        if name == "SparsityConstrained":
            continue  # its semi-dual prints to the console at every call
        yield Shipped(
            f"{name}.semi_dual_obj_grad", "POT", "grad",
            lambda x, r=regul: smooth.semi_dual_obj_grad(x, a, b, cost, r)[0],
            lambda x, r=regul: smooth.semi_dual_obj_grad(x, a, b, cost, r)[1], (alpha,), 0,
        )  # fmt: skip
    plan = uniform(206, 0.02, 0.1, 5, 4)
    half = "half of a symmetric pair: right for symmetric C1 and C2 only"
    for name, symmetric in (("symmetric", True), ("asymmetric", False)):
        C1, C2 = uniform(207, 0, 1, 5, 5), uniform(208, 0, 1, 4, 4)
        if symmetric:
            C1, C2 = C1 + C1.T, C2 + C2.T
        for loss in ("square_loss", "kl_loss"):
            # f from the same tensors the gradient is made of, as a function of the plan's own marginals
            def tensors(T: Array, C1: Array = C1, C2: Array = C2, loss: str = loss) -> Any:
                return gromov.init_matrix(C1, C2, T.sum(axis=1), T.sum(axis=0), loss)

            yield Shipped(
                f"gwggrad({name}, {loss})", "POT", "grad",
                lambda T, t=tensors: gromov.gwloss(*t(T), T), lambda T, t=tensors: gromov.gwggrad(*t(T), T), (plan,), 0,
                **({} if symmetric else {"label": "edge", "reason": half}),
            )  # fmt: skip


def test_functions() -> Iterator[Shipped]:
    """cma: gradients of its test functions."""
    from cma.fitness_functions import FitnessFunctions

    functions = FitnessFunctions()
    x = normal(209, 6)
    for name in ("sphere", "cigar", "tablet", "elli", "rosen"):
        f, gradient = getattr(functions, name), getattr(functions, f"grad_{name}")
        plain = Shipped(
            f"grad_{name}",
            "cma",
            "grad",
            lambda x, f=f: float(f(x)),
            lambda x, g=gradient: np.asarray(g(x)),
            (x,),
            0,
        )
        yield plain
        yield plain.at("unscaled", x * np.logspace(-6, 4, 6))


def ordinal() -> Iterator[Shipped]:
    """mord: margin-based ordinal regression."""
    from mord.threshold_based import grad_margin, obj_margin

    X, y = normal(210, 40, 3), np.arange(40) % 4
    L = np.tril(np.ones((3, 3)))
    weights = np.ones((4, 3))
    at = np.concatenate([0.5 * normal(211, 3), [-1.0, 0.8, 1.1]])

    def pair(X: Array) -> tuple[Callable[..., Any], Callable[..., Any]]:
        rest = (X, y, 0.1, 4, weights, L, None)
        return (lambda x: obj_margin(x, *rest)), (lambda x: grad_margin(x, *rest))

    plain = Shipped("grad_margin", "mord", "grad", *pair(X), (at,), 0)
    yield plain
    yield plain.at("fitted optimum", minimize(plain.f, at, jac=plain.claim, tol=1e-9).x)
    scales = np.array([1e-5, 1.0, 1e5])
    yield Shipped(
        "grad_margin",
        "mord",
        "grad",
        *pair(X * scales),
        (at / np.append(scales, np.ones(3)),),
        0,
        point="unscaled columns",
    )


def neighbours() -> Iterator[Shipped]:
    """metric-learn: neighbourhood components with its own softmax."""
    from metric_learn import NCA

    X, classes = normal(212, 18, 3), np.arange(18) % 3
    model = NCA()
    model.n_iter_ = 1
    pair = lambda A: model._loss_grad_lbfgs(A, X, classes[:, None] == classes, -1.0)  # noqa: E731
    plain = Shipped(
        "NCA._loss_grad_lbfgs",
        "metric-learn",
        "grad",
        lambda A: pair(A)[0],
        lambda A: pair(A)[1],
        (normal(213, 6),),
        0,
    )
    yield plain
    yield plain.at("saturated", 10 * plain.args[0])


def atoms() -> Iterator[Shipped]:
    """ase: potential energies by the atoms' positions, forces with the sign turned."""
    from ase import Atoms
    from ase.build import bulk
    from ase.calculators.emt import EMT
    from ase.calculators.lj import LennardJones
    from ase.calculators.morse import MorsePotential

    cluster = 1.1 * np.array([[0, 0, 0], [1, 0, 0.1], [0.4, 0.9, 0], [0.5, 0.3, 0.9], [1.4, 1.1, 0.8]])
    copper = bulk("Cu", cubic=True)
    shaken = copper.positions + 0.1 * normal(214, 4, 3)
    systems = (
        ("LennardJones", Atoms("Ar5", cluster), LennardJones(), cluster),
        ("LennardJones(smooth)", Atoms("Ar5", cluster), LennardJones(smooth=True, rc=2.0, ro=1.2), cluster),
        ("MorsePotential", Atoms("Ar5", cluster), MorsePotential(), cluster),
        ("EMT(periodic)", copper, EMT(), shaken),
    )
    for name, system, calculator, positions in systems:

        def moved(x: Array, system: Any = system, calculator: Any = calculator) -> Any:
            there = system.copy()
            there.positions = x
            there.calc = calculator
            return there

        def energy(x: Array, moved: Any = moved) -> float:
            return float(moved(x).get_potential_energy())

        def gradient(x: Array, moved: Any = moved) -> Array:
            return -np.array(moved(x).get_forces())

        plain = Shipped(f"{name}.forces", "ase", "grad", energy, gradient, (positions,), 0)
        yield plain
        if "periodic" in name:
            yield plain.at("optimum", copper.positions)
        elif "smooth" not in name:
            best = minimize(
                lambda x, e=energy: e(x.reshape(5, 3)),
                positions.ravel(),
                jac=lambda x, g=gradient: g(x.reshape(5, 3)).ravel(),
                tol=1e-9,
            ).x
            yield plain.at("fitted optimum", best.reshape(5, 3))


def internal_coordinates() -> Iterator[Shipped]:
    """ase: distances, angles and dihedrals, in degrees, by the vectors between atoms."""
    from ase.geometry import geometry

    v = normal(215, 3, 1, 3)
    yield Shipped(
        "get_distances_derivatives", "ase", "jacobian",
        lambda a: np.linalg.norm(a, axis=1), lambda a: geometry.get_distances_derivatives(a)[:, 1][:, None], (v[0],), 0,
    )  # fmt: skip
    yield Shipped(
        "get_angles_derivatives", "ase", "jacobian", lambda a, b: geometry.get_angles(a, b),
        lambda a, b: tuple(geometry.get_angles_derivatives(a, b)[:, n][:, None] for n in (0, 2)),
        (v[0], v[1]), (0, 1),
    )  # fmt: skip


def fits() -> Iterator[Shipped]:
    """iminuit: cost functions that chain a model's gradient."""
    from iminuit import cost

    x = np.linspace(0.1, 3.0, 20)
    model = lambda x, a, b: a * np.exp(-b * x)  # noqa: E731
    by_parameters = lambda x, a, b: np.array([np.exp(-b * x), -a * x * np.exp(-b * x)])  # noqa: E731
    y = model(x, 2.0, 0.7) + 0.1 * normal(216, 20)
    squares = {
        "LeastSquares": cost.LeastSquares(x, y, 0.1, model, grad=by_parameters),
        "LeastSquares(soft_l1)": cost.LeastSquares(x, y, 0.02, model, grad=by_parameters, loss="soft_l1"),
    }
    density = lambda x, m, s: np.exp(-0.5 * ((x - m) / s) ** 2) / (s * np.sqrt(2 * np.pi))  # noqa: E731
    slopes = lambda x, m, s: density(x, m, s) * np.array([(x - m) / s**2, ((x - m) ** 2 / s**2 - 1) / s])  # noqa: E731
    sample = normal(217, 200)
    likelihoods = {"UnbinnedNLL": cost.UnbinnedNLL(sample, density, grad=slopes)}
    edges = np.linspace(-3, 3, 13)
    counts = np.histogram(sample, edges)[0]
    from scipy.stats import norm

    cumulative = lambda x, m, s: norm.cdf(x, m, s)  # noqa: E731
    by_shape = lambda x, m, s: np.array([-norm.pdf(x, m, s), -norm.pdf(x, m, s) * (x - m) / s])  # noqa: E731
    likelihoods["BinnedNLL"] = cost.BinnedNLL(counts, edges, cumulative, grad=by_shape)
    scaled = lambda x, n, m, s: n * norm.cdf(x, m, s)  # noqa: E731
    by_all = lambda x, n, m, s: np.concatenate([[norm.cdf(x, m, s)], n * by_shape(x, m, s)])  # noqa: E731
    likelihoods["ExtendedBinnedNLL"] = cost.ExtendedBinnedNLL(counts, edges, scaled, grad=by_all)
    for name, function in {**squares, **likelihoods}.items():
        start = {
            "LeastSquares": [1.7, 0.5],
            "LeastSquares(soft_l1)": [1.7, 0.5],
            "ExtendedBinnedNLL": [180.0, 0.2, 1.3],
        }.get(name, [0.2, 1.3])
        plain = Shipped(
            f"{name}.grad", "iminuit", "grad",
            lambda p, f=function: float(f(*p)), lambda p, f=function: np.asarray(f.grad(*p)), (np.array(start),), 0,
        )  # fmt: skip
        yield plain
        yield plain.at("fitted optimum", minimize(plain.f, plain.args[0], jac=plain.claim, tol=1e-9).x)


def rotations() -> Iterator[Shipped]:
    """pytransform3d: the left Jacobian of the exponential of rotation vectors, at no further rotation."""
    from pytransform3d import rotations as pr

    for name, omega in (
        ("", normal(218, 3)),
        ("small angle", 1e-5 * normal(219, 3)),
        ("near pi", 3.1 * np.array([0.6, 0.0, 0.8])),
    ):

        def left(delta: Array, omega: Array = omega) -> Array:
            R = pr.matrix_from_compact_axis_angle(omega + delta) @ pr.matrix_from_compact_axis_angle(omega).T
            return 0.5 * np.array([R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1]])

        yield Shipped(
            "left_jacobian_SO3", "pytransform3d", "jacobian", left,
            lambda delta, omega=omega: pr.left_jacobian_SO3(omega + delta), (np.zeros(3),), 0, point=name,
        )  # fmt: skip


def operators() -> Iterator[Shipped]:
    """pylops: linear operators with a hand-written adjoint."""
    import pylops

    n = 24
    made: dict[str, Any] = {
        "FirstDerivative(centered, 3)": pylops.FirstDerivative(n, sampling=0.5),
        "FirstDerivative(centered, 5, edge)": pylops.FirstDerivative(n, order=5, edge=True),
        "FirstDerivative(forward)": pylops.FirstDerivative(n, kind="forward"),
        "FirstDerivative(backward)": pylops.FirstDerivative(n, kind="backward"),
        "SecondDerivative(centered)": pylops.SecondDerivative(n, sampling=0.3),
        "SecondDerivative(forward)": pylops.SecondDerivative(n, kind="forward"),
        "Laplacian": pylops.Laplacian((6, 4)),
        "CausalIntegration(trapezoidal)": pylops.CausalIntegration(n, sampling=0.1, kind="trapezoidal"),
        "CausalIntegration(simpson)": pylops.CausalIntegration(n, sampling=0.1, kind="simpson"),
        "LinearRegression": pylops.LinearRegression(np.arange(9.0)),
        "Regression": pylops.Regression(np.arange(9.0) / 4, 3),
        "Smoothing1D": pylops.Smoothing1D(5, n),
        "Smoothing2D": pylops.Smoothing2D((3, 3), (6, 4)),
        "Restriction": pylops.Restriction(n, np.array([1, 5, 7, 20])),
        "Roll": pylops.Roll(n, shift=3),
        "Flip": pylops.Flip(n),
        "Pad": pylops.Pad(n, (2, 3)),
        "Sum": pylops.Sum((6, 4), axis=0),
        "Symmetrize": pylops.Symmetrize(n),
        "Convolve1D": pylops.signalprocessing.Convolve1D(n, normal(220, 5), offset=2),
        "Convolve2D": pylops.signalprocessing.Convolve2D((6, 4), normal(221, 3, 3), offset=(1, 1)),
        "Interp(linear)": pylops.signalprocessing.Interp(n, np.array([1.3, 7.7, 12.2]), kind="linear")[0],
        "Interp(cubic_spline)": pylops.signalprocessing.Interp(
            n, np.array([1.3, 7.7, 12.2]), kind="cubic_spline"
        )[0],
        "DWT": pylops.signalprocessing.DWT(16, wavelet="haar", level=2)
        if importlib.util.find_spec("pywt")
        else pylops.Identity(16),
        "DCT": pylops.signalprocessing.DCT(n),
    }
    for name, operator in made.items():
        yield linear(name, "pylops", operator.matvec, operator.rmatvec, normal(222, operator.shape[1]))


def curves() -> Iterator[Shipped]:
    """Splipy and geomdl: B-spline and NURBS curves by their parameter."""
    import splipy
    from geomdl import NURBS, BSpline, utilities

    points = normal(223, 8, 3)
    t = np.array([0.13, 0.41, 0.66, 0.87])
    basis = splipy.BSplineBasis(4, [0, 0, 0, 0, 0.2, 0.4, 0.6, 0.8, 1, 1, 1, 1])
    rational = np.column_stack([points, uniform(224, 0.5, 2.0, 8)])
    for name, curve in (
        ("Curve", splipy.Curve(basis, points)),
        ("Curve(rational)", splipy.Curve(basis, rational, rational=True)),
    ):
        yield Shipped(
            f"{name}.derivative", "splipy", "vjp", lambda t, c=curve: np.asarray(c(t)),
            lambda u, t, c=curve: np.sum(u * np.asarray(c.derivative(t)), axis=-1), (t,), 0,
        )  # fmt: skip
    for name, kind, control in (
        ("BSpline.Curve", BSpline.Curve, points),
        ("NURBS.Curve", NURBS.Curve, rational),
    ):
        curve = kind()
        curve.degree = 3
        curve.ctrlpts = control.tolist() if kind is BSpline.Curve else (control[:, :3]).tolist()
        if kind is NURBS.Curve:
            curve.weights = control[:, 3].tolist()
        curve.knotvector = utilities.generate_knot_vector(3, 8)
        yield Shipped(
            f"{name}.derivatives", "geomdl", "vjp", lambda t, c=curve: np.asarray(c.evaluate_single(float(t))),
            lambda u, t, c=curve: float(np.dot(u, c.derivatives(float(t), order=1)[1])), (0.37,), 0,
        )  # fmt: skip


def regularisers() -> Iterator[Shipped]:
    """pyunlocbox: smooth functions of its proximal toolbox."""
    from pyunlocbox import functions

    A, y = normal(225, 5, 7), normal(226, 5)
    f = functions.norm_l2(lambda_=1.7, A=A, y=y)
    yield Shipped(
        "norm_l2.grad", "pyunlocbox", "grad", lambda x: float(f.eval(x)), f.grad, (normal(227, 7),), 0
    )
    weighted = functions.norm_l2(w=np.array([1.0, 2.0, 0.5, 3.0]), y=normal(228, 4), tight=False)
    yield Shipped(
        "norm_l2.grad(w)",
        "pyunlocbox",
        "grad",
        lambda x: float(weighted.eval(x)),
        weighted.grad,
        (normal(229, 4),),
        0,
    )


def choices_by_logit() -> Iterator[Shipped]:
    """xlogit: multinomial logit in differences from the chosen alternative."""
    from xlogit import MultinomialLogit

    model = MultinomialLogit()
    X = normal(231, 30, 3, 4)
    pair = lambda b: model._loglik_gradient(b, X, None, None, None, None)  # noqa: E731
    plain = Shipped(
        "MultinomialLogit._loglik_gradient",
        "xlogit",
        "grad",
        lambda b: float(pair(b)[0]),
        lambda b: pair(b)[1],
        (0.4 * normal(232, 4),),
        0,
    )
    yield plain
    yield plain.at("fitted optimum", minimize(plain.f, plain.args[0], jac=plain.claim, tol=1e-9).x)


EVERYTHING: dict[str, Callable[[], Iterator[Shipped]]] = {
    "ase": atoms,
    "ase.geometry": internal_coordinates,
    "choix": choices_by_luce,
    "cma": test_functions,
    "iminuit": fits,
    "metric_learn": neighbours,
    "mord": ordinal,
    "ot": transport,
    "pylops": operators,
    "pytransform3d": rotations,
    "pyunlocbox": regularisers,
    "splipy": curves,
    "xlogit": choices_by_logit,
}


def derivatives() -> Iterator[Shipped]:
    """Everything that the packages at hand ship; a package that is not installed is left out."""
    for package, shipped in EVERYTHING.items():
        if importlib.util.find_spec(package.split(".")[0]) is not None:
            yield from shipped()
