"""ONNX Runtime's quantizer, the peer of bench/int8.ts.

Reads one job as JSON from stdin:
  {"version": true}                                           prints the version
  {"quantize": {"model", "images", "output", "bits"}}         static, QDQ, per channel, uint8 x int8, minmax
`images` is a .npy file of float32 [N, ...], the model's input. Prints one line of JSON.
"""

import json
import os
import sys
import tempfile

import numpy

import onnxruntime


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


def main():
    job = json.load(sys.stdin)
    if "quantize" in job:
        result = quantize(**job["quantize"])
    else:
        from onnxruntime import quantization  # noqa: F401  (fails without onnx)

        result = {"version": onnxruntime.__version__}
    print(json.dumps(result))


main()
