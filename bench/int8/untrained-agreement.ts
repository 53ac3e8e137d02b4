import { Random } from '../../base/random.js';
import type { LabelledImages } from '../../deploy/index.js';
import { initialWeights, toOnnx } from '../../spaces/models/index.js';
import { compareRuntimes, type AgreementRow } from './agreement.js';
import { quantizeOurs } from './ours.js';
import type { Peer } from './peer.js';
import type { SpeedSubject } from './speed-subjects.js';

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
