"""ONNX Runtime's quantizer and inference, the peer of bench/int8.ts.

Reads one job as JSON from stdin:
  {"version": true}                                           prints the version
  {"quantize": {"model", "images", "output", "bits"}}         static, QDQ, per channel, uint8 x int8, minmax
  {"run": {"model", "images", "output", "exact"}}             logits as .npy
  {"convert": {"model", "output", "format"}}                  `dynamic`: scales computed in each run; `weights`: int8
                                                              weights, float arithmetic
`images` is a .npy file of float32 [N, ...], the model's input. Prints one line of JSON.
"""

import json
import os
import sys
import tempfile

import numpy

# Import onnx first: on Debian both share a registry of operators, and onnx.reference fails on onnxruntime's operators.
import onnx
import onnx.numpy_helper
import onnx.reference
import onnxruntime


def session_options(exact):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    if exact:
        options.add_session_config_entry("session.x64quantprecision", "1")
    return options


def quantize(model, images, output, bits):
    from onnxruntime.quantization import (
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quant_pre_process,
        quantize_static,
    )

    rows = numpy.load(images)
    name = onnxruntime.InferenceSession(model).get_inputs()[0].name

    class Reader(CalibrationDataReader):
        """Parts of 32 images: calibration holds every intermediate result of a part in memory."""

        def __init__(self):
            self.parts = iter(numpy.array_split(rows, max(1, len(rows) // 32)))

        def get_next(self):
            part = next(self.parts, None)
            return None if part is None else {name: part}

    with tempfile.TemporaryDirectory() as folder:
        prepared = os.path.join(folder, "prepared.onnx")
        notes = []
        try:
            quant_pre_process(model, prepared)
        except Exception as error:  # symbolic shapes need sympy
            notes.append(f"quant_pre_process without symbolic shapes: {type(error).__name__}: {error}"[:200])
            quant_pre_process(model, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            output,
            Reader(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=bits == 7,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
    return {"notes": notes}


def run(model, images, output, exact):
    session = onnxruntime.InferenceSession(model, session_options(exact), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    rows = numpy.load(images)
    parts = numpy.array_split(rows, max(1, len(rows) // 64))
    logits = numpy.concatenate([session.run(None, {name: part})[0] for part in parts])
    with open(output, "wb") as file:  # given a path, numpy.save would append .npy
        numpy.save(file, logits.astype("<f4"))
    return {}


def convert(model, output, format):
    if format == "dynamic":
        from onnxruntime.quantization import QuantType, quantize_dynamic

        quantize_dynamic(model, output, per_channel=True, weight_type=QuantType.QUInt8)
        return {}
    onnx_model = onnx.load(model)
    graph = onnx_model.graph
    for tensor in list(graph.initializer):
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != numpy.float32 or values.ndim < 2:
            continue
        axis = 0 if values.ndim == 4 else values.ndim - 1
        others = tuple(i for i in range(values.ndim) if i != axis)
        scale = numpy.maximum(numpy.abs(values).max(axis=others, keepdims=True), 1e-12) / 127
        parts = {
            "q": numpy.rint(values / scale).astype(numpy.int8),
            "s": scale.reshape(-1).astype(numpy.float32),
            "z": numpy.zeros(scale.size, numpy.int8),
        }
        names = [f"{tensor.name}/{part}" for part in parts]
        graph.initializer.extend(
            onnx.numpy_helper.from_array(value, name) for value, name in zip(parts.values(), names)
        )
        graph.node.insert(0, onnx.helper.make_node("DequantizeLinear", names, [tensor.name], axis=axis))
        graph.initializer.remove(tensor)
    onnx.save(onnx_model, output)
    return {}


def main():
    job = json.load(sys.stdin)
    if "quantize" in job:
        result = quantize(**job["quantize"])
    elif "run" in job:
        result = run(**job["run"])
    elif "convert" in job:
        result = convert(**job["convert"])
    else:
        from onnxruntime import quantization  # noqa: F401  (fails without onnx)

        result = {"version": onnxruntime.__version__}
    print(json.dumps(result))


main()
