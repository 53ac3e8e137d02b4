// Trains torchvision's classifiers from ONNX files, side by side with PyTorch: the error of the logits against ONNX Runtime on
// the original file, the error of the gradients against PyTorch's, and the time of a step.
// Method: PyTorch exports each network with random weights, once for inference and once with all nodes of training, and writes
// its gradients of one batch in float64. Gradient errors are relative L2 distances from those, over all weights together, of ours
// and of PyTorch's float32. A ReLU whose input is zero up to rounding may take the other side, on either side: the distance of such a
// batch is 1e-3 to 5e-2, and another one (--first, with a folder of its own) tells. Steps are timed in separate
// processes, one at a time, in alternating order; a figure is the median of the rounds.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { z } from 'zod';
import { exportForeign, foreignNetwork, toStorage } from '../compiler/index.js';
import { canonicalJson } from '../base/hash.js';
import { NasError } from '../base/errors.js';
import { recogniseNetwork } from '../trainers/index.js';
import { classifierHead, publishedNetwork, type PublishedName } from '../spaces/index.js';
import { toOnnx, weightsFrom } from '../spaces/models/index.js';
import { median } from '../latency-models/statistics.js';
import { gradientError, stepTime } from './foreign/steps.js';
import { openPeerFile, type PeerFile } from './foreign/peer-file.js';

const names = [
  ...['mobilenet_v2', 'mobilenet_v3_small', 'mobilenet_v3_large', 'efficientnet_b0', 'mnasnet1_0'],
  ...['shufflenet_v2_x1_0', 'squeezenet1_1', 'resnet18', 'densenet121', 'convnext_tiny', 'regnet_y_400mf'],
];

const options = await yargs(hideBin(process.argv))
  .scriptName('npm run bench:foreign --')
  .usage('$0 [options]')
  .options({
    only: { type: 'array', choices: names, default: names, describe: 'networks' },
    timed: {
      type: 'array',
      choices: names,
      default: ['mobilenet_v2', 'mobilenet_v3_large', 'resnet18'],
      describe: 'networks whose steps are timed',
    },
    folder: { type: 'string', default: join(tmpdir(), 'nas-bench-foreign'), describe: 'exported files, kept' },
    python: { type: 'string', default: '/usr/bin/python3', describe: 'Python with torch, torchvision and onnx' },
    first: { type: 'number', default: 0, describe: 'seed of the first batch that PyTorch tries' },
    size: { type: 'number', default: 96, describe: 'height and width of the images' },
    batch: { type: 'number', default: 32, describe: 'images of a timed step' },
    rounds: { type: 'number', default: 3, describe: 'rounds of each timed network; 0: no times' },
    steps: { type: 'number', default: 5, describe: 'timed steps of a round' },
  })
  .strict()
  .parseAsync();

const progress = (text: string): void => void process.stderr.write(`${text}\n`);
const script = fileURLToPath(new URL('./foreign/torch_peer.py', import.meta.url));
const python = (...args: readonly string[]): string =>
  execFileSync(options.python, [script, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });

/** The largest distance of our logits from those of ONNX Runtime on the original file. */
function logitError(bytes: Uint8Array, peer: PeerFile): Promise<number> {
  const network = foreignNetwork(bytes);
  const weights = weightsFrom(new Map(network.weights.map((weight) => [weight.name, weight])));
  return errorOf(bytes, exportForeign(network, weights), peer);
}

/** The largest distance of the logits of a file that takes NHWC from those of the original file. */
async function errorOf(bytes: Uint8Array, exported: Uint8Array, { images, count }: PeerFile): Promise<number> {
  const [height, width, channels] = [options.size, options.size, 3];
  const first = toStorage(images, [count, height, width, channels], [0, 3, 1, 2]);
  const answers = async (file: Uint8Array, input: Tensor): Promise<Float32Array> => {
    const session = await InferenceSession.create(file, { intraOpNumThreads: 1 });
    const { data } = (await session.run({ [session.inputNames[0]]: input }))[session.outputNames[0]];
    await session.release();
    return Float32Array.from(data as Float32Array);
  };
  const expected = await answers(bytes, new Tensor('float32', first, [count, channels, height, width]));
  const own = await answers(exported, new Tensor('float32', images, [count, height, width, channels]));
  return own.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
}

/** The presets of published networks by torchvision's names. */
const presets: { readonly [name: string]: PublishedName | undefined } = {
  mobilenet_v2: 'mobilenetv2',
  mobilenet_v3_small: 'mobilenetv3-small',
  mobilenet_v3_large: 'mobilenetv3-large',
  efficientnet_b0: 'efficientnet-b0',
};

/** A file as a network of a space: the error of its logits, or the node that no space has; and whether it is the preset's. */
async function recognition(name: string, bytes: Uint8Array, peer: PeerFile): Promise<Record<string, string>> {
  try {
    const { model } = recogniseNetwork(bytes, { where: name, size: [options.size, options.size] });
    const { network } = model;
    const preset = presets[name];
    const published = publishedNetwork(preset ?? 'mobilenetv2', network, 1, 'torchvision');
    const whole = { ...network, head: { ...network.head, dropout: classifierHead(published).dropout } };
    return {
      'as a network of a space': (await errorOf(bytes, toOnnx(model), peer)).toExponential(1),
      'its preset': preset === undefined ? '-' : String(canonicalJson(whole) === canonicalJson(published)),
    };
  } catch (error) {
    if (!(error instanceof NasError)) throw error;
    return { 'as a network of a space': error.message.replace(/^.*: /, ''), 'its preset': '-' };
  }
}

const timeSchema = z.object({ ms: z.number() });

/** Median times of a step of ours and of PyTorch, in ms. */
async function times(name: string, bytes: Uint8Array): Promise<{ readonly ours: number; readonly theirs: number }> {
  const { size, batch, steps } = options;
  const ours: number[] = [];
  const theirs: number[] = [];
  const sides = [
    async () => ours.push(await stepTime(bytes, { batch, steps })),
    () => {
      const args = { size, batch, steps, only: name, threads: 1 };
      const answer = python('time', ...Object.entries(args).flatMap(([key, value]) => [`--${key}`, String(value)]));
      return theirs.push(timeSchema.parse(JSON.parse(answer)).ms);
    },
  ];
  for (let round = 0; round < options.rounds; round++)
    for (const measure of round % 2 === 0 ? sides : sides.toReversed()) await measure();
  return { ours: median(ours), theirs: median(theirs) };
}

const rows: Record<string, string>[] = [];
for (const name of options.only) {
  const base = join(options.folder, name);
  if (!existsSync(`${base}.json`)) {
    progress(`${name}: PyTorch exports it`);
    const args = { out: options.folder, size: options.size, first: options.first, only: name };
    python('export', ...Object.entries(args).flatMap(([key, value]) => [`--${key}`, String(value)]));
  }
  const [inference, training] = ['.onnx', '.train.onnx'].map((end) => new Uint8Array(readFileSync(base + end)));
  const peer = openPeerFile(base);
  progress(`${name}: logits and gradients`);
  const row = {
    network: name,
    'logits, inference file': (await logitError(inference, peer)).toExponential(1),
    'logits, training file': (await logitError(training, peer)).toExponential(1),
    ...(await recognition(name, training, peer)),
    'gradients, norms frozen': (await gradientError(training, peer, 'frozen')).toExponential(1),
    "PyTorch's": peer.own.frozen.toExponential(1),
    'gradients, norms followed': (await gradientError(training, peer, 'followed')).toExponential(1),
    "PyTorch's own": peer.own.followed.toExponential(1),
  };
  if (options.rounds === 0 || !options.timed.includes(name)) {
    rows.push(row);
    continue;
  }
  progress(`${name}: times`);
  const { ours, theirs } = await times(name, training);
  rows.push({
    ...row,
    'ms a step': ours.toFixed(0),
    'PyTorch, ms': theirs.toFixed(0),
    'times as fast': (theirs / ours).toFixed(2),
  });
}
console.table(rows);
