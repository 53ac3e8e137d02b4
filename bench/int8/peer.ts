import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { messageOf } from '../../base/errors.js';
import type { WeightBits } from '../../deploy/index.js';

/** NumPy format 1.0: magic, version, header length, header (a Python literal), values. */
const magic = Buffer.from('\x93NUMPY\x01\x00', 'latin1');

/** Writes float32 or uint8 values as a `.npy` file. */
export function writeNpy(path: string, values: Float32Array | Uint8Array, shape: readonly number[]): void {
  const text = `{'descr': '${values instanceof Uint8Array ? '|u1' : '<f4'}', 'fortran_order': False, 'shape': (${shape.map((extent) => `${extent},`).join(' ')}), }`;
  // The format aligns the values to 64 bytes.
  const padded = `${text.padEnd(Math.ceil((magic.length + 2 + text.length + 1) / 64) * 64 - magic.length - 3)}\n`;
  const length = Buffer.alloc(2);
  length.writeUInt16LE(padded.length);
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  writeFileSync(path, Buffer.concat([magic, length, Buffer.from(padded, 'latin1'), bytes]));
}

/** Model input: normalised images of `shape` [N, ...]. */
export interface Images {
  readonly values: Float32Array;
  readonly shape: readonly number[];
}

/** ONNX Runtime's quantizer in Python. */
export interface Peer {
  readonly version: string;
  /** Static, QDQ, per channel, uint8 activations and int8 weights, minmax; its own preprocessing prepares the model. */
  quantize(model: Uint8Array, calibration: Images, bits: WeightBits): Promise<Uint8Array>;
}

const script = fileURLToPath(new URL('./peer.py', import.meta.url));

/** Debian's build prints thousands of warnings about operators registered twice. */
const maxBuffer = 64 * 1024 * 1024;

function request(python: string, job: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const child = execFile(python, [script], { maxBuffer }, (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout));
      else reject(new Error(stderr.trim().split('\n').at(-1) ?? messageOf(error), { cause: error }));
    });
    // If Python does not start, `execFile` reports the error.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(JSON.stringify(job));
  });
}

/** Quantizes a model through files in a temporary folder. */
async function quantized(python: string, model: Uint8Array, images: Images, bits: WeightBits): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'nas-peer-'));
  try {
    const [file, output, npy] = ['model.onnx', 'output', 'images.npy'].map((name) => join(folder, name));
    writeFileSync(file, model);
    writeNpy(npy, images.values, images.shape);
    await request(python, { quantize: { model: file, images: npy, output, bits } });
    return new Uint8Array(readFileSync(output));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Finds ONNX Runtime and its quantizer in the given Python. @returns the reason as a string if unavailable. */
export async function findPeer(python: string): Promise<Peer | string> {
  try {
    const { version } = z.object({ version: z.string() }).parse(await request(python, { version: true }));
    return { version, quantize: (model, images, bits) => quantized(python, model, images, bits) };
  } catch (error) {
    return `ONNX Runtime's quantizer is not available in ${python} (${messageOf(error)}); on Debian: apt-get install python3-onnxruntime python3-onnx`;
  }
}
