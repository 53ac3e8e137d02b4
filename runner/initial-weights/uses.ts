import { product } from '../../base/statistics.js';
import { type Member, sharedName } from '../../spaces/index.js';
import { type Weights, weightSpecs } from '../../spaces/models/index.js';
import type { Coverage } from '../../trainers/index.js';
import { placeOf, stageOf } from './align.js';

/** The stage of blocks of a file that have no place in the space. */
export const unplaced = 'no stage';

/** How layers with a kernel begin in one stage of a network. */
export interface StageUse {
  /** `stem`, `stage2`, `head`, `logits`, or `no stage` for layers of the file that no stage has. */
  readonly stage: string;
  /** With all weights of the file. */
  readonly whole: number;
  /** With a part of them. */
  readonly cut: number;
  /** With all of them and more: the file's layer is smaller. */
  readonly grown: number;
  /** At random: the file has nothing for them, or, unless another program wrote it, something smaller. */
  readonly random: number;
  /** Layers of the file that the network does not use. */
  readonly unused: number;
}
type Use = Exclude<keyof StageUse, 'stage'>;

/** The stage of a shared weight: `stage2.1_expand/kernel` is in `stage2`. */
function stageOfWeight(name: string): string {
  const place = placeOf(name);
  return place.startsWith('stage') || place.startsWith(unplaced) ? stageOf(place) : place;
}

/** How a layer begins with a kernel of the file. */
function useOf(own: readonly number[], given: readonly number[] | undefined, grows: boolean): Use {
  if (given?.length !== own.length) return 'random';
  if (own.some((side, axis) => side > given[axis])) return grows ? 'grown' : 'random';
  return String(given) === String(own) ? 'whole' : 'cut';
}

/**
 * What a network takes of weights by shared name, stage by stage.
 * @param grows whether smaller layers of the file are taken, too
 */
export function usesOf(member: Member, shared: Weights, grows: boolean): readonly StageUse[] {
  const rows = new Map<string, Record<Use, number>>();
  const count = (stage: string, use: Use): void => {
    const row = rows.get(stage) ?? { whole: 0, cut: 0, grown: 0, random: 0, unused: 0 };
    row[use]++;
    rows.set(stage, row);
  };
  const used = new Set<string>();
  for (const { name: own, shape } of weightSpecs(member.network)) {
    if (!own.endsWith('kernel')) continue;
    const name = sharedName(member, own);
    used.add(name);
    count(stageOfWeight(name), useOf(shape, shared.get(name)?.shape, grows && !name.startsWith('logits/')));
  }
  for (const name of shared.keys())
    if (name.endsWith('kernel') && !used.has(name)) count(stageOfWeight(name), 'unused');
  return [...rows].map(([stage, row]) => ({ stage, ...row }));
}

/** How much of a network the weights of a file cover, where smaller ones are taken, too. */
export function overlapOf(member: Member, shared: Weights): Coverage {
  const layers = { given: 0, all: 0 };
  const values = { given: 0, all: 0 };
  for (const { name: own, shape, trainable } of weightSpecs(member.network)) {
    if (!trainable) continue;
    const name = sharedName(member, own);
    const given = shared.get(name)?.shape;
    const isTaken = useOf(shape, given, !name.startsWith('logits/')) !== 'random';
    values.all += product(shape);
    if (isTaken) values.given += product(shape.map((side, axis) => Math.min(side, given?.[axis] ?? 0)));
    if (!own.endsWith('kernel')) continue;
    layers.all++;
    if (isTaken) layers.given++;
  }
  return { layers, share: values.given / values.all };
}
