"""Group normalisation: groups of channels of one image together (Wu and He, 2018).

With one group it is layer norm over a whole image, with a group for each channel instance norm.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.layers.axes import must_agree, must_answer, must_fall_into, must_have
from reference_impls.layers.layer import Array, Layer, Params
from reference_impls.layers.normalised import normalised, normalised_vjp
from reference_impls.targets import must_lie


def initial_params(channels: int, dtype: Any = np.float64) -> dict[str, Array]:
    """``gain`` ones and ``shift`` zeros, (channels,) each."""
    return {"gain": np.ones(channels, dtype), "shift": np.zeros(channels, dtype)}


def forward(params: Params, x: Array, *, groups: int = 1, eps: float = 1e-5) -> tuple[Array, Any]:
    """``y_nchw = xhat_nchw gain_c + shift_c`` for ``x`` (batch, channels, ...), normalised group by group."""
    must_have("x", x, batch=None, channels=len(params["gain"]), pixels=...)
    for name in ("gain", "shift"):
        must_have(name, params[name], channels=x.shape[1])
    must_fall_into("groups", groups, x.shape[1], "channels")
    must_agree(x=x, **params)
    must_lie("eps", eps, 0)
    rows = np.ascontiguousarray(x).reshape(len(x) * groups, x.shape[1] // groups, int(np.prod(x.shape[2:])))
    gain, shift = (
        np.broadcast_to(params[name], x.shape[:2]).reshape(*rows.shape[:2], 1) for name in ("gain", "shift")
    )
    y, kept = normalised(rows, gain, shift, eps)
    return y.reshape(x.shape), (kept, x.shape)


def backward(dy: Array, cache: Any) -> tuple[Array, dict[str, Array]]:
    """Pull ``dy`` back to ``x``, ``gain`` and ``shift``.

    Gain and shift act on channels, over all images and pixels: ``dshift_c = sum_nhw dy_nchw``, ``dgain_c = sum_nhw
    dy_nchw xhat_nchw``. ``dxhat_nchw = dy_nchw gain_c`` goes back through the normalisation of the groups.
    """
    kept, shape = cache
    must_answer(dy, shape, kept.x.dtype)
    dx, dgain, dshift = normalised_vjp(np.ascontiguousarray(dy).reshape(kept.x.shape), kept)
    return dx.reshape(dy.shape), {
        "gain": dgain.reshape(dy.shape[:2]).sum(axis=0),
        "shift": dshift.reshape(dy.shape[:2]).sum(axis=0),
    }


def cases() -> list[Case]:
    """Groups, one group, instances, one image, and float32."""
    rng = np.random.default_rng(6)
    x = rng.standard_normal((2, 4, 3, 2))
    params = {"gain": rng.standard_normal(4), "shift": rng.standard_normal(4)}
    single = {name: value.astype(np.float32) for name, value in params.items()}
    return [
        *(
            Case(
                f"group_norm/{name}",
                Layer(forward, backward, params, groups=groups),
                None,
                (x,),
                kind="layer",
            )
            for name, groups in (("groups", 2), ("one_group", 1), ("instances", 4))
        ),
        Case(
            "group_norm/one_image", Layer(forward, backward, params, groups=2), None, (x[:1],), kind="layer"
        ),
        Case(
            "group_norm/float32",
            Layer(forward, backward, single, groups=2),
            None,
            (x.astype(np.float32),),
            kind="layer",
        ),
    ]
