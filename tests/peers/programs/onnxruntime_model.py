"""A model of convolutions and matrix products, made with onnx and run in batches of several sizes."""

import program


def model():
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(1)

    def constant(name, *shape):
        return numpy_helper.from_array(random.standard_normal(shape).astype(np.float32) / 10, name)

    nodes = [
        helper.make_node("Conv", ["x", "kernel1"], ["c1"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("MaxPool", ["r1"], ["p1"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["p1", "kernel2"], ["c2"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c2"], ["r2"]),
        helper.make_node("Flatten", ["r2"], ["f"]),
        helper.make_node("Gemm", ["f", "weights", "bias"], ["g"]),
        helper.make_node("Softmax", ["g"], ["y"]),
    ]
    shape = ["batch", 3, 32, 32]
    graph = helper.make_graph(
        nodes, "small", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 10])],
        [constant("kernel1", 16, 3, 3, 3), constant("kernel2", 32, 16, 3, 3), constant("weights", 32 * 16 * 16, 10),
         constant("bias", 10)])
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


def run():
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(model(), options, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(2)
    for batch in (1, 7, 64, 256, 1, 300):
        [answer] = session.run(None, {"x": random.random((batch, 3, 32, 32), dtype=np.float32)})
        assert np.allclose(answer.sum(1), 1, atol=1e-5)
        print(batch, program.digest(answer))


program.main(["onnxruntime", "onnx"], run)
