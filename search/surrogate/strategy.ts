import { Random } from '../../base/random.js';
import { sampleGenotype, type Genotype } from '../../spaces/index.js';
import type { AskContext, ControllerInput } from '../controller.js';
import type { AskedIds } from '../history.js';
import { nonDominatedRanks, type Point } from '../pareto.js';
import type { Candidate, Judge } from '../propose.js';
import type { StrategyFactory } from '../strategies/strategy.js';
import { Acquisition, describeChoice, FittedModels, fittedTo, sameTrials, startup, type ScoredPool } from './models.js';
import type { EarlierModel } from './earlier.js';
import { earlierAlone, earlierModels } from './earlier-models.js';
import { GenotypeRows } from './encoding.js';
import { evolve, type Individual } from './evolve.js';
import { endOf, farthest, listed, poolOf, sampled, surrogateInputs, type Pool, type SurrogateInputs } from './pool.js';

/** Random candidates that represent a large space, and from which evolution on the models starts. */
const samples = 128;
/** Best past trials from which evolution on the models starts. */
const pastParents = 30;

/** Default number of trials before the first model where earlier runs propose them. */
const startupFromEarlier = 4;

interface Ask {
  readonly inputs: SurrogateInputs;
  readonly context: AskContext;
  readonly random: Random;
  readonly asked: AskedIds;
  readonly judge: Judge;
}

/**
 * Bayesian optimisation over architectures; see docs/search.md. Each expensive objective has a Gaussian process over
 * decisions, structure and cheap objectives. The proposal maximises the expected hypervolume improvement over a small
 * space, or over candidates evolved on the models.
 */
export const surrogateStrategy: StrategyFactory = (config, input) => {
  const surrogate = new Surrogate(input, config.startup);
  return (context, random, asked, judge) => surrogate.source(context, random, asked, judge);
};

class Surrogate {
  private inputs: SurrogateInputs | undefined;
  private models: FittedModels | undefined;
  private earlier: readonly (readonly EarlierModel[])[] = [];
  private alone: ReturnType<typeof earlierAlone>;
  private readonly rows: GenotypeRows;
  private readonly candidates: readonly Genotype[];
  /** Whether the candidates are the whole space, or a sample of it. */
  private readonly complete: boolean;

  /** @param first number of trials with values before the first model; undefined: the default. */
  constructor(
    private readonly input: ControllerInput,
    private readonly first: number | undefined,
  ) {
    this.rows = new GenotypeRows(input.space);
    const all = listed(input.space);
    this.complete = all !== undefined;
    this.candidates = all ?? sampled(input.space, samples, new Random(input.seed, 'surrogate', 'sample'));
  }

  source(context: AskContext, random: Random, asked: AskedIds, judge: Judge): () => Candidate {
    if (this.inputs?.cheap !== context.cheap) {
      const { candidates, rows } = this;
      this.inputs = surrogateInputs(this.input, { cheap: context.cheap, candidates, judge, rows });
      this.models = undefined;
      const { objectives, earlier = [] } = this.input;
      this.earlier = earlierModels(objectives, earlier, this.inputs.encoder);
      this.alone = earlierAlone(objectives, this.inputs, this.earlier);
    }
    const ask = { inputs: this.inputs, context, random, asked, judge };
    const chosen = this.choose(ask);
    if (chosen === undefined) {
      return () => ({ genotype: sampleGenotype(this.input.space, random), reason: 'random: nothing better known' });
    }
    // The pool was judged before the first trial.
    const isFirst = context.history.length + context.pending.length === 0;
    const passedOver = (chosen.passedOver ?? 0) + (isFirst ? ask.inputs.rejected : 0);
    return () => ({ ...chosen, passedOver });
  }

  private choose(ask: Ask): Candidate | undefined {
    const { objectives } = this.input;
    const first = this.first ?? (this.alone === undefined ? startup : startupFromEarlier);
    const to = fittedTo(ask.context.history, ask.inputs.trials, first);
    if (to === undefined) return this.fromEarlier(ask) ?? this.spread(ask);
    if (this.models === undefined || !sameTrials(this.models.to, to)) {
      this.models = new FittedModels(objectives, ask.inputs, to, this.complete, this.earlier);
    }
    const acquisition = new Acquisition(objectives, ask.inputs, this.models, ask.context);
    return this.complete ? this.bestOf(this.models.pool, acquisition, ask.asked) : this.evolved(ask, acquisition);
  }

  /** A first trial, which earlier runs promise most of; undefined when there are none that know the objectives. */
  private fromEarlier(ask: Ask): Candidate | undefined {
    const { alone } = this;
    const { objectives, earlier = [] } = this.input;
    if (alone === undefined) return undefined;
    const { cheap, history, pending } = ask.context;
    // Their values come from the earlier runs as well.
    const asked = { ...ask.context, history: [], pending: [...history.map(({ genotype }) => genotype), ...pending] };
    const acquisition = new Acquisition(objectives, alone.inputs, alone.models, asked);
    const trials = earlier.flat().map((trial) => ({ ...trial, values: { ...trial.values, ...cheap(trial.genotype) } }));
    const found = this.complete
      ? this.bestOf(ask.inputs.pool, acquisition, ask.asked)
      : this.evolved({ ...ask, context: { ...asked, history: trials } }, acquisition);
    return found && { ...found, reason: `by earlier runs: ${found.reason}` };
  }

  /** A trial of the initial design. */
  private spread({ inputs, context, random, asked, judge }: Ask): Candidate | undefined {
    const { space, objectives } = this.input;
    const drawn = this.complete ? [] : sampled(space, samples, random);
    const pool = this.complete ? inputs.pool : poolOf(drawn, objectives, inputs.encoder, judge);
    const allowed = [...pool.ids.keys()].filter((i) => !asked.has(pool.ids[i]));
    if (allowed.length === 0) return undefined;
    const before = [...context.history.map(({ genotype }) => genotype), ...context.pending];
    const end = (['cheapest', 'dearest'] as const).at(before.length);
    const atEnd = end && endOf(pool, allowed, end);
    const position = atEnd ?? farthest(pool, allowed, inputs.encoder.encode(before), random);
    const reason =
      atEnd === undefined ? 'spread over the space: first trials' : `${end ?? ''}: one end of the frontier`;
    return { genotype: pool.genotypes[position], reason, passedOver: Math.max(0, drawn.length - pool.ids.length) };
  }

  /** The candidate of a pool with the greatest improvement. */
  private bestOf(pool: Pool, acquisition: Acquisition, asked: AskedIds): Candidate | undefined {
    const scored = acquisition.of(pool);
    let best: { position: number; improvement: number } | undefined;
    for (let position = 0; position < pool.ids.length; position++) {
      if (asked.has(pool.ids[position])) continue;
      const improvement = scored.improvement(position, best?.improvement ?? -1);
      if (best === undefined || improvement > best.improvement) best = { position, improvement };
    }
    if (best === undefined || best.improvement > 0) {
      return best && this.candidate(pool, best.position, best.improvement, acquisition, scored);
    }
    const { keeping } = scored;
    if (keeping === undefined || acquisition.target.boxes.front.length > 0) return leastKnown(pool, scored, asked);
    // Nothing has kept the bounds yet, and nothing will surely.
    for (let position = 0; position < pool.ids.length; position++)
      if (!asked.has(pool.ids[position]) && keeping(position) > keeping(best.position)) best = { ...best, position };
    return this.candidate(pool, best.position, 0, acquisition, scored);
  }

  /** The candidate with the greatest improvement among those evolved from the best trials and random candidates. */
  private evolved({ inputs, context, random, asked, judge }: Ask, acquisition: Acquisition): Candidate | undefined {
    const { space, objectives } = this.input;
    let best: { score: number; candidate: Candidate } | undefined;
    let passedOver = 0;
    const scoresOf = (candidates: readonly Individual[]): number[] => {
      const scores = candidates.map(({ genotype, id }) => {
        const { violation } = judge(genotype, id);
        // Its network is at hand.
        if (violation === 0) inputs.encoder.prepare(genotype, id);
        return -violation;
      });
      const kept = candidates.filter((_, i) => scores[i] === 0);
      passedOver += candidates.length - kept.length;
      const pool = poolOf(
        kept.map(({ genotype }) => genotype),
        objectives,
        inputs.encoder,
        judge,
        kept.map(({ id }) => id),
      );
      const scored = acquisition.of(pool);
      let position = 0;
      const { keeping } = scored;
      return scores.map((violation) => {
        // Below all probabilities of keeping the bounds.
        if (violation < 0) return keeping === undefined ? violation : violation - 1;
        const improvement = scored.improvement(position, -1);
        const score = improvement > 0 || keeping === undefined ? improvement : shareOf(keeping(position));
        if (!asked.has(pool.ids[position]) && (best === undefined || score > best.score)) {
          best = { score, candidate: this.candidate(pool, position, improvement, acquisition, scored) };
        }
        position++;
        return score;
      });
    };
    const ranked: { readonly genotype: Genotype; readonly point: Point }[] = [];
    for (const [i, point] of inputs.trials.complete.at(context.history).entries())
      if (point !== undefined) ranked.push({ genotype: context.history[i].genotype, point });
    const ranks = nonDominatedRanks(ranked.map(({ point }) => point));
    const order = [...ranked.keys()].sort((a, b) => ranks[a] - ranks[b] || b - a).slice(0, pastParents);
    const start = [...order.map((i) => ranked[i].genotype), ...sampled(space, samples, random)];
    evolve(space, start, context.history.length, scoresOf, random);
    return best && { ...best.candidate, passedOver };
  }

  private candidate(
    pool: Pool,
    position: number,
    improvement: number,
    { target }: Acquisition,
    { beliefs, keeping }: ScoredPool,
  ): Candidate {
    const expectation =
      keeping === undefined || (improvement > 0 && target.total > 0)
        ? `expected hypervolume +${(improvement / target.total).toPrecision(2)}`
        : `keeps the bounds with probability ${Math.exp(keeping(position)).toPrecision(2)}`;
    const reason = describeChoice(expectation, this.input.objectives, beliefs, position);
    return { genotype: pool.genotypes[position], reason };
  }
}

/** Maps logarithms of probabilities to -1 to 0, in their order. */
const shareOf = (logarithm: number): number => logarithm / (1 - logarithm);

/** The candidate with the greatest predicted variance, for when no improvement is expected. */
function leastKnown(pool: Pool, { beliefs }: ScoredPool, asked: AskedIds): Candidate | undefined {
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
