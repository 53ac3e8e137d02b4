import { Random } from '../../base/random.js';
import {
  crossover,
  type DecisionSpace,
  type Genotype,
  genotypeId,
  mutate,
  sampleGenotype,
} from '../../spaces/index.js';
import type { AskContext, ControllerInput } from '../controller.js';
import { toPoint } from '../frontier.js';
import type { AskedIds } from '../history.js';
import { nonDominatedRanks } from '../pareto.js';
import type { Candidate, Judge } from '../propose.js';
import type { StrategyFactory } from '../strategies/strategy.js';
import { cheapest, farthest, listed, type Pool, poolOf, sampled, type Scene, sceneOf } from './pool.js';
import { describeChoice, type Evaluated, Evaluation, fittedTo, Learnt, sameTrials, startup } from './evaluation.js';

/** Random candidates that stand for a large space, and from which a search on the model starts. */
const samples = 128;
/** Past trials that a search on the model starts from, best first. */
const elders = 30;

/** What one ask knows. */
interface Ask {
  readonly scene: Scene;
  readonly context: AskContext;
  readonly random: Random;
  readonly asked: AskedIds;
  readonly judge: Judge;
}

/**
 * Bayesian optimisation over architectures; see docs/search.md. Each expensive objective has a Gaussian process over
 * decisions, structure and cheap objectives; cheap objectives are known exactly; asked is the candidate with the
 * greatest expected hypervolume improvement, of all that a small space has or of those evolved on the models.
 */
export const surrogateStrategy: StrategyFactory = (config, input) => {
  const surrogate = new Surrogate(input, config.startup ?? startup);
  return (context, random, asked, judge) => surrogate.source(context, random, asked, judge);
};

class Surrogate {
  private scene: Scene | undefined;
  private learnt: Learnt | undefined;
  /** The whole space, or a sample of it. */
  private readonly candidates: readonly Genotype[];
  private readonly complete: boolean;

  /** @param first trials with values before a model is asked. */
  constructor(
    private readonly input: ControllerInput,
    private readonly first: number,
  ) {
    const all = listed(input.space);
    this.complete = all !== undefined;
    this.candidates = all ?? sampled(input.space, samples, new Random(input.seed, 'surrogate', 'sample'));
  }

  source(context: AskContext, random: Random, asked: AskedIds, judge: Judge): () => Candidate {
    if (this.scene?.cheap !== context.cheap) {
      this.scene = sceneOf(this.input, { cheap: context.cheap, candidates: this.candidates, judge });
      this.learnt = undefined;
    }
    const ask = { scene: this.scene, context, random, asked, judge };
    const chosen = this.choose(ask);
    if (chosen === undefined) {
      return () => ({ genotype: sampleGenotype(this.input.space, random), reason: 'random: nothing better known' });
    }
    const candidate = { ...chosen, passedOver: ask.scene.rejected };
    return () => candidate;
  }

  private choose(ask: Ask): Candidate | undefined {
    const { objectives } = this.input;
    const to = fittedTo(ask.context.history, objectives, this.first);
    if (to === undefined) return this.spread(ask);
    if (this.learnt === undefined || !sameTrials(this.learnt.to, to)) {
      this.learnt = new Learnt(objectives, ask.scene, to, this.complete);
    }
    const evaluation = new Evaluation(objectives, ask.scene, this.learnt, ask.context);
    return this.complete ? this.bestOf(this.learnt.pool, evaluation, ask.asked) : this.evolved(ask, evaluation);
  }

  /** One of the first trials. */
  private spread({ scene, context, random, asked, judge }: Ask): Candidate | undefined {
    const { space, objectives } = this.input;
    const pool = this.complete ? scene.pool : poolOf(sampled(space, samples, random), objectives, scene.encoder, judge);
    const allowed = [...pool.ids.keys()].filter((i) => !asked.has(pool.ids[i]));
    if (allowed.length === 0) return undefined;
    const before = [...context.history.map(({ genotype }) => genotype), ...context.pending];
    const start = before.length === 0 ? cheapest(pool, allowed) : undefined;
    const position = start ?? farthest(pool, allowed, scene.encoder.encode(before), random);
    const reason = start === undefined ? 'spread over the space: first trials' : 'cheapest: one end of the frontier';
    return { genotype: pool.genotypes[position], reason };
  }

  /** The candidate of a pool that is worth most. */
  private bestOf(pool: Pool, evaluation: Evaluation, asked: AskedIds): Candidate | undefined {
    const evaluated = evaluation.of(pool);
    let best: { position: number; worth: number } | undefined;
    for (let position = 0; position < pool.ids.length; position++) {
      if (asked.has(pool.ids[position])) continue;
      const worth = evaluated.worth(position, best?.worth ?? -1);
      if (best === undefined || worth > best.worth) best = { position, worth };
    }
    if (best === undefined || best.worth > 0) {
      return best && this.candidate(pool, best.position, best.worth, evaluation, evaluated);
    }
    return leastKnown(pool, evaluated, asked);
  }

  /** The candidate that is worth most of those evolved from the best trials and random ones. */
  private evolved({ scene, context, random, asked, judge }: Ask, evaluation: Evaluation): Candidate | undefined {
    const { space, objectives } = this.input;
    let best: { worth: number; candidate: Candidate } | undefined;
    const score = (genotypes: readonly Genotype[]): number[] => {
      const scores = genotypes.map((genotype) => -judge(genotype).violation);
      const kept = genotypes.filter((_, i) => scores[i] === 0);
      const pool = poolOf(kept, objectives, scene.encoder, judge);
      const evaluated = evaluation.of(pool);
      let position = 0;
      return scores.map((violation) => {
        if (violation < 0) return violation;
        const worth = evaluated.worth(position, -1);
        if (!asked.has(pool.ids[position]) && (best === undefined || worth > best.worth)) {
          best = { worth, candidate: this.candidate(pool, position, worth, evaluation, evaluated) };
        }
        position++;
        return worth;
      });
    };
    const ranked = context.history.flatMap(({ genotype, values }) => {
      const point = toPoint(objectives, values);
      return point === undefined ? [] : [{ genotype, point }];
    });
    const ranks = nonDominatedRanks(ranked.map(({ point }) => point));
    const order = [...ranked.keys()].sort((a, b) => ranks[a] - ranks[b] || b - a).slice(0, elders);
    const start = [...order.map((i) => ranked[i].genotype), ...sampled(space, samples, random)];
    evolve(space, start, context.history.length, score, random);
    return best?.candidate;
  }

  private candidate(
    pool: Pool,
    position: number,
    worth: number,
    { target }: Evaluation,
    { beliefs }: Evaluated,
  ): Candidate {
    const reason = describeChoice(worth / target.total, this.input.objectives, beliefs, position);
    return { genotype: pool.genotypes[position], reason };
  }
}

/** When nothing is expected to be better than the frontier: what the models know least of. */
function leastKnown(pool: Pool, { beliefs }: Evaluated, asked: AskedIds): Candidate | undefined {
  let best: { position: number; variance: number } | undefined;
  for (const [position, id] of pool.ids.entries()) {
    if (asked.has(id)) continue;
    const variance = beliefs.reduce(
      (sum, belief) => sum + (belief.kind === 'known' ? 0 : belief.variance[position]),
      0,
    );
    if (best === undefined || variance > best.variance) best = { position, variance };
  }
  return best && { genotype: pool.genotypes[best.position], reason: 'least known: nothing better is expected' };
}

const generations = 8;
const parents = 30;
/** In each generation; the fewer, the more trials a prediction has to look at. */
const children = { fewest: 40, most: 150, timesTrials: 15_000 };
/** How often a child that was seen already is changed further. */
const tries = 3;

/** A candidate, and the genes that it came from: those of layers that are not there are kept for when they are. */
interface Individual {
  readonly genes: Genotype;
  readonly genotype: Genotype;
}

/**
 * Evolves candidates on a model: the best so far are changed in one or two decisions and recombined, generation after
 * generation (truncation selection).
 *
 * @param start where to begin; scored first.
 * @param trials how many a score depends on.
 * @param score how good each candidate is; greater is better.
 */
function evolve(
  space: DecisionSpace,
  start: readonly Genotype[],
  trials: number,
  score: (candidates: readonly Genotype[]) => readonly number[],
  random: Random,
): void {
  const seen = new Set<string>();
  const isNew = ({ genotype }: Individual): boolean => {
    const id = genotypeId(genotype);
    return !seen.has(id) && seen.add(id).has(id);
  };
  let population: (Individual & { readonly score: number })[] = [];
  const enter = (fresh: readonly Individual[]): void => {
    const scores = score(fresh.map(({ genotype }) => genotype));
    population.push(...fresh.map((one, i) => ({ ...one, score: scores[i] })));
    population = population.sort((a, b) => b.score - a.score).slice(0, parents);
  };
  const { fewest, most, timesTrials } = children;
  const size = Math.round(Math.min(most, Math.max(fewest, timesTrials / trials)));
  const { change, mix } = variation(space, random);
  enter(start.map((genotype) => ({ genes: genotype, genotype })).filter(isNew));
  for (let generation = 0; generation < generations; generation++) {
    const born: Individual[] = [];
    for (let i = 0; i < size; i++) {
      const one = random.pick(population).genes;
      let child = change(random.int(3) === 0 ? mix(one, random.pick(population).genes) : one);
      if (random.int(2) === 0) child = change(child.genes);
      let left = tries;
      while (!isNew(child) && left-- > 0) child = change(child.genes);
      if (left >= 0) born.push(child);
    }
    enter(born);
  }
}

interface Variation {
  /** One decision changed. */
  readonly change: (genes: Genotype) => Individual;
  /** Each decision from one or the other. */
  readonly mix: (a: Genotype, b: Genotype) => Genotype;
}

/** Where every combination exists, genes are varied without a look at what they mean, which costs much more. */
function variation(space: DecisionSpace, random: Random): Variation {
  if (space.members !== undefined) {
    return {
      change: (genes) => {
        const genotype = mutate(space, genes, random);
        return { genes: genotype, genotype };
      },
      mix: (a, b) => crossover(space, a, b, random),
    };
  }
  const sizes = space.decisions.map(({ choices }) => choices.length);
  const free = [...sizes.keys()].filter((d) => sizes[d] > 1);
  return {
    change: (genes) => {
      const d = random.pick(free);
      const changed = genes.with(d, (genes[d] + 1 + random.int(sizes[d] - 1)) % sizes[d]);
      return { genes: changed, genotype: space.canonical(changed) };
    },
    mix: (a, b) => a.map((index, d) => (random.int(2) === 0 ? index : b[d])),
  };
}
