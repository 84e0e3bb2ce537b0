"""Weights that are plain numbers in lists, whose gradients are arrays."""

import numpy as np
import pytest

from tests.layers.making import bias, check, dense_input, dW_of, dx_of, weights

(X,) = dense_input()


class Dense:
    """``kept`` makes of arrays what it keeps, ``given`` is what backward returns of its gradients."""

    def __init__(self, factor, kept=np.ndarray.tolist):
        self.W, self.b, self.factor = kept(weights()), kept(bias()), factor

    def forward(self, x):
        self.x = x
        return x @ np.array(self.W, float) + np.array(self.b, float)

    def gradients(self, d):
        return self.factor * dW_of(self.x, d), d.sum(0)


class ReturnsThem(Dense):
    def backward(self, d):
        return dx_of(d, np.array(self.W, float)), *self.gradients(d)


class ReturnsADict(Dense):
    def backward(self, d):
        dW, db = self.gradients(d)
        return dx_of(d, np.array(self.W, float)), {"W": dW, "b": db}


class KeepsOneAxisMore(Dense):
    def backward(self, d):
        dW, db = self.gradients(d)
        self.dW, self.db = dW[None], db[None, :]
        return dx_of(d, np.array(self.W, float))


def in_single(array):
    return [in_single(row) for row in array] if array.ndim > 1 else [np.float32(number) for number in array]


def in_whole_numbers(array):
    return np.round(3 * array).astype(int).tolist()


@pytest.mark.parametrize("kept", [np.ndarray.tolist, in_single, in_whole_numbers])
@pytest.mark.parametrize("layer", [ReturnsThem, ReturnsADict])
@pytest.mark.parametrize("factor", [1, 7])
def test_lists_of_the_shape_of_what_is_returned_and_not_read_leave_the_check_open(
    layer, kept, factor
) -> None:
    """Gradients seven times too large passed: numbers in lists were taken for settings."""
    report = check(layer(factor, kept), X)
    assert (report.verdict, set(report.unchecked)) == ("inconclusive", {"W", "b"})
    assert check(layer(factor, kept), X, params={"W": None, "b": None}).ok


@pytest.mark.parametrize("kept", [np.ndarray.tolist, in_single, in_whole_numbers])
def test_axes_of_length_1_in_the_gradient_of_a_list_say_nothing(kept) -> None:
    assert check(KeepsOneAxisMore(1, kept), X).ok
    wrong = {leaf.path for leaf in check(KeepsOneAxisMore(7, kept), X).leaves if leaf.verdict == "fail"}
    assert wrong == {f"W[{row}][{column}]" for row, column in np.ndindex(weights().shape)}


class Line:
    """A slope and an offset that are plain numbers, in no list, on one column."""

    def __init__(self, factor):
        self.w, self.b, self.factor = 0.5, 0.1, factor

    def forward(self, x):
        self.x = x
        return self.w * x + self.b

    def backward(self, d):
        return d * self.w, self.factor * np.sum(d * self.x, 0), d.sum(0)


@pytest.mark.parametrize("factor", [1, 7])
def test_numbers_whose_gradients_are_arrays_of_one_leave_the_check_open(factor) -> None:
    report = check(Line(factor), X[:, :1])
    assert (report.verdict, report.unchecked) == ("inconclusive", ("w", "b"))


class OfNeurons:
    """A list of weights for each neuron, whose gradients are returned in a list of arrays, or are kept in one."""

    class Neuron:
        pass

    def __init__(self, factor, keeps):
        self.neurons, self.factor, self.keeps = [], factor, keeps
        for column in weights().T:
            self.neurons.append(self.Neuron())
            self.neurons[-1].w = column.tolist()

    def forward(self, x):
        self.x = x
        return np.stack([x @ np.array(one.w) for one in self.neurons], 1)

    def backward(self, d):
        gradients = [self.factor * self.x.T @ column for column in d.T]
        for one, gradient in zip(self.neurons, gradients, strict=True) if self.keeps else ():
            one.dw = gradient
        dx = sum(np.outer(column, one.w) for column, one in zip(d.T, self.neurons, strict=True))
        return dx if self.keeps else (dx, gradients)


@pytest.mark.parametrize("factor", [1, 7])
def test_lists_of_several_objects(factor) -> None:
    report = check(OfNeurons(factor, keeps=False), X)
    names = tuple(f"neurons[{number}].w" for number in range(weights().shape[1]))
    assert (report.verdict, report.unchecked) == ("inconclusive", names)
    assert check(OfNeurons(factor, keeps=True), X).verdict == ("pass" if factor == 1 else "fail")


class OfSeveralSizes:
    def __init__(self, factor):
        self.W, self.factor = [weights().tolist(), weights().T.tolist()], factor

    def forward(self, x):
        self.x = x
        self.h = np.tanh(x @ np.array(self.W[0]))
        return self.h @ np.array(self.W[1])

    def backward(self, d):
        dh = dx_of(d, np.array(self.W[1])) * (1 - self.h**2)
        self.dW = [dW_of(self.x, dh), self.factor * dW_of(self.h, d)]
        return dx_of(dh, np.array(self.W[0]))


def test_a_list_of_matrices_of_several_sizes() -> None:
    assert check(OfSeveralSizes(1), X).ok
    wrong = {leaf.path for leaf in check(OfSeveralSizes(7), X).leaves if leaf.verdict == "fail"}
    assert wrong and all(path.startswith("W[1]") for path in wrong)


class WithSlopes:
    """As many numbers as the output has columns, which are settings, and backward returns more than it has to."""

    def __init__(self, returned):
        self.W, self.slopes, self.returned = weights(), [0.1] * weights().shape[1], returned

    def forward(self, x):
        self.x, self.z = x, x @ self.W
        return np.where(self.z > 0, self.z, self.z * self.slopes)

    def backward(self, d):
        dz = d * np.where(self.z > 0, 1, self.slopes)
        self.dW = dW_of(self.x, dz)
        return self.returned(dx_of(dz, self.W), dz, self.z)


@pytest.mark.parametrize(
    ("returned", "more"),
    [
        (lambda dx, dz, z: (dx, dz), ("returned[1]",)),
        (lambda dx, dz, z: (dx, {"dz": dz, "z": z}), ("returned[1]['dz']",)),
        (lambda dx, dz, z: (dx, z), ()),
        (lambda dx, dz, z: dx, ()),
    ],
)
def test_what_is_returned_as_well_and_is_no_gradient_of_theirs_is_told(returned, more) -> None:
    report = check(WithSlopes(returned), X)
    assert report.ok
    told = "".join(f"; of what backward returns taken for no gradient: {one}" for one in more)
    assert report.subject.endswith("gradient in dW" + told)


class Polynomial:
    """Coefficients in a list, whose gradients are kept where they are called gradients and not of what."""

    def __init__(self, keep, factor=1.0):
        self.coefficients, self.keep, self.factor = [0.5, 0.1, -0.3], keep, factor

    def forward(self, x):
        self.x = x
        return sum(c * x**k for k, c in enumerate(self.coefficients))

    def backward(self, d):
        self.keep(self, [self.factor * np.sum(d * self.x**k) for k in range(3)])
        return d * sum(k * c * self.x ** (k - 1) for k, c in enumerate(self.coefficients) if k)


def keep_list(layer, gradients):
    layer.grads = gradients


def keep_array(layer, gradients):
    layer.grad = np.array(gradients)


@pytest.mark.parametrize("keep", [keep_list, keep_array])
@pytest.mark.parametrize("factor", [1, 7])
def test_lists_of_the_shape_of_what_is_kept_as_gradients_leave_the_check_open(keep, factor) -> None:
    report = check(Polynomial(keep, factor), X)
    assert (report.verdict, report.unchecked) == ("inconclusive", ("coefficients",))
    assert check(Polynomial(keep, factor), X, params={"coefficients": None}).ok


def test_settings_as_long_as_a_list_whose_gradients_are_kept_are_left_alone() -> None:
    class Leaky(KeepsOneAxisMore):
        def __init__(self):
            super().__init__(1)
            self.slopes = [0.1, 0.2]

        def forward(self, x):
            self.z = super().forward(x)
            return np.where(self.z > 0, self.z, self.z * np.array(self.slopes))

        def backward(self, d):
            return super().backward(d * np.where(self.z > 0, 1, self.slopes))

    assert check(Leaky(), X).ok
