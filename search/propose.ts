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
import { type Objective, type Values, violated, violation } from './objective.js';
import { NasError } from '../base/errors.js';

/** A candidate that a strategy would like to try. */
export interface Candidate {
  readonly genotype: Genotype;
  /** One line on why. */
  readonly reason: string;
  /** Candidates that the strategy itself left out for a cheap constraint; absent: it looked at no others. */
  readonly passedOver?: number;
}

/** What a cheap look at a network tells. */
interface Judgement {
  /** Whether it may be proposed: never asked, and it keeps the cheap constraints. */
  readonly accepted: boolean;
  /** By how much it breaks cheap constraints; 0 when it keeps them. */
  readonly violation: number;
  /** Its cheap objective values. */
  readonly values: Values;
}

/** Looks at a network; looking again within one ask costs nothing. */
export type Judge = (genotype: Genotype) => Judgement;

/** How many candidates an ask looks at, at most, before the next way of finding one is taken. */
const tries = { strategy: 100, random: 200, descent: 1000 };

/** Spaces of up to this many combinations are listed when nothing new was found otherwise. */
const listable = 20_000;

const source = { kind: 'controller' } as const;

/** The networks that one ask may propose, and what it turned down. */
class Filter {
  readonly rejections = new Rejections();
  /** Each network looked at. */
  private readonly seen = new Map<string, Judgement>();
  /** Of those turned down for a constraint, the one that breaks least. */
  closest: { genotype: Genotype; violation: number } | undefined;

  constructor(
    private readonly objectives: readonly Objective[],
    private readonly context: AskContext,
    private readonly asked: AskedIds,
  ) {}

  get candidates(): number {
    return this.seen.size;
  }

  readonly judge: Judge = (genotype) => this.judgeAs(genotypeId(genotype), genotype);

  /** Judges a genotype whose id is known. */
  judgeAs(id: string, genotype: Genotype): Judgement {
    const known = this.seen.get(id);
    if (known !== undefined) return known;
    const values = this.context.cheap(genotype);
    const broken = violated(this.objectives, values);
    const excess = violation(this.objectives, values);
    const isNew = !this.asked.has(id);
    const judgement = { accepted: isNew && broken.length === 0, violation: excess, values };
    this.seen.set(id, judgement);
    if (broken.length === 0 || !isNew) return judgement;
    this.rejections.add(broken, values);
    if (this.closest === undefined || excess < this.closest.violation) this.closest = { genotype, violation: excess };
    return judgement;
  }
}

/**
 * The first candidate that was never asked and keeps the cheap constraints: of the strategy; when it finds none, of
 * random draws; then of mutations that lead from the candidate that broke least towards keeping the constraints; and
 * in a small space at last of a list of all its networks. Each way has a bounded number of tries.
 *
 * @throws NasError `infeasible`, saying which constraint rejected how many and how close they came; SpaceExhausted when
 *   every network was asked, or in a small space the others break a constraint.
 */
export function propose(
  { space, objectives }: ControllerInput,
  context: AskContext,
  asked: AskedIds,
  strategy: (judge: Judge) => () => Candidate,
  random: Random,
): Proposal {
  const filter = new Filter(objectives, context, asked);
  const draw = (): Candidate => ({ genotype: sampleGenotype(space, random), reason: 'random: nothing new otherwise' });
  for (const [generate, limit] of [
    [strategy(filter.judge), tries.strategy],
    [draw, tries.random],
  ] as const) {
    for (let i = 0; i < limit; i++) {
      const { genotype: wanted, reason, passedOver } = generate();
      const genotype = existing(space, wanted, random);
      const id = genotypeId(genotype);
      if (asked.has(id) || !filter.judgeAs(id, genotype).accepted) continue;
      return { genotype, source, reason, rejected: passedOver ?? filter.rejections.count };
    }
  }
  const found = descend(space, filter, random) ?? pickFromList(space, filter, random);
  if (found !== undefined) return { ...found, source, rejected: filter.rejections.count };
  throw nothingLeft(space, filter, asked.size);
}

/** Walks from the candidate that broke least by mutations that do not break more. */
function descend(space: DecisionSpace, filter: Filter, random: Random): Candidate | undefined {
  let current = filter.closest;
  for (let i = 0; i < tries.descent && current !== undefined; i++) {
    const genotype = mutate(space, current.genotype, random);
    const { accepted, violation } = filter.judge(genotype);
    if (accepted) return { genotype, reason: 'mutated until the constraints were kept' };
    if (violation <= current.violation) current = { genotype, violation };
  }
  return undefined;
}

function pickFromList(space: DecisionSpace, filter: Filter, random: Random): Candidate | undefined {
  if (combinations(space) > listable) return undefined;
  const genotype = random.shuffle([...enumerate(space)]).find((candidate) => filter.judge(candidate).accepted);
  return genotype && { genotype, reason: 'one of the last networks not tried' };
}

function nothingLeft(space: DecisionSpace, filter: Filter, asked: number): Error {
  const { rejections } = filter;
  if (asked === 0) return infeasible(space.name, filter.candidates, rejections);
  if (rejections.count === 0) {
    return new SpaceExhausted(`all ${asked} networks of the space ${space.name} that could be found were tried`);
  }
  if (combinations(space) > listable) return infeasible(space.name, filter.candidates, rejections);
  return new SpaceExhausted(
    `all networks of the space ${space.name} that keep the constraints were tried (${asked}; of the others, ${rejections.toString()})`,
  );
}

/** Every network of the space was asked, or those left over break a constraint: the search is over. */
export class SpaceExhausted extends NasError {
  constructor(message: string) {
    super('infeasible', message, { hint: 'Widen the space, or ask for fewer trials.' });
  }
}

/** How often candidates broke each constraint, and how close they came to keeping it. */
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

const short = (value: number): string => String(Number(value.toPrecision(6)));

const infeasible = (space: string, candidates: number, rejections: Rejections): NasError =>
  new NasError(
    'infeasible',
    `no network of the space ${space} was found that keeps the constraints: of ${candidates} candidates, ` +
      rejections.toString(),
    { hint: 'Relax the constraint, or give the space smaller (or larger) choices.' },
  );
