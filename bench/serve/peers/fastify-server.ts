// A typical Node.js server: one process, `await session.run` in the handler, one ONNX Runtime thread. Its argument is JSON
// with the path of a model; it prints its port.
import fastify from 'fastify';
import * as ort from 'onnxruntime-node';
import sharp from 'sharp';
import { z } from 'zod';
import { normalisation } from '../networks.js';

const { model } = z.object({ model: z.string() }).parse(JSON.parse(process.argv[2]));
const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1 });
const [input] = session.inputMetadata;
if (!input.isTensor) throw new Error('the model input is not a tensor');
const [height, width, channels] = input.shape.slice(1).map(Number);
const size = height * width * channels;
const { mean, std } = normalisation[channels === 1 ? 1 : 3];

async function classify(values: Float32Array) {
  const results = await session.run({ [input.name]: new ort.Tensor('float32', values, [1, height, width, channels]) });
  const logits = Array.from(results[session.outputNames[0]].data as Float32Array);
  const most = Math.max(...logits);
  const powers = logits.map((x) => Math.exp(x - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers
    .map((power, label) => ({ label, p: power / sum }))
    .sort((a, b) => b.p - a.p)
    .slice(0, 5);
}

function normalise(pixels: Uint8Array): Float32Array {
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) values[i] = (pixels[i] / 255 - mean[i % channels]) / std[i % channels];
  return values;
}

const app = fastify({ bodyLimit: 32 * 2 ** 20 });
app.addContentTypeParser(['application/octet-stream', 'image/jpeg'], { parseAs: 'buffer' }, (_, body, done) =>
  done(null, body),
);
app.post<{ Body: Buffer }>('/raw', async ({ body }) => ({
  top: await classify(new Float32Array(body.buffer.slice(body.byteOffset, body.byteOffset + 4 * size))),
}));
app.post<{ Body: Buffer }>('/pixels', async ({ body }) => ({ top: await classify(normalise(body)) }));
app.post<{ Body: Buffer }>('/image', async ({ body }) => {
  const image = sharp(body).resize(width, height, { fit: 'fill' });
  const pixels = await (channels === 1 ? image.greyscale() : image.removeAlpha()).raw().toBuffer();
  return { top: await classify(normalise(pixels)) };
});
const address = await app.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`${JSON.stringify({ port: Number(new URL(address).port) })}\n`);
