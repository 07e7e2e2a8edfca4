"""Ordinary work of pyarrow, as workloads that work_bench.py measures: reading and writing files, compute functions,
queries, and the exchange with pandas, Python objects and Flight.

`registry` collects the workloads, which `files`, `kernels`, `queries` and `exchange` define; `data` makes what they
read; `digest` sums their results up, so that the pools' results can be compared.
"""
