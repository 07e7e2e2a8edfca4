"""Vector indexes of three kinds built over 20,000 vectors, searched, written to a file and read back."""

import program


def run():
    import faiss
    import numpy as np

    random = np.random.default_rng(1)
    vectors = random.random((20_000, 64), dtype=np.float32)
    queries = random.random((200, 64), dtype=np.float32)
    flat = faiss.IndexFlatL2(64)
    flat.add(vectors)
    _, exact = flat.search(queries, 10)
    print("flat", program.digest(exact))

    # One thread: the order in which several insert or sum up is left to chance.
    faiss.omp_set_num_threads(1)
    for description in ("IVF64,Flat", "IVF64,PQ16x4fs", "HNSW16"):
        index = faiss.index_factory(64, description)
        index.train(vectors)
        index.add(vectors)
        _, found = index.search(queries, 10)
        faiss.write_index(index, "index")
        _, again = faiss.read_index("index").search(queries, 10)
        assert (again == found).all()
        print(description, program.digest(found), "recall", np.mean(found[:, :1] == exact[:, :1]))


program.main(["faiss-cpu"], run)
