"""A scripted attacker: sees only what was published and tries to learn the size of a small group.

It shares no code with the auditor: it parses the published statements itself and attacks by solving linear
programs over the joint table, by subtracting nested groups, by comparing totals with parts and by comparing
releases. For tiny plans it enumerates every table that fits.
"""

import itertools

import numpy as np
from scipy.optimize import linprog


def atoms_of(domain):
    names = sorted(domain)
    return names, list(itertools.product(*(sorted(domain[name]) for name in names)))


def member(names, atom, group):
    codes = dict(group)
    return all(name not in codes or value in codes[name] for name, value in zip(names, atom, strict=True))


def small_groups(statements, domain, count, threshold):
    """Every published group, the classes and rests beside it, and every difference of nested published
    groups.
    """
    names, atoms = atoms_of(domain)
    vector = {}

    def vec(group):
        if group not in vector:
            vector[group] = np.array([member(names, atom, group) for atom in atoms])
        return vector[group]

    published = {s.group for s in statements} | {()}
    for group in list(published):
        vec(group)
    for outer, inner in itertools.permutations(published, 2):
        if np.all(vec(inner) <= vec(outer)):
            yield outer, inner, vec(outer) & ~vec(inner), count(outer) - count(inner)
    for group in published:
        yield group, None, vec(group), count(group)
        for name, codes in group:
            rest = frozenset(domain[name]) - codes
            for part in [rest, *(frozenset([code]) for code in domain[name])]:
                near = tuple(sorted({**dict(group), name: part}.items()))
                yield near, None, vec(near), count(near)


def _system(statements, domain):
    names, atoms = atoms_of(domain)
    rows, tops = [], []
    for s in statements:
        row = np.array([member(names, atom, s.group) for atom in atoms], dtype=float)
        if np.isfinite(s.high):
            rows.append(row)
            tops.append(s.high)
        rows.append(-row)
        tops.append(-s.low)
    return np.array(rows), np.array(tops)


def attack(statements, domain, count, threshold, width):
    """The small groups that linear programming over the joint table pins to a range narrower than
    ``width``.
    """
    rows, tops = _system(statements, domain)
    won = []
    seen = set()
    for outer, inner, row, size in small_groups(statements, domain, count, threshold):
        if not 0 < size < threshold or row.tobytes() in seen:
            continue
        seen.add(row.tobytes())
        low = linprog(row.astype(float), A_ub=rows, b_ub=tops, method="highs")
        high = linprog(-row.astype(float), A_ub=rows, b_ub=tops, method="highs")
        if low.status != 0 or high.status != 0:
            continue
        if np.floor(-high.fun + 1e-7) - np.ceil(low.fun - 1e-7) < width:
            won.append((outer, inner, size))
    return won


def difference(statements, count, threshold, width):
    """Pairs of published figures whose subtraction alone pins down a small group (no solver, only
    arithmetic).
    """
    won = []
    for a, b in itertools.permutations(statements, 2):
        inner, outer = dict(b.group), dict(a.group)
        nested = all(name in inner and inner[name] <= codes for name, codes in outer.items())
        if not nested or a.group == b.group:
            continue
        size = count(a.group) - count(b.group)
        low, high = max(0, a.low - b.high), a.high - b.low
        if 0 < size < threshold and high - low < width:
            won.append((a.table, b.table, size))
    return won


def enumerate_tables(statements, domain, most):
    """All tables of whole numbers up to ``most`` per cell that fit every statement, one per row."""
    _, atoms = atoms_of(domain)
    rows, tops = _system(statements, domain)
    grid = np.stack(np.meshgrid(*[np.arange(most + 1)] * len(atoms), indexing="ij"), axis=-1)
    tables = grid.reshape(-1, len(atoms))
    for row, top in zip(rows, tops, strict=True):
        tables = tables[tables @ row <= top + 1e-9]
    return tables


def brute_force(statements, domain, count, threshold, width, most):
    """The small groups that enumeration of every fitting table pins down."""
    tables = enumerate_tables(statements, domain, most)
    won = []
    for outer, inner, row, size in small_groups(statements, domain, count, threshold):
        if 0 < size < threshold:
            values = tables @ row
            if values.max() - values.min() < width:
                won.append((outer, inner, size))
    return won
