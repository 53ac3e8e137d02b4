import { violated, type Objective } from '../../../search/index.js';
import type { ObjectiveValues, Outcome, TrialRecord } from '../../../store/index.js';
import { plainValues } from './frontier.js';

/** What came of a look at a network; undefined when the user stopped the run. */
export type Looked = { readonly values: ObjectiveValues } | { readonly failed: string } | undefined;

/** Tells of a trial's network what can be told before it is trained: costs, zero-cost proxies, latency. */
export interface Look {
  /** Its values, made now unless they are known. */
  of(trial: TrialRecord): Looked | Promise<Looked>;
  /** Those that were made before. */
  known(trial: TrialRecord): ObjectiveValues;
}

/**
 * Looks at a trial's network, one look after the other; what breaks a constraint is looked at no further, and not to be
 * trained. Undefined when the user stopped the run.
 */
export async function lookAt(
  trial: TrialRecord,
  looks: readonly Look[],
  objectives: readonly Objective[],
): Promise<{ readonly values: ObjectiveValues } | Outcome | undefined> {
  let values: ObjectiveValues = {};
  for (const look of looks) {
    const found = await look.of(trial);
    if (found === undefined) return undefined;
    if ('failed' in found) return { state: 'failed', values, message: found.failed };
    values = { ...values, ...found.values };
    const broken = violated(objectives, plainValues(values));
    if (broken.length > 0) return { state: 'pruned', values, message: `before training: ${breaches(broken, values)}` };
  }
  return { values };
}

/** All that earlier looks told of a trial. */
export const seenOf = (trial: TrialRecord, looks: readonly Look[]): ObjectiveValues =>
  looks.reduce<ObjectiveValues>((values, look) => ({ ...values, ...look.known(trial) }), {});

const short = (value: number): string => String(Number(value.toPrecision(4)));

/** `latency_ms is 3.21 (max 2.5)`, for each constraint that is broken. */
const breaches = (broken: readonly Objective[], values: ObjectiveValues): string =>
  broken
    .map(({ name, constraint = {} }) => {
      const bounds = Object.entries(constraint).map(([bound, value]) => `${bound} ${short(value)}`);
      return `${name} is ${short(values[name].value)} (${bounds.join(', ')})`;
    })
    .join(', ');
