"""A service that keeps its answers, to be asked for again, and never lets go of one."""

import time

import pyarrow as pa

answers = []


def answer(number):
    table = pa.table({"id": range(number, number + 50_000), "name": [f"name {i}" for i in range(50_000)]})
    answers.append(table)
    return table.num_rows


def add_up():
    return pa.array(range(200_000)).cast(pa.float64())


if __name__ == "__main__":
    for request in range(10_000):
        answer(request)
        add_up()
        time.sleep(0.2)
