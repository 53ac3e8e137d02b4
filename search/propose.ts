import { NasError } from '../base/errors.js';
import type { Random } from '../base/random.js';
import {
  combinations,
  enumerate,
  existing,
  genotypeId,
  mutate,
  sampleGenotype,
  type DecisionSpace,
  type Genotype,
} from '../spaces/index.js';
import type { AskContext, ControllerInput, Proposal } from './controller.js';
import type { AskedIds } from './history.js';
import { violated, violation, type Objective, type Values } from './objective.js';

/** A candidate of a strategy. */
export interface Candidate {
  readonly genotype: Genotype;
  /** One line. */
  readonly reason: string;
  /** Candidates that the strategy itself rejected for a cheap constraint; absent: it considered no others. */
  readonly passedOver?: number;
}

interface Judgement {
  /** It was never asked, and keeps the cheap constraints. */
  readonly accepted: boolean;
  /** The overall violation of the cheap constraints; 0 when it keeps them. */
  readonly violation: number;
  /** Its cheap objective values. */
  readonly values: Values;
}

/** Judges a network by its cheap objectives; memoised within one ask. `id` is the genotype's. */
export type Judge = (genotype: Genotype, id?: string) => Judgement;

/** Candidates that each stage of an ask considers at most. */
const tries = { strategy: 100, random: 200, descent: 1000 };

/** Spaces of up to this many combinations are enumerated as a last resort. */
const listable = 20_000;

const source = { kind: 'controller' } as const;

/** Judges the candidates of one ask, and counts rejections. */
class Filter {
  readonly rejections = new Rejections();
  private readonly seen = new Map<string, Judgement>();
  /** The rejected candidate with the smallest violation. */
  closest: { genotype: Genotype; violation: number } | undefined;

  constructor(
    private readonly bounded: readonly Objective[],
    private readonly context: AskContext,
    private readonly asked: AskedIds,
  ) {}

  get candidates(): number {
    return this.seen.size;
  }

  readonly judge: Judge = (genotype, id = genotypeId(genotype)) => {
    const known = this.seen.get(id);
    if (known !== undefined) return known;
    const values = this.context.cheap(genotype);
    const broken = violated(this.bounded, values);
    const excess = violation(this.bounded, values);
    const isNew = !this.asked.has(id);
    const judgement = { accepted: isNew && broken.length === 0, violation: excess, values };
    this.seen.set(id, judgement);
    if (broken.length === 0 || !isNew) return judgement;
    this.rejections.add(broken, values);
    if (this.closest === undefined || excess < this.closest.violation) this.closest = { genotype, violation: excess };
    return judgement;
  };
}

/**
 * The first candidate that was never asked and keeps the cheap constraints, from four stages with a bounded number of
 * tries each: the strategy's candidates; random ones; mutations from the candidate with the smallest violation that do
 * not increase it; and in a small space the list of all networks.
 *
 * @throws NasError `infeasible`, with the number of rejections and the closest value of each constraint; SpaceExhausted
 *   when every network was asked, or (in a small space) all others break a constraint.
 */
export function propose(
  { space, objectives, limits = [] }: ControllerInput,
  context: AskContext,
  asked: AskedIds,
  strategy: (judge: Judge) => () => Candidate,
  random: Random,
): Proposal {
  const filter = new Filter([...objectives, ...limits], context, asked);
  const draw = (): Candidate => ({ genotype: sampleGenotype(space, random), reason: 'random: nothing new otherwise' });
  for (const [generate, limit] of [
    [strategy(filter.judge), tries.strategy],
    [draw, tries.random],
  ] as const) {
    for (let i = 0; i < limit; i++) {
      const { genotype: wanted, reason, passedOver } = generate();
      const genotype = existing(space, wanted, random);
      const id = genotypeId(genotype);
      if (asked.has(id) || !filter.judge(genotype, id).accepted) continue;
      return { genotype, source, reason, rejected: passedOver ?? filter.rejections.count };
    }
  }
  const found = descend(space, filter, random) ?? pickFromList(space, filter, random);
  if (found !== undefined) return { ...found, source, rejected: filter.rejections.count };
  throw nothingLeft(space, filter, asked.size);
}

/** Walks from the candidate with the smallest violation by mutations that do not increase it. */
function descend(space: DecisionSpace, filter: Filter, random: Random): Candidate | undefined {
  let current = filter.closest;
  for (let i = 0; i < tries.descent && current !== undefined; i++) {
    const genotype = mutate(space, current.genotype, random);
    const verdict = filter.judge(genotype);
    if (verdict.accepted) return { genotype, reason: 'mutated until the constraints were kept' };
    if (verdict.violation <= current.violation) current = { genotype, violation: verdict.violation };
  }
  return undefined;
}

function pickFromList(space: DecisionSpace, filter: Filter, random: Random): Candidate | undefined {
  if (combinations(space) > listable) return undefined;
  const genotype = random.shuffle([...enumerate(space)]).find((candidate) => filter.judge(candidate).accepted);
  return genotype && { genotype, reason: 'one of the last networks not tried' };
}

/** Every network of the space was asked, or all others break a constraint. */
export class SpaceExhausted extends NasError {
  constructor(message: string) {
    super('infeasible', message, { hint: 'Widen the space, or ask for fewer trials.' });
  }
}

function nothingLeft(space: DecisionSpace, { rejections, candidates }: Filter, asked: number): NasError {
  if (asked > 0 && rejections.count === 0)
    return new SpaceExhausted(`all ${asked} networks of the space ${space.name} that could be found were tried`);
  if (asked > 0 && combinations(space) <= listable)
    return new SpaceExhausted(
      `all networks of the space ${space.name} that keep the constraints were tried (${asked}; of the others, ${rejections.toString()})`,
    );
  return new NasError(
    'infeasible',
    `no network of the space ${space.name} was found that keeps the constraints: of ${candidates} candidates, ${rejections.toString()}`,
    { hint: 'Relax the constraint, or give the space smaller (or larger) choices.' },
  );
}

/** How often each constraint was broken, and the closest value to its bound. */
class Rejections {
  private readonly byName = new Map<string, { objective: Objective; count: number; low: number; high: number }>();
  /** Candidates that broke at least one. */
  count = 0;

  add(broken: readonly Objective[], values: Values): void {
    this.count++;
    for (const objective of broken) {
      const value = values[objective.name];
      const entry = this.byName.get(objective.name) ?? { objective, count: 0, low: Infinity, high: -Infinity };
      entry.count++;
      entry.low = Math.min(entry.low, value);
      entry.high = Math.max(entry.high, value);
      this.byName.set(objective.name, entry);
    }
  }

  /** `latency_ms rejected 950 (smallest seen 3.1, max 2), params rejected 12 (...)`, the strictest first. */
  toString(): string {
    const short = (value: number): string => String(Number(value.toPrecision(6)));
    return [...this.byName.values()]
      .sort((a, b) => b.count - a.count)
      .map(({ objective: { name, constraint = {} }, count, low, high }) => {
        const { min, max } = constraint;
        const closest = [
          ...(max !== undefined && high > max ? [`smallest seen ${short(low)}, max ${short(max)}`] : []),
          ...(min !== undefined && low < min ? [`largest seen ${short(high)}, min ${short(min)}`] : []),
        ];
        return `${name} rejected ${count} (${closest.length === 0 ? 'not a number' : closest.join('; ')})`;
      })
      .join(', ');
  }
}
