import { messageOf } from '../../base/errors.js';
import type { LabelledImages } from '../../deploy/index.js';
import { agreement, answersOf, largestDifference, logitsOf } from './answers.js';
import { browserLogits } from './browser.js';
import { joined } from './images.js';
import type { Peer } from './peer.js';
import { Random } from '../../base/random.js';
import { initialWeights, toOnnx } from '../../spaces/models/index.js';
import { quantizeOurs } from './speed.js';
import type { SpeedSubject } from './speed-subjects.js';

/** Where a file runs. */
export const runtimes = ['node', 'python, exact', 'python', 'browser'] as const;
type Runtime = (typeof runtimes)[number];

/** How far a runtime is from onnxruntime-node in exact arithmetic. */
export interface Distance {
  /** Largest difference of logits, as a share of the largest logit. */
  readonly difference: number;
  /** Share of equal answers. */
  readonly answers: number;
}

/** One file on the same images everywhere; a text says why a runtime did not answer. */
export interface AgreementRow {
  readonly name: string;
  readonly weights: string;
  readonly distances: Readonly<Record<Runtime, Distance | string>>;
}

/** Runs a file everywhere on the given images, and compares with onnxruntime-node in exact arithmetic. */
export async function compareRuntimes(
  { name, weights, model }: { readonly name: string; readonly weights: string; readonly model: Uint8Array },
  batches: readonly LabelledImages[],
  { input, classes }: { readonly input: readonly number[]; readonly classes: number },
  peer: Peer | string,
): Promise<AgreementRow> {
  const images = joined(batches, input);
  const reference = await logitsOf(model, batches, input, { exactIntegers: true });
  const answers = answersOf(reference, classes);
  const distance = async (logits: () => Promise<Float32Array>): Promise<Distance | string> => {
    try {
      const found = await logits();
      return {
        difference: largestDifference(reference, found),
        answers: agreement(answersOf(found, classes), answers),
      };
    } catch (error) {
      return messageOf(error).split('\n', 1)[0];
    }
  };
  const python = (exact: boolean): Promise<Distance | string> =>
    typeof peer === 'string' ? Promise.resolve(peer) : distance(() => peer.logits(model, images, exact));
  return {
    name,
    weights,
    distances: {
      node: await distance(() => logitsOf(model, batches, input, {})),
      'python, exact': await python(true),
      python: await python(false),
      browser: await distance(() => browserLogits(model, images)),
    },
  };
}

/** Images that an untrained network is quantized with, and that it is run on. */
const images = 8;

/** Untrained networks of published sizes: what saturating arithmetic does to deep networks needs no training to be seen. */
export async function compareUntrained({ name, network }: SpeedSubject, peer: Peer | string): Promise<AgreementRow[]> {
  const model = toOnnx({ network, weights: initialWeights(network, 1) });
  const random = new Random(1, 'int8', 'images');
  const size = network.input.reduce((a, b) => a * b, images);
  const values = Float32Array.from({ length: size }, () => random.normal());
  const files = await quantizeOurs(model, { values, shape: [images, ...network.input] }, [7, 8]);
  const batch: LabelledImages = { images: values, labels: new Float32Array(), size: images };
  const rows: AgreementRow[] = [];
  for (const bits of [8, 7] as const) {
    const file = { name: `${name}, untrained`, weights: `${bits} bits`, model: files[bits].model };
    rows.push(await compareRuntimes(file, [batch], network, peer));
  }
  return rows;
}
