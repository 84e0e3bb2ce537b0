"""Physics and engineering: potentials, springs, integrators, optics, circuits, orbits."""

import numpy as np

from .specimen import Book

book = Book("heldout_physics")


def lennard_jones(R):
    energy = 0.0
    for i in range(len(R)):
        for j in range(i + 1, len(R)):
            inv6 = 1.0 / np.sum((R[i] - R[j]) ** 2) ** 3
            energy = energy + 4.0 * (inv6**2 - inv6)
    return energy


def forces(R, sign=1.0, exponent=12.0, newton=True):
    g = np.zeros_like(R)
    for i in range(len(R)):
        for j in range(i + 1, len(R)):
            d = R[i] - R[j]
            r2 = np.sum(d**2)
            inv6 = 1.0 / r2**3
            pair = 4.0 * (-exponent * inv6**2 + 6.0 * inv6) / r2 * d
            g[i] += sign * pair
            if newton:
                g[j] -= sign * pair
    return g


def cluster():
    r = np.random.default_rng(201)
    grid = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]], dtype=float)
    return (1.15 * grid + 0.05 * r.normal(size=(5, 3)),)


atoms = book.system("lennard_jones", lennard_jones, forces, cluster)


@atoms.wrong("the force, not the gradient", "sign", leaf="R")
def _(R):
    return forces(R, sign=-1.0)


@atoms.wrong("exponent of eleven", "other", "missing_term", leaf="R")
def _(R):
    return forces(R, exponent=11.0)


@atoms.wrong("third law forgotten", "other", "missing_term", leaf="R")
def _(R):
    return forces(R, newton=False)


@atoms.wrong("one component of one atom", "single_entry", leaf="R", entry=(3, 1))
def _(R):
    g = forces(R)
    g[3, 1] += 1e-4 * np.abs(g).max()
    return g


def pendulum(theta0, omega0, length, steps=25, dt=0.05):
    theta, omega = theta0, omega0
    for _ in range(steps):
        omega = omega - dt * 9.81 / length * np.sin(theta)
        theta = theta + dt * omega
    return (theta - 0.3) ** 2


def pendulum_adjoint(theta0, omega0, length, steps=25, dt=0.05, symplectic=True, upto=0):
    theta, omega = theta0, omega0
    angles = []
    for _ in range(steps):
        angles.append(theta)
        omega = omega - dt * 9.81 / length * np.sin(theta)
        theta = theta + dt * omega
    a, b, dl = 2 * (theta - 0.3), 0.0, 0.0
    for theta in angles[::-1][: steps - upto]:
        b = b + dt * a
        dl = dl + b * dt * 9.81 / length**2 * np.sin(theta)
        a = a - (b if symplectic else b - dt * a) * dt * 9.81 / length * np.cos(theta)
    return a, b, dl


def swing():
    return 0.8, -0.2, 1.3


adjoint = book.system("pendulum", pendulum, pendulum_adjoint, swing)


@adjoint.wrong("explicit Euler's adjoint", "other", leaf=("theta0", "omega0", "length"))
def _(*args):
    return pendulum_adjoint(*args, symplectic=False)


@adjoint.wrong("one step too few", "other", "missing_term", leaf=("theta0", "omega0", "length"))
def _(*args):
    return pendulum_adjoint(*args, upto=1)


@adjoint.wrong("length's square forgotten", "scale", leaf="length")
def _(*args):
    a, b, dl = pendulum_adjoint(*args)
    return a, b, dl * args[2]


def spring_net(P, edges, rest):
    d = P[edges[:, 0]] - P[edges[:, 1]]
    length = np.sqrt(np.sum(d * d, axis=1))
    return 0.5 * np.sum((length - rest) ** 2) + 9.81 * np.sum(P[:, 1])


def spring_net_grad(P, edges, rest):
    d = P[edges[:, 0]] - P[edges[:, 1]]
    length = np.sqrt(np.sum(d * d, axis=1))
    pull = ((length - rest) / length)[:, None] * d
    g = np.zeros_like(P)
    np.add.at(g, edges[:, 0], pull)
    np.subtract.at(g, edges[:, 1], pull)
    g[:, 1] += 9.81
    dr = -(length - rest)
    return g, dr


def bridge():
    r = np.random.default_rng(202)
    return (
        r.normal(size=(5, 2)),
        np.array([[0, 1], [1, 2], [2, 3], [3, 4], [0, 2], [1, 3]]),
        r.uniform(0.5, 2, size=6),
    )


springs = book.system("springs", spring_net, spring_net_grad, bridge, argnums=(0, 2))


@springs.wrong("buffered addition", "other", "rows", leaf="P")
def _(P, edges, rest):
    g, dr = spring_net_grad(P, edges, rest)
    d = P[edges[:, 0]] - P[edges[:, 1]]
    length = np.sqrt(np.sum(d * d, axis=1))
    pull = ((length - rest) / length)[:, None] * d
    g = np.zeros_like(P)
    g[edges[:, 0]] += pull
    g[edges[:, 1]] -= pull
    g[:, 1] += 9.81
    return g, dr


@springs.wrong("gravity forgotten", "columns", "missing_term", "extra_term", leaf="P")
def _(P, edges, rest):
    g, dr = spring_net_grad(P, edges, rest)
    g[:, 1] -= 9.81
    return g, dr


@springs.wrong("rest length for length", "other", "missing_term", leaf="P")
def _(P, edges, rest):
    d = P[edges[:, 0]] - P[edges[:, 1]]
    length = np.sqrt(np.sum(d * d, axis=1))
    pull = ((length - rest) / rest)[:, None] * d
    g = np.zeros_like(P)
    np.add.at(g, edges[:, 0], pull)
    np.subtract.at(g, edges[:, 1], pull)
    g[:, 1] += 9.81
    return g, -(length - rest)


def heat(u0, k, target):
    u = u0
    for _ in range(10):
        u = u + k * (np.roll(u, 1) - 2 * u + np.roll(u, -1))
    return np.sum((u - target) ** 2)


def heat_grad(u0, k, target):
    us = [u0]
    for _ in range(10):
        us.append(us[-1] + k * (np.roll(us[-1], 1) - 2 * us[-1] + np.roll(us[-1], -1)))
    a, dk = 2 * (us[-1] - target), 0.0
    for u in us[-2::-1]:
        dk = dk + a @ (np.roll(u, 1) - 2 * u + np.roll(u, -1))
        a = a + k * (np.roll(a, 1) - 2 * a + np.roll(a, -1))
    return a, dk


def rod():
    r = np.random.default_rng(203)
    return r.normal(size=9), 0.2, r.normal(size=9)


diffusion = book.system("heat_equation", heat, heat_grad, rod, argnums=(0, 1))


@diffusion.wrong("diffusivity sees the last state only", "scale", "other", leaf="k")
def _(u0, k, target):
    da, _ = heat_grad(u0, k, target)
    u = u0
    for _ in range(10):
        u = u + k * (np.roll(u, 1) - 2 * u + np.roll(u, -1))
    return da, 2 * (u - target) @ (np.roll(u, 1) - 2 * u + np.roll(u, -1))


@diffusion.wrong("one roll the wrong way", "other", leaf="u0")
def _(u0, k, target):
    u = u0
    for _ in range(10):
        u = u + k * (np.roll(u, 1) - 2 * u + np.roll(u, -1))
    a = 2 * (u - target)
    for _ in range(10):
        a = a + k * (np.roll(a, 1) - 2 * a + np.roll(a, 1))
    return a, heat_grad(u0, k, target)[1]


def gravitation(masses, X):
    # SI units: masses of 1e24 kg, distances of 1e8 m, energies of 1e29 J
    total = 0.0
    for i in range(len(masses)):
        for j in range(i):
            total = total - 6.674e-11 * masses[i] * masses[j] / np.sqrt(np.sum((X[i] - X[j]) ** 2))
    return total


def gravitation_grad(masses, X):
    dm, dX = np.zeros_like(masses), np.zeros_like(X)
    for i in range(len(masses)):
        for j in range(len(masses)):
            if i != j:
                d = X[i] - X[j]
                r = np.sqrt(d @ d)
                dm[i] -= 6.674e-11 * masses[j] / r
                dX[i] += 6.674e-11 * masses[i] * masses[j] * d / r**3
    return dm, dX


def planets():
    return np.array([5.97e24, 7.35e22, 4.2e10]), np.array(
        [[0, 0, 0], [3.84e8, 0, 1e7], [0, 4.2e7, 0]], dtype=float
    )


orbit = book.system("gravitation", gravitation, gravitation_grad, planets)


@orbit.wrong("satellite's mass wrong", "single_entry", leaf="masses", entry=(2,))
def _(masses, X):
    dm, dX = gravitation_grad(masses, X)
    dm[2] *= 1.01
    return dm, dX


@orbit.wrong("satellite's row negative", "rows", "sign", leaf="X")
def _(masses, X):
    dm, dX = gravitation_grad(masses, X)
    dX[2] = -dX[2]
    return dm, dX


@orbit.wrong("cube of the distance forgotten", "rows", "other", "scale", leaf="X")
def _(masses, X):
    dm, dX = gravitation_grad(masses, X)
    return dm, dX * 3.84e8


def lens(c, n, ray):
    # paraxial rays through two surfaces of curvature c and index n
    y, u = ray[:, 0], ray[:, 1]
    u = (u - y * c[0] * (n - 1)) / n
    y = y + 0.01 * u
    u = n * u - y * c[1] * (1 - n)
    return np.sum((y + 0.2 * u) ** 2)


def lens_grad(c, n, ray):
    y0, u0 = ray[:, 0], ray[:, 1]
    u1 = (u0 - y0 * c[0] * (n - 1)) / n
    y1 = y0 + 0.01 * u1
    u2 = n * u1 - y1 * c[1] * (1 - n)
    d = 2 * (y1 + 0.2 * u2)
    du2 = 0.2 * d
    dy1 = d - du2 * c[1] * (1 - n)
    du1 = n * du2 + 0.01 * dy1
    dc1 = -np.sum(du2 * y1) * (1 - n)
    dc0 = -np.sum(du1 * y0) * (n - 1) / n
    dn = np.sum(du2 * (u1 + y1 * c[1])) + np.sum(du1 * (-y0 * c[0] - u1) / n)
    return np.stack([dc0, dc1]), dn


def beam():
    r = np.random.default_rng(204)
    return np.array([20.0, -15.0]), 1.52, r.normal(size=(6, 2)) * [0.01, 0.05]


optics = book.system("lens", lens, lens_grad, beam, argnums=(0, 1))


@optics.wrong("quotient's second term", "missing_term", "scale", "other", leaf="n")
def _(c, n, ray):
    dc, _ = lens_grad(c, n, ray)
    y0, u0 = ray[:, 0], ray[:, 1]
    u1 = (u0 - y0 * c[0] * (n - 1)) / n
    y1 = y0 + 0.01 * u1
    d = 2 * (y1 + 0.2 * (n * u1 - y1 * c[1] * (1 - n)))
    du1 = n * 0.2 * d + 0.01 * (d - 0.2 * d * c[1] * (1 - n))
    return dc, np.sum(0.2 * d * (u1 + y1 * c[1])) + np.sum(du1 * (-y0 * c[0]) / n)


@optics.wrong("second surface of the first's sign", "single_entry", "sign", leaf="c", entry=(1,))
def _(c, n, ray):
    dc, dn = lens_grad(c, n, ray)
    return dc * [1, -1], dn


def circuit(v, R):
    # node voltages; diode currents of 1e-12 A
    i = (v[:-1] - v[1:]) / R
    diode = 1e-12 * (np.exp(v / 0.025) - 1)
    return i, diode


def circuit_vjp(u, v, R):
    ui, ud = u
    dv = ud * 1e-12 / 0.025 * np.exp(v / 0.025)
    dv[:-1] += ui / R
    dv[1:] -= ui / R
    return dv, -ui * (v[:-1] - v[1:]) / R**2


def nodes():
    return np.array([0.55, 0.42, 0.61, 0.3]), np.array([1e3, 4.7e3, 2.2e5])


network = book.system("diodes", circuit, circuit_vjp, nodes, kind="vjp")


@network.wrong("thermal voltage forgotten", "other", "scale", leaf="v")
def _(u, v, R):
    ui, ud = u
    dv = ud * 1e-12 * np.exp(v / 0.025)
    dv[:-1] += ui / R
    dv[1:] -= ui / R
    return dv, -ui * (v[:-1] - v[1:]) / R**2


@network.wrong("diodes forgotten", "missing_term", "sparse", "other", leaf="v")
def _(u, v, R):
    ui, _ = u
    dv = np.zeros_like(v)
    dv[:-1] += ui / R
    dv[1:] -= ui / R
    return dv, -ui * (v[:-1] - v[1:]) / R**2


@network.wrong("largest resistor", "single_entry", leaf="R", entry=(2,))
def _(u, v, R):
    dv, dR = circuit_vjp(u, v, R)
    dR[2] *= 1.1
    return dv, dR


def rotation(q, points, targets):
    # unit quaternion by normalisation
    w, x, y, z = q / np.sqrt(np.sum(q**2))
    M = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    return np.sum((points @ M.T - targets) ** 2)


def rotation_grad(q, points, targets, project=True):
    s = np.sqrt(np.sum(q**2))
    w, x, y, z = n = q / s
    M = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    G = 2 * (points @ M.T - targets).T @ points
    d = 2 * np.stack(
        [
            -z * G[0, 1] + y * G[0, 2] + z * G[1, 0] - x * G[1, 2] - y * G[2, 0] + x * G[2, 1],
            y * (G[0, 1] + G[1, 0])
            + z * (G[0, 2] + G[2, 0])
            - 2 * x * (G[1, 1] + G[2, 2])
            + w * (G[2, 1] - G[1, 2]),
            x * (G[0, 1] + G[1, 0])
            + z * (G[1, 2] + G[2, 1])
            - 2 * y * (G[0, 0] + G[2, 2])
            + w * (G[0, 2] - G[2, 0]),
            x * (G[0, 2] + G[2, 0])
            + y * (G[1, 2] + G[2, 1])
            - 2 * z * (G[0, 0] + G[1, 1])
            + w * (G[1, 0] - G[0, 1]),
        ]
    )
    return (d - n * (n @ d) if project else d) / s


def attitude():
    r = np.random.default_rng(205)
    return r.normal(size=4), r.normal(size=(5, 3)), r.normal(size=(5, 3))


turn = book.system("quaternion", rotation, rotation_grad, attitude, argnums=0)


@turn.wrong("normalisation not differentiated", "missing_term", "other", leaf="q")
def _(q, points, targets):
    return rotation_grad(q, points, targets, project=False)


@turn.wrong("transposed rotation", "other", leaf="q")
def _(q, points, targets):
    return rotation_grad(q * [1, -1, -1, -1], points, targets) * [1, -1, -1, -1]
