"""Starter: a layer with its derivation, to be changed into yours."""

from __future__ import annotations

import numpy as np


class Starter:
    """``Y = tanh(X W + b)``, for ``X`` of shape (examples, inputs).

    ``dW`` and ``db`` hold the gradients of the latest `backward`.
    """

    def __init__(self, W: np.ndarray, b: np.ndarray) -> None:
        self.W, self.b = W, b

    def forward(self, X: np.ndarray) -> np.ndarray:
        """The output; keeps what `backward` needs."""
        Y: np.ndarray = np.tanh(X @ self.W + self.b)
        # copies: the caller may write into what it gave and what it got
        self.X, self.Y = X.copy(), Y.copy()
        return Y

    def backward(self, dY: np.ndarray) -> np.ndarray:
        """From the gradient of a loss with respect to ``Y`` those with respect to ``W``, ``b`` and ``X``.

        With ``Z = X W + b`` it is ``dY_nk/dZ_nk = 1 - Y_nk^2``, and then, each weighted by ``dZ_nk`` and summed
        over the indices that are not its own,

        - ``Z_nk = sum_i X_ni W_ik + b_k``, so ``dW_ik = sum_n X_ni dZ_nk``, which is ``X^T dZ``;
        - ``db_k = sum_n dZ_nk``;
        - ``dX_ni = sum_k dZ_nk W_ik``, which is ``dZ W^T``.
        """
        dZ: np.ndarray = dY * (1 - self.Y**2)
        self.dW, self.db = self.X.T @ dZ, dZ.sum(axis=0)
        dX: np.ndarray = dZ @ self.W.T
        return dX
