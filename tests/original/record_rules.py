"""Records what cloudcircuit 0.1.0 answers on budgets, spikes and breakers, as data for the tests.

    pip install cloudcircuit==0.1.0
    python3 tests/original/record_rules.py > tests/original/rules.json

Every case has what went in and what came out; `null` where the original refused the input.
"""

import json
import itertools
import random

from cloudcircuit.safeguards import check_anomaly_spike, check_budget, evaluate_circuit_breaker


def answer(rule, *inputs):
    try:
        result = rule(*inputs)
    except ValueError:
        return None
    return {key: getattr(result, key) for key in type(result).__dataclass_fields__}


def budgets():
    yield from [
        (40.0, 100.0, 0.8), (100.0, 100.0, 0.8), (80.0, 100.0, 0.8), (79.999, 100.0, 0.8),
        (99.999999, 100.0, 1.0), (100.0, 100.0, 1.0), (100.0000001, 100.0, 1.0), (0.0, 1.0, 0.9),
        (0.9, 1.0, 0.9), (0.27, 0.3, 0.9), (0.63, 0.7, 0.9), (0.3, 0.1 + 0.2, 1.0), (1e-300, 1e300, 1e-9),
        (-1.0, 100.0, 0.9), (10.0, 0.0, 0.9), (10.0, -5.0, 0.9), (10.0, 100.0, 0.0), (10.0, 100.0, 1.1),
        (10.0, 100.0, -0.1),
    ]
    numbers = random.Random(10)
    for _ in range(40):
        limit = round(numbers.uniform(0.1, 50), 2)
        yield round(limit * numbers.uniform(0, 1.3), 2), limit, round(numbers.uniform(0.05, 1), 2)


def spikes():
    yield from [
        ([10.0, 10.0, 10.0, 20.0], 1.5, 0.0), ([0.0, 0.0, 0.0, 0.4], 2.0, 0.5), ([10.0, 15.0], 1.5, 0.0),
        ([10.0, 15.000001], 1.5, 0.0), ([10.0, 14.999999], 1.5, 0.0), ([0.0, 0.0], 1.5, 0.0),
        ([0.0, 1e-9], 1.5, 0.0), ([1.0, 2.0, 3.0, 4.0], 2.0, 0.0), ([4.0, 1.0, 1.0], 1.5, 3.0),
        ([0.1, 0.2, 0.3, 0.30000000000000004], 1.5, 0.0), ([120.0, 125.0, 118.0, 260.0], 1.5, 0.0),
        ([1.0], 1.5, 0.0), ([], 1.5, 0.0), ([1.0, 2.0], 1.0, 0.0), ([1.0, 2.0], 0.5, 0.0),
        ([1.0, 2.0], 1.5, -0.1), ([1.0, -1.0], 2.0, 0.0), ([-1.0, 1.0], 2.0, 0.0),
    ]
    numbers = random.Random(11)
    for _ in range(40):
        points = [round(numbers.uniform(0, 9), 2) for _ in range(numbers.randint(2, 7))]
        yield points, round(numbers.uniform(1.01, 3), 2), round(numbers.choice([0, 0, 1, 4]), 2)


def breakers():
    yield from itertools.product([-1, 0, 1, 2, 3, 4, 1000], [-1, 0, 1, 2, 3, 1000], [-1, 0, 1, 2, 1000])
    numbers = random.Random(12)
    for _ in range(60):
        yield numbers.randint(0, 12), numbers.randint(1, 12), numbers.choice([0, 0, numbers.randint(0, 9)])


def rows(rule, inputs):
    return ",\n".join(json.dumps({"input": it, "answer": answer(rule, *it)}) for it in inputs)


print(f'''{{
"budgets": [
{rows(check_budget, budgets())}
],
"spikes": [
{rows(check_anomaly_spike, spikes())}
],
"breakers": [
{rows(evaluate_circuit_breaker, breakers())}
]
}}''')
