import type { Genotype } from '../../spaces/index.js';
import type { AskContext } from '../controller.js';
import type { Objective } from '../objective.js';
import type { Point } from '../pareto.js';
import { targetOf, type Target } from './acquisition.js';
import { observed } from './fit.js';
import { improvementOf, type Belief } from './improvement.js';
import type { Learnt } from './learnt.js';
import type { Conditioned } from './objective-model.js';
import type { Pool } from './pool.js';
import type { Scene } from './scene.js';
import { successOf } from './success.js';

/** What a pool's candidates are worth. */
export interface Evaluated {
  readonly beliefs: readonly Belief[];
  /**
   * The expected hypervolume improvement of a candidate, times the probability that its training succeeds; when that
   * is not above `atLeast`, any value that is not.
   */
  worth(position: number, atLeast: number): number;
}

/** What candidates are worth, as far as is known in one ask. */
export class Evaluation {
  readonly target: Target;
  private readonly models: readonly (Conditioned | undefined)[];
  private readonly success: ReturnType<typeof successOf>;

  constructor(
    private readonly objectives: readonly Objective[],
    private readonly scene: Scene,
    learnt: Learnt,
    context: AskContext,
  ) {
    const { history, pending } = context;
    this.models = learnt.at(context, scene.encoder.encode(pending));
    this.success = successOf(history, scene.encoder);
    this.target = targetOf(objectives, history, this.expected(pending), scene.ranges);
  }

  of(pool: Pool): Evaluated {
    const beliefs = this.objectives.map((_, k): Belief => {
      const values = pool.known[k];
      if (values !== undefined) return { kind: 'known', values };
      const model = this.models[k];
      if (model === undefined) throw new Error(`nothing is known of ${this.objectives[k].name}`);
      return { kind: 'modelled', warp: model.warp, ...model.predict(pool.encoded) };
    });
    const improvement = improvementOf(this.target.boxes, beliefs);
    const success = this.success?.(pool.encoded);
    return {
      beliefs,
      worth: (position, atLeast) => {
        const most = improvement(position);
        return success === undefined || most <= atLeast ? most : most * success(position);
      },
    };
  }

  /** The points that pending candidates are expected to have. */
  private expected(pending: readonly Genotype[]): Point[] {
    return pending.map((genotype, i) => {
      const values = this.scene.cheap(genotype);
      return this.objectives.map((objective, k) => {
        const model = this.models[k];
        if (model !== undefined) return model.warp.invert(model.expected.mean[i]);
        return observed(objective, { number: -1, genotype, state: 'complete', values }) ?? Infinity;
      });
    });
  }
}
