import { genotypeId, type Genotype } from '../../spaces/index.js';
import type { AskContext, ControllerInput, TrialResult } from '../controller.js';
import { ExtrapolatedHistory } from '../fidelity/learning-curves.js';
import { objectivesWithout, type Values } from '../objective.js';
import type { Judge } from '../propose.js';
import { TrialPoints } from './acquisition.js';
import { Acquisition, FittedModels, fittedTo, sameTrials, startup } from './models.js';
import { poolOf, surrogateInputs, type SurrogateInputs } from './pool.js';

/** A candidate with features of its untrained network, by name. */
export interface FeaturedCandidate {
  readonly genotype: Genotype;
  /** A feature that could not be computed is absent, and taken to be average. */
  readonly features: Values;
}

/**
 * Chooses among a few proposals by features that are too slow to compute for every candidate, such as zero-cost proxies.
 * The surrogate's models have the features among their numbers, and learn from the trials how informative they are.
 */
export class FeaturedSurrogate {
  private readonly extrapolated: ExtrapolatedHistory;
  /** Of the trials and of the candidates of this ask alone, as a resumed run knows no others. */
  private features: ReadonlyMap<string, Values> = new Map();
  private fitted: { readonly inputs: SurrogateInputs; readonly models: FittedModels } | undefined;

  /** @param names of the features, which trials have among their values. */
  constructor(
    private readonly input: ControllerInput,
    private readonly names: readonly string[],
    private readonly first = startup,
  ) {
    this.extrapolated = new ExtrapolatedHistory(input.objectives);
  }

  /**
   * The position of the candidate with the greatest expected hypervolume improvement, of equals the first; undefined
   * before there are enough trials.
   */
  best(context: AskContext, candidates: readonly FeaturedCandidate[]): number | undefined {
    const history = this.extrapolated.of(context.history);
    const objectives = objectivesWithout(this.input.objectives, context.untold ?? []);
    const to = fittedTo(history, new TrialPoints(objectives), this.first);
    if (to === undefined) return undefined;
    this.features = new Map([
      ...history.map(({ genotype, values }) => [genotypeId(genotype), values] as const),
      ...candidates.map(({ genotype, features }) => [genotypeId(genotype), features] as const),
    ]);
    const input = { ...this.input, objectives };
    const judge: Judge = (genotype) => ({ accepted: true, violation: 0, values: context.cheap(genotype) });
    const { inputs, models } = this.fit(input, context, to, judge);
    const acquisition = new Acquisition(objectives, inputs, models, { ...context, history });
    const pool = poolOf(
      candidates.map(({ genotype }) => genotype),
      objectives,
      inputs.encoder,
      judge,
    );
    const scored = acquisition.of(pool);
    const improvements = candidates.map((_, i) => scored.improvement(i, -1));
    return improvements.indexOf(Math.max(...improvements));
  }

  private fit(
    input: ControllerInput,
    { cheap }: AskContext,
    to: readonly TrialResult[],
    judge: Judge,
  ): NonNullable<typeof this.fitted> {
    const { fitted } = this;
    if (fitted?.inputs.cheap === cheap && sameTrials(fitted.models.to, to)) return fitted;
    const tried = to.map(({ genotype }) => genotype);
    const further = (genotype: Genotype): Values => {
      const values = this.features.get(genotypeId(genotype)) ?? {};
      return Object.fromEntries(this.names.flatMap((name) => (name in values ? [[name, values[name]]] : [])));
    };
    const inputs = surrogateInputs(input, {
      cheap,
      candidates: tried,
      judge,
      features: { names: this.names, of: further },
    });
    return (this.fitted = { inputs, models: new FittedModels(input.objectives, inputs, to, false) });
  }
}
