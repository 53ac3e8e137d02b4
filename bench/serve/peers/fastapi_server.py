# A typical Python server: FastAPI under uvicorn, one process, one ONNX Runtime thread. Its argument is JSON with the path of
# a model and the mean and std of its pixels; it prints its port.
import io
import json
import socket
import sys

import numpy as np
import onnxruntime as ort
import uvicorn
from fastapi import FastAPI, Request
from PIL import Image
from starlette.responses import JSONResponse

config = json.loads(sys.argv[1])
options = ort.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
options.log_severity_level = 3
session = ort.InferenceSession(config["model"], options, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
_, height, width, channels = session.get_inputs()[0].shape
mean, std = (np.array(config[key], np.float32) for key in ("mean", "std"))
mode = "L" if channels == 1 else "RGB"
app = FastAPI()


def classify(values):
    logits = session.run(None, {name: values})[0][0]
    powers = np.exp(logits - logits.max())
    p = powers / powers.sum()
    return JSONResponse({"top": [{"label": int(i), "p": float(p[i])} for i in np.argsort(-p)[:5]]})


def normalise(pixels):
    return (np.asarray(pixels, np.float32).reshape(1, height, width, channels) / 255 - mean) / std


# On the event loop, because a second thread would only add cost.
@app.post("/raw")
async def raw(request: Request):
    return classify(np.frombuffer(await request.body(), np.float32).reshape(1, height, width, channels))


@app.post("/image")
async def image(request: Request):
    opened = Image.open(io.BytesIO(await request.body()))
    opened.draft(mode, (width, height))
    return classify(normalise(opened.convert(mode).resize((width, height), Image.BILINEAR)))


listener = socket.create_server(("127.0.0.1", 0))
print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listener])
