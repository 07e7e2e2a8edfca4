"""Workloads between Arrow and others: pandas, Python's own objects, and Flight."""

import pyarrow as pa

from work.registry import workload


@workload()
def to_pandas(inputs):
    import pandas as pd  # noqa: F401 # it is not the import that is measured

    events = inputs.events()
    return events.to_pandas


@workload()
def from_pandas(inputs):
    frame = inputs.events().to_pandas()
    return lambda: pa.Table.from_pandas(frame)


@workload()
def pandas_arrow(inputs):
    """Columns, selection and groups of a pandas DataFrame whose columns are Arrow's."""
    import pandas as pd

    frame = inputs.events().to_pandas(types_mapper=pd.ArrowDtype)

    def compute():
        wider = frame.copy()
        wider["z"] = wider["v"] * 2 + wider["w"]
        wider["u"] = wider["s"].str.upper()
        selected = wider[wider["k"] > 300]
        return selected.groupby("k")["z"].mean(), selected

    return compute


@workload(2)
def from_lists(inputs):
    """Lists of lists, of dicts and of strings."""
    pairs = [[i, i + 1] for i in range(inputs.count(200_000))]
    records = [{"x": i, "y": str(i)} for i in range(inputs.count(150_000))]
    strings = [f"v{i}" for i in range(inputs.count(400_000))]
    return lambda: (pa.array(pairs), pa.array(records), pa.array(strings))


@workload()
def scalars_small(inputs):
    """Arrays of three values, all of them kept."""
    count = inputs.count(150_000)
    return lambda: [pa.array([i, i + 1, None]) for i in range(count)]


@workload(2)
def flight(inputs):
    """A table from a Flight server in the same process."""
    import pyarrow.flight

    numbers = inputs.events().select(["k", "g", "v", "w"])

    class Server(pyarrow.flight.FlightServerBase):
        def do_get(self, context, ticket):
            return pyarrow.flight.RecordBatchStream(numbers)

    server = inputs.enter_context(Server("grpc://127.0.0.1:0"))
    client = inputs.enter_context(pyarrow.flight.connect(f"grpc://127.0.0.1:{server.port}"))
    return lambda: client.do_get(pyarrow.flight.Ticket(b"numbers")).read_all()
