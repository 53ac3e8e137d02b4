import { percent } from '../../base/number-text.js';
import type { PixelScale } from '../../base/preprocess.js';
import type { ForeignNetwork } from '../../compiler/index.js';
import type { Dataset } from '../data/index.js';
import { normalised, quickFeatures, quickScore, someImages } from './quick-head.js';

interface Found {
  readonly network: ForeignNetwork;
  /** For messages: the scores of all. */
  readonly why: string;
}

/**
 * The values at the end of a network, before each of its last linear layers, that a quick head on them answers other images best
 * from: the last ones of a file often know its own classes only. Null where there is one such layer or none.
 * @param read the network with a head on the value of a name
 */
export async function bestFeatures(
  { layers, input }: ForeignNetwork,
  read: (features: string) => ForeignNetwork,
  { dataset, scale }: { readonly dataset: Dataset; readonly scale: PixelScale },
): Promise<Found | null> {
  if (layers.length < 2) return null;
  const { images, targets, count } = await someImages(dataset, input, 240);
  const pixels = normalised(images, scale);
  const isClasses = dataset.info.task.type === 'classification';
  const tried: { readonly network: ForeignNetwork; readonly score: number }[] = [];
  for (const { features } of layers) {
    const network = read(features);
    const rows = await quickFeatures(network, pixels, count);
    tried.push({ network, score: quickScore(rows, targets, count, isClasses) });
  }
  const [best, ...others] = tried.toSorted((a, b) => b.score - a.score);
  const text = ({ network, score }: (typeof tried)[number]): string => `${network.features ?? ''} ${percent(score)}`;
  return {
    network: best.network,
    why: `a quick head on ${count} images scores ${percent(best.score)} (${others.map(text).join(', ')}); features names another value`,
  };
}
