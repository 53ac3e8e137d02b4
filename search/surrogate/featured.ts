import { genotypeId, type Genotype } from '../../spaces/index.js';
import type { AskContext, ControllerInput, Told } from '../controller.js';
import { Foresight } from '../fidelity/learning-curves.js';
import { objectivesWithout, type Values } from '../objective.js';
import type { Judge } from '../propose.js';
import { Evaluation, fittedTo, Learnt, sameTrials, startup } from './evaluation.js';
import { poolOf, type Scene, sceneOf } from './pool.js';

/** A candidate, and what a look at its untrained network tells beyond the cheap objectives, by name. */
export interface FeaturedCandidate {
  readonly genotype: Genotype;
  /** One that could not be computed is absent, and taken to be average. */
  readonly features: Values;
}

/**
 * The surrogate for features that take too long to be known of every candidate, such as zero-cost proxies: they are known
 * of the trials and of a few proposals, and it says which of these is worth most. Its models are those of the
 * surrogate with the features among their numbers; whether one tells anything, they learn from the trials.
 */
export class FeaturedSurrogate {
  private readonly foresight: Foresight;
  /** Of the trials and of the candidates of this ask alone: a run that was resumed knows no others. */
  private features: ReadonlyMap<string, Values> = new Map();
  private fitted: { readonly scene: Scene; readonly learnt: Learnt } | undefined;

  /** @param names of the features; trials have them among their values. */
  constructor(
    private readonly input: ControllerInput,
    private readonly names: readonly string[],
    private readonly first = startup,
  ) {
    this.foresight = new Foresight(input.objectives);
  }

  /**
   * The position of the candidate with the greatest expected hypervolume improvement, of equals the first; undefined while
   * too little was tried to learn from.
   */
  best(context: AskContext, candidates: readonly FeaturedCandidate[]): number | undefined {
    const history = this.foresight.of(context.history);
    const objectives = objectivesWithout(this.input.objectives, context.untold ?? []);
    const to = fittedTo(history, objectives, this.first);
    if (to === undefined) return undefined;
    this.features = new Map([
      ...history.map(({ genotype, values }) => [genotypeId(genotype), values] as const),
      ...candidates.map(({ genotype, features }) => [genotypeId(genotype), features] as const),
    ]);
    const input = { ...this.input, objectives };
    const judge: Judge = (genotype) => ({ accepted: true, violation: 0, values: context.cheap(genotype) });
    const { scene, learnt } = this.fit(input, context, to, judge);
    const evaluation = new Evaluation(objectives, scene, learnt, { ...context, history });
    const pool = poolOf(
      candidates.map(({ genotype }) => genotype),
      objectives,
      scene.encoder,
      judge,
    );
    const evaluated = evaluation.of(pool);
    const worths = candidates.map((_, i) => evaluated.worth(i, -1));
    return worths.indexOf(Math.max(...worths));
  }

  private fit(
    input: ControllerInput,
    { cheap }: AskContext,
    to: readonly Told[],
    judge: Judge,
  ): NonNullable<typeof this.fitted> {
    const { fitted } = this;
    if (fitted?.scene.cheap === cheap && sameTrials(fitted.learnt.to, to)) return fitted;
    const tried = to.map(({ genotype }) => genotype);
    const further = (genotype: Genotype): Values => {
      const values = this.features.get(genotypeId(genotype)) ?? {};
      return Object.fromEntries(this.names.flatMap((name) => (name in values ? [[name, values[name]]] : [])));
    };
    const scene = sceneOf(input, { cheap, candidates: tried, judge, features: { names: this.names, of: further } });
    return (this.fitted = { scene, learnt: new Learnt(input.objectives, scene, to, false) });
  }
}
