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

const short = (value: number): string => String(Number(value.toPrecision(3)));

/** `predicted accuracy 0.914 ± 0.006` or `latency_ms 2.31`. */
function describeBelief({ name, direction }: Objective, belief: Belief, position: number): string {
  const sign = direction === 'minimize' ? 1 : -1;
  if (belief.kind === 'known') return `${name} ${short(sign * belief.values[position])}`;
  const { warp, mean, variance } = belief;
  const [z, deviation] = [mean[position], Math.sqrt(variance[position])];
  const half = (warp.invert(z + deviation) - warp.invert(z - deviation)) / 2;
  return `predicted ${name} ${short(sign * warp.invert(z))} ± ${half.toPrecision(2)}`;
}

/**
 * Why a candidate was chosen, in one line.
 * @param share the expected improvement as a share of the hypervolume up to the reference.
 */
export const describeChoice = (
  share: number,
  objectives: readonly Objective[],
  beliefs: readonly Belief[],
  position: number,
): string =>
  `expected hypervolume +${share.toPrecision(2)}: ${objectives
    .map((objective, k) => describeBelief(objective, beliefs[k], position))
    .join(', ')}`;
