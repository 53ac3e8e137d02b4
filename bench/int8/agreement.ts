import { messageOf } from '../../base/errors.js';
import type { LabelledImages } from '../../deploy/index.js';
import { agreement, predictionsOf, largestDifference, logitsOf } from './answers.js';
import { browserLogits } from './browser.js';
import { joined } from './images.js';
import type { Peer } from './peer.js';
import { initialWeights, toOnnx } from '../../spaces/models/index.js';
import { quantizeOurs, randomImages } from './speed.js';
import type { SpeedSubject } from './speed-subjects.js';

/** Runtimes that run the same file. */
export const runtimes = ['node', 'python, exact', 'python', 'browser'] as const;
type Runtime = (typeof runtimes)[number];

/** Difference between a runtime and onnxruntime-node in exact arithmetic. */
export interface Distance {
  /** Largest difference of logits relative to the largest logit. */
  readonly difference: number;
  /** Share of equal predictions. */
  readonly agreement: number;
}

/** One file on the same images in every runtime; a string is the reason why a runtime failed. */
export interface AgreementRow {
  readonly name: string;
  readonly weights: string;
  readonly distances: Readonly<Record<Runtime, Distance | string>>;
}

/** Runs a file in every runtime and compares the logits with onnxruntime-node in exact arithmetic. */
export async function compareRuntimes(
  { name, weights, model }: { readonly name: string; readonly weights: string; readonly model: Uint8Array },
  batches: readonly LabelledImages[],
  { input, classes }: { readonly input: readonly number[]; readonly classes: number },
  peer: Peer | string,
): Promise<AgreementRow> {
  const images = joined(batches, input);
  const reference = await logitsOf(model, batches, input, { exactIntegers: true });
  const predictions = predictionsOf(reference, classes);
  const distance = async (logits: () => Promise<Float32Array>): Promise<Distance | string> => {
    try {
      const found = await logits();
      return {
        difference: largestDifference(reference, found),
        agreement: agreement(predictionsOf(found, classes), predictions),
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

/** Compares runtimes on an untrained network: saturating arithmetic changes the logits of deep networks even without training. */
export async function compareUntrained({ name, network }: SpeedSubject, peer: Peer | string): Promise<AgreementRow[]> {
  const model = toOnnx({ network, weights: initialWeights(network, 1) });
  const images = randomImages(network.input);
  const files = await quantizeOurs(model, images, [7, 8]);
  const batch: LabelledImages = { images: images.values, labels: new Float32Array(), size: images.shape[0] };
  const rows: AgreementRow[] = [];
  for (const bits of [8, 7] as const) {
    const file = { name: `${name}, untrained`, weights: `${bits} bits`, model: files[bits].model };
    rows.push(await compareRuntimes(file, [batch], network, peer));
  }
  return rows;
}
