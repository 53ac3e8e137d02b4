import { Random } from '../../base/random.js';

/** Images of a network, per side: with odd maps (7, 14, 28), and with maps that are powers of two. */
const sides = [24, 28, 32, 40, 48, 56, 64, 80, 96] as const;
/** Multiply-accumulates of the batch, about: a step of some 10 to 200 ms. */
const most = 3e9;

/** Networks drawn by seed, in the terms of a benchmark file: blocks of three kinds, widths that fill no vector. */
export function randomNetworks(count: number): { readonly networks: readonly object[] } {
  return { networks: Array.from({ length: count }, (_, seed) => randomNetwork(seed)) };
}

function randomNetwork(seed: number): object {
  const random = new Random(seed, 'benchmark network');
  const side = random.pick(sides);
  const act = random.pick(['relu', 'relu6', 'hard_swish', 'swish'] as const);
  const se = random.pick([0, 0, 0.25]);
  const width = 6 + random.int(14);
  const stem = { filters: width, kernel: random.pick([3, 3, 5]), stride: side > 40 ? 2 : 1, act };
  let map = side / stem.stride;
  let channels = width;
  let macs = map * map * stem.kernel ** 2 * 3 * width;
  const blocks = Array.from({ length: 4 + random.int(5) }, (_, i) => {
    const stride = map > 6 && i % 2 === random.int(2) ? 2 : 1;
    const filters = stride === 2 ? Math.round(channels * (1.3 + random.uniform())) : channels;
    const kind = random.pick(['mbconv', 'mbconv', 'mbconv', 'fused_mbconv', 'basic'] as const);
    const kernel = kind === 'mbconv' ? random.pick([3, 3, 5, 7]) : 3;
    // A quarter of the width is a whole number: programs round differently.
    const expand = se > 0 ? 4 : random.pick([2, 3, 4, 6]);
    const inside = map;
    map = Math.ceil(map / stride);
    const wide = channels * expand;
    macs += {
      mbconv: inside ** 2 * channels * wide + map ** 2 * wide * (kernel ** 2 + filters),
      fused_mbconv: map ** 2 * wide * (kernel ** 2 * channels + filters),
      basic: map ** 2 * kernel ** 2 * filters * (channels + filters),
    }[kind];
    channels = filters;
    return { type: kind, filters, kernel, stride, act, ...(kind === 'basic' ? {} : { expand, se }) };
  });
  const batch = Math.max(8, Math.min(256, Math.round(most / 3 / macs / 8) * 8));
  const head = { filters: 60 + random.int(200), act };
  return { name: `random_${seed}_${side}_b${batch}`, input: [side, side, 3], classes: 10, batch, stem, blocks, head };
}
