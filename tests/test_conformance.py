"""Each check of a layer fails for a layer that is wrong in just this way, and passes for one that is right."""

import copy
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import gradcheck
from tests.layers.attributes import PrefixD
from tests.layers.made import MADE
from tests.layers.making import bias, dense_input, weights

(X,) = dense_input()


class Careful(PrefixD):
    """A dense layer that passes everything."""

    def __init__(self):
        super().__init__()
        self.training = True

    def forward(self, x):
        return super().forward(x.copy())


class Forgetful(Careful):
    def forward(self, x):
        self.calls = getattr(self, "calls", 0) + 1
        return super().forward(x) * self.calls


class Consumes(Careful):
    def backward(self, dout):
        dx = super().backward(dout)
        self.x = self.x * 2.0
        return dx


class KeepsFirst(Careful):
    def forward(self, x):
        if not hasattr(self, "x"):
            self.x = x.copy()
        return x @ self.W + self.b


class Writes(Careful):
    def backward(self, dout):
        dx = super().backward(dout)
        dout *= 2.0
        return dx


class KeepsCotangent(Careful):
    def backward(self, dout):
        super().backward(dout)
        self.db = dout.reshape(-1)[:2]
        return dout @ self.W.T


class Squares(Careful):
    def backward(self, dout):
        return super().backward(dout * np.abs(dout))


class NeedsTwo(Careful):
    def forward(self, x):
        return super().forward(x) / (len(x) - 1)


class ByPosition(Careful):
    def forward(self, x):
        return super().forward(x) * np.arange(1, len(x) + 1)[:, None]


class Mixes(Careful):
    def forward(self, x):
        return super().forward(x - x.mean(0))


class WrongInUse(Careful):
    def backward(self, dout):
        return super().backward(dout) * (1.0 if self.training else 2.0)


class SpoilsStatistics(Careful):
    def __init__(self):
        super().__init__()
        self.running_mean = np.zeros(3)

    def backward(self, dout):
        self.running_mean = self.running_mean + 1.0
        return super().backward(dout)


class Widens(Careful):
    def forward(self, x):
        return super().forward(x) + np.zeros(2)


class NoEmpty(Careful):
    def forward(self, x):
        return super().forward(x) / len(x) * x[0, 0]


class ByMemory(Careful):
    def forward(self, x):
        return super().forward(x.ravel(order="K").reshape(x.shape))


class ByMemoryBack(Careful):
    def backward(self, dout):
        return super().backward(np.frombuffer(dout.tobytes("A"), dout.dtype).reshape(dout.shape))


class KeepsItsMask(Careful):
    """A leak whose mask is that of the first forward."""

    def forward(self, x):
        y = super().forward(x)
        if getattr(self, "mask", y[:0]).shape != y.shape:
            self.mask = y > 0
        return np.where(y > 0, y, y / 8)

    def backward(self, dout):
        return super().backward(np.where(self.mask, dout, dout / 8))


class NoCopies(Careful):
    def __init__(self):
        super().__init__()
        self.activation = lambda z: z


class Unseeded(Careful):
    def forward(self, x):
        return super().forward(x) * np.random.default_rng().random()


class WrongAlone(Careful):
    def backward(self, dout):
        dx = super().backward(dout)
        self.dW = self.dW * (2.0 if len(dout) == 1 else 1.0)
        return dx


class Stale(Careful):
    def __init__(self):
        super().__init__()
        self.dW = None

    def backward(self, dout):
        kept = self.dW
        dx = super().backward(dout)
        self.dW = self.dW if kept is None else kept
        return dx


class LendsItsOutput(Careful):
    def __init__(self):
        super().__init__()
        self.out = np.empty((len(X), 2))

    def forward(self, x):
        y = super().forward(x)
        if y.shape != self.out.shape:
            return y
        self.out[:] = y
        return self.out


SHARED = weights()


class Shares(Careful):
    def __init__(self):
        super().__init__()
        self.W = SHARED


WRONG = {
    "forward is repeatable": Forgetful,
    "backward twice": Consumes,
    "backward after another forward": KeepsFirst,
    "inputs and cotangent unchanged": Writes,
    "inputs not kept by reference": PrefixD,
    "cotangent not kept by reference": KeepsCotangent,
    "linear in the cotangent": Squares,
    "batch of one": NeedsTwo,
    "permuted batch": ByPosition,
    "samples independent": Mixes,
    "train and eval": WrongInUse,
    "statistics untouched by backward": SpoilsStatistics,
    "dtype in is dtype out": Widens,
    "empty batch": NoEmpty,
    "memory order": ByMemory,
    "copies": NoCopies,
    "seeded randomness": Unseeded,
    "instances share nothing": Shares,
}


def named(make, **keywords):
    return {check.name: check for check in gradcheck.layer_checks(make, X, **keywords)}


def test_there_is_a_wrong_layer_for_every_check() -> None:
    assert {"derivative", *WRONG} == set(named(Careful))


@gradcheck.layers(Careful, X)
def test_a_right_layer_passes_or_skips_what_does_not_apply(check) -> None:
    check()
    assert check.name not in ("seeded randomness", "statistics untouched by backward")


def test_what_does_not_apply_says_why() -> None:
    reasons = {name: check() for name, check in named(Careful).items()}
    assert {name for name, reason in reasons.items() if reason} == {
        "seeded randomness",
        "statistics untouched by backward",
    }
    assert reasons["seeded randomness"] == "the layer draws no numbers"


def test_a_check_fails_where_python_strips_assertions_as_well() -> None:
    code = """if True:
        import numpy as np, gradcheck
        class Shared:
            W = np.ones((3, 2))
            def forward(self, x):
                self.x = x
                return x @ self.W
            def backward(self, d):
                self.dW = self.x.T @ d
                return d @ self.W.T
        checks = {check.name: check for check in gradcheck.layer_checks(Shared, np.ones((4, 3)))}
        try:
            checks["instances share nothing"]()
        except AssertionError as error:
            print("failed:", error)
    """
    ran = subprocess.run([sys.executable, "-O", "-c", code], capture_output=True, text=True, check=True)
    assert "failed: two instances share .W" in ran.stdout


@pytest.mark.parametrize(
    ("name", "make", "told"),
    [
        (
            "batch of one",
            WrongAlone,
            "the first sample and the others: something else comes out at \\['W'\\]",
        ),
        ("backward after another forward", Stale, "a pass after another pass"),
        ("backward after another forward", LendsItsOutput, "they share memory"),
        ("backward after another forward", KeepsItsMask, "a pass after another forward"),
        ("memory order", ByMemoryBack, "a cotangent in Fortran order"),
        ("backward twice", Consumes, "backward"),
        ("forward is repeatable", Forgetful, "a second forward"),
        ("samples independent", Mixes, "changes the outputs of the others"),
        ("dtype in is dtype out", Widens, "is float64 where inputs and parameters are float32"),
    ],
)
def test_what_is_wrong_is_said(name, make, told) -> None:
    with pytest.raises(AssertionError, match=told):
        named(make)[name]()


def test_a_layer_inside_has_its_flag_as_well() -> None:
    class Outer:
        def __init__(self, inner):
            self.inner = inner

        def forward(self, x):
            return self.inner.forward(x)

        def backward(self, dout):
            return self.inner.backward(dout)

    def checks(inner):
        return {check.name: check for check in gradcheck.layer_checks(lambda: Outer(inner()), X)}

    assert checks(Careful)["train and eval"]() == ""
    with pytest.raises(AssertionError, match=r"with inner\.training = False"):
        checks(WrongInUse)["train and eval"]()


def test_arrays_that_whoever_makes_the_layer_has_are_theirs_to_share() -> None:
    class Given:
        def __init__(self, W):
            self.W = W

        def forward(self, x):
            self.x = x
            return x @ self.W

        def backward(self, d):
            self.dW = self.x.T @ d
            return d @ self.W.T

    W = weights()
    checks = {check.name: check for check in gradcheck.layer_checks(lambda: Given(W), X)}
    assert checks["instances share nothing"]() == ""


@pytest.mark.parametrize("name", WRONG)
def test_a_layer_that_is_wrong_in_this_way_fails_this_check(name) -> None:
    with np.errstate(all="ignore"), pytest.raises(AssertionError):
        named(WRONG[name])[name]()


def test_a_wrong_derivative_fails() -> None:
    class Wrong(Careful):
        def backward(self, dout):
            return 2 * super().backward(dout)

    with pytest.raises(gradcheck.GradientMismatch):
        named(Wrong)["derivative"]()


def test_accumulation_is_as_declared() -> None:
    adds = MADE["ValueAndGrad"].make
    named(adds, accumulates=True)["backward twice"]()
    named(Careful, accumulates=False)["backward twice"]()
    with pytest.raises(AssertionError, match="overwrites the gradients"):
        named(adds, accumulates=False)["backward twice"]()
    with pytest.raises(AssertionError, match="adds to the gradients"):
        named(Careful, accumulates=True)["backward twice"]()


def test_samples_see_each_other_where_that_is_declared() -> None:
    named(Mixes, independent=False)["samples independent"]()
    with pytest.raises(AssertionError, match="were to see each other"):
        named(Careful, independent=False)["samples independent"]()
    named(MADE["BatchNorm"].make)["samples independent"]()  # statistics: nothing is expected


@pytest.mark.parametrize(
    "name",
    ["Lists", "Network", "BatchNorm", "DenseWithDropout", "Cell", "PairWithCache", "Lazy", "StepsAndTells"],
)
def test_layers_of_many_kinds_pass_all_but_the_references(name) -> None:
    made = MADE[name]
    skip = {
        "inputs not kept by reference",
        *(("dtype in is dtype out",) if name == "DenseWithDropout" else ()),
    }
    for check in gradcheck.layer_checks(made.make, *made.inputs(), skip=skip):
        check()


def test_checks_can_be_skipped_by_name() -> None:
    assert "copies" not in named(NoCopies, skip={"copies"})
    with pytest.raises(ValueError, match="skip names 'copy', which is no check"):
        named(Careful, skip={"copy"})
    with pytest.raises(TypeError, match="skip must be a set of names, as in skip="):
        named(Careful, skip="copies")
    with pytest.raises(TypeError, match="make_layer must be callable"):
        named(copy.deepcopy(bias()))


def test_nothing_runs_before_a_check_is_called() -> None:
    made = []

    def make():
        made.append(1)
        return Careful()

    checks = list(gradcheck.layer_checks(make, X))
    assert not made
    checks[1]()
    assert made


def test_a_pair_that_remembers_is_given_forward_and_backward_in_turn() -> None:
    memory = {}

    def forward(x):
        memory["positive"] = x > 0
        return np.where(memory["positive"], x, 0.1 * x)

    def backward(d):
        return np.where(memory["positive"], d, 0.1 * d)

    for check in gradcheck.layer_checks(lambda: (forward, backward), X):
        check()


class Rectifier:
    """Its mask is no running statistic; parameters it has none, as all of its kind."""

    params = []  # noqa: RUF012 - as people write it

    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, d):
        return d * self.mask


class RectifiesByMean(Rectifier):
    def forward(self, x):
        self.mask = x > x.mean(0)
        return x * self.mask


def test_a_mask_is_no_running_statistic() -> None:
    assert "no running statistics" in named(Rectifier)["statistics untouched by backward"]()
    assert named(Rectifier)["samples independent"]() == ""
    with pytest.raises(AssertionError, match="say independent=False"):
        named(RectifiesByMean)["samples independent"]()


class SharesItsGradients(Careful):
    grads = {}  # noqa: RUF012 - as people write it

    def backward(self, dout):
        dx = super().backward(dout)
        self.grads["W"], self.grads["b"] = self.dW, self.db
        return dx


def test_a_dict_of_the_class_into_which_a_pass_writes_is_shared() -> None:
    with pytest.raises(AssertionError, match="two instances share grads, into which a pass writes"):
        named(SharesItsGradients)["instances share nothing"]()
    assert SharesItsGradients.grads == {}
    assert named(Rectifier)["instances share nothing"]() == ""


def test_a_state_that_forward_moves_is_no_step_of_backward() -> None:
    class Running(Careful):
        def __init__(self):
            super().__init__()
            self.h = np.full((4, 2), 0.2)

        def forward(self, x):
            self.before, self.h = self.h, np.tanh(super().forward(x) + 0.5 * self.h)
            return self.h

        def backward(self, dout):
            dz = dout * (1 - self.h**2)
            self.dh = 0.5 * dz
            return super().backward(dz)

    assert named(Running)["backward twice"]() == ""


def test_a_parameter_that_is_one_number_of_numpy_is_in_single_precision_too() -> None:
    class Slope:
        def __init__(self):
            self.alpha = np.float64(0.25)

        def forward(self, x):
            self.x = x.copy()
            return np.where(x > 0, x, self.alpha * x)

        def backward(self, d):
            self.dalpha = np.sum(d * np.where(self.x > 0, 0, self.x))
            return d * np.where(self.x > 0, 1, self.alpha)

    assert named(Slope)["dtype in is dtype out"]() == ""


def test_inputs_of_the_caller_are_left_alone_by_every_check() -> None:
    class WritesIntoItsInput:
        def forward(self, x):
            self.positive = x > 0
            x *= self.positive
            return x

        def backward(self, d):
            return d * self.positive

    x = np.array([[0.3, -1.2], [2.0, 0.7]])
    failed = []
    for check in gradcheck.layer_checks(WritesIntoItsInput, x):
        try:
            check()
        except (AssertionError, gradcheck.GradientMismatch):
            failed.append(check.name)
    assert np.array_equal(x, [[0.3, -1.2], [2.0, 0.7]])
    assert "inputs and cotangent unchanged" in failed


class Invariant:
    """A softmax that does not see its bias: the bias has no derivative but for rounding."""

    def __init__(self, dtype):
        self.W = weights().astype(dtype)
        self.b = np.zeros(1, dtype)

    def forward(self, x):
        self.x = x.copy()
        z = x @ self.W + self.b
        e = np.exp(z - z.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p.copy()

    def backward(self, dout):
        dz = self.p * (dout - (dout * self.p).sum(axis=1, keepdims=True))
        self.dW, self.db = self.x.T @ dz, dz.sum().reshape(1)
        return dz @ self.W.T


class Bent(Invariant):
    """Not linear in the cotangent, in the bias alone."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.db = np.abs(dout).sum().reshape(1) * 1e-3
        return dx


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_derivative_that_is_rounding_alone_is_the_same_as_another(dtype) -> None:
    (x,) = dense_input()
    checks = {
        check.name: check
        for check in gradcheck.layer_checks(lambda: Invariant(np.dtype(dtype)), x.astype(dtype))
    }
    for check in checks.values():
        check()
    bent = gradcheck.layer_checks(lambda: Bent(np.dtype(dtype)), x.astype(dtype))
    with pytest.raises(AssertionError, match="a cotangent -3 times as large"):
        next(check for check in bent if check.name == "linear in the cotangent")()


class ByTheFirst(Careful):
    """The sign of all hangs on the first sample: no small change of it shows that."""

    at = 0

    def forward(self, x):
        return super().forward(x) * (np.sign(x[self.at, 0]) if len(x) else 1.0)


LAST = {}


class KeepsInAGlobal(Careful):
    def forward(self, x):
        LAST["x"] = x.copy()
        return x @ self.W + self.b

    def backward(self, dout):
        self.x = LAST["x"]
        return super().backward(dout)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("name", "make", "told"),
    [
        ("samples independent", ByTheFirst, "another first sample changes the outputs of the others"),
        (
            "instances share nothing",
            KeepsInAGlobal,
            "a pass of another instance between forward and backward",
        ),
    ],
)
def test_what_shows_at_other_samples_and_in_other_instances_is_told(name, make, told, seed) -> None:
    x = np.random.default_rng(seed).standard_normal((6, 3))
    x[0, 0] = np.abs(x[0, 0])
    x[1, 0] = -1.0
    checks = {check.name: check for check in gradcheck.layer_checks(make, x)}
    with pytest.raises(AssertionError, match=told):
        checks[name]()
    assert {check.name: check for check in gradcheck.layer_checks(Careful, x)}[name]() == ""


def test_a_sample_is_not_moved_out_of_where_forward_is_defined_alone() -> None:
    class Root:
        def forward(self, x):
            if (x < 0).any():
                raise ValueError("negative")
            self.root = np.sqrt(x)
            return self.root.copy()

        def backward(self, dout):
            return dout / (2.0 * self.root)

    x = np.abs(X) + 0.1
    checks = {check.name: check for check in gradcheck.layer_checks(Root, x)}
    assert checks["samples independent"]() == ""


def test_a_layer_that_keeps_all_its_inputs_in_a_list_is_looked_into() -> None:
    class Remembers(Careful):
        def forward(self, x):
            self.seen = getattr(self, "seen", [])
            self.seen.append(x.copy())
            self.x = self.seen[0]
            return x @ self.W + self.b

    checks = named(Remembers)
    checks["derivative"]()
    with pytest.raises(AssertionError, match="a pass after another forward"):
        checks["backward after another forward"]()


def failing(make, *inputs) -> dict[str, str]:
    told = {}
    for check in gradcheck.layer_checks(make, *inputs, skip={"inputs not kept by reference", "copies"}):
        try:
            check()
        except AssertionError as problem:
            told[check.name] = str(problem)
    return told


class Scale:
    """A layer that has an output which is that of no sample: the logarithm of its determinant."""

    def __init__(self):
        self.log_s = np.array([0.1, -0.2, 0.3])

    def forward(self, x):
        self.x = x
        return x * np.exp(self.log_s), self.log_s.sum()

    def backward(self, dy, dlogdet):
        self.d_log_s = (dy * self.x * np.exp(self.log_s)).sum(0) + dlogdet
        return dy * np.exp(self.log_s)


def test_an_output_that_is_of_no_sample_counts_once() -> None:
    assert not failing(Scale, X)


def of_functions():
    params, seen = {"W": weights()}, None

    def forward(x):
        nonlocal seen
        seen = x
        return x @ params["W"]

    def backward(d):
        return d @ params["W"].T, {"W": seen.T @ d}

    return SimpleNamespace(forward=forward, backward=backward, params=params)


def test_what_the_functions_of_a_layer_rebind_is_its_copys_own() -> None:
    assert not failing(of_functions, X)
    layer = of_functions()
    layer.forward(X)
    gradcheck.check_layer(layer, 2.0 * X)
    np.testing.assert_array_equal(layer.backward(np.ones((4, 2)))[1]["W"], X.T @ np.ones((4, 2)))


def test_a_weight_that_is_as_long_as_the_batch_is_no_sample() -> None:
    pair = (lambda x, W: x @ W, lambda d, x, W: (d @ W.T, x.T @ d))
    rng = np.random.default_rng(0)
    assert not failing(lambda: pair, rng.standard_normal((3, 3)), rng.standard_normal((3, 2)))
    assert not failing(lambda: pair, rng.standard_normal((3, 3)), rng.standard_normal((3, 3)))


def test_a_second_input_of_the_batch_has_its_samples() -> None:
    def forward(x, y):
        return x * (np.arange(4.0)[:, None] + y)  # made for a batch of four

    def backward(d, x, y):
        return d * (np.arange(4.0)[:, None] + y), d * x

    assert "batch of one" in failing(lambda: (forward, backward), X, X + 1)


class FlagOfItsClass:
    """Whether it trains is said by its class, until an object says otherwise."""

    training = True

    def __init__(self):
        self.W = weights()

    def forward(self, x):
        self.x = x
        return x @ self.W if self.training else 3.0 * x @ self.W

    def backward(self, d):
        self.dW = self.x.T @ d
        return d @ self.W.T


def test_a_flag_for_training_that_the_class_has_is_turned_off() -> None:
    assert "with training = False" in failing(FlagOfItsClass, X)["train and eval"]
    assert FlagOfItsClass.training


def test_what_must_stand_in_its_order_is_not_accused_after_another_forward() -> None:
    class Descending:
        def forward(self, x, lengths):
            if np.any(np.diff(lengths) > 0):
                raise ValueError("lengths must descend")
            self.mask = np.arange(x.shape[1]) < lengths[:, None]
            return np.sum(x * self.mask, axis=1)

        def backward(self, d):
            return d[:, None] * self.mask

    x, lengths = np.random.default_rng(3).normal(size=(3, 5)), np.array([5, 3, 2])
    checks = {check.name: check for check in gradcheck.layer_checks(Descending, x, lengths)}
    assert checks["backward after another forward"]() == ""
