import type { RungResult, Scheduler, SchedulerDecision, SchedulerState, Step, Values } from '../../../search/index.js';

/** Values of a trial after some epochs; null when its training fails on the way there. */
export type Curves = (trial: number, epochs: number) => Values | null;

export interface Simulated {
  readonly steps: readonly Step[];
  readonly results: readonly RungResult[];
  readonly stops: ReadonlyMap<number, string>;
  readonly failed: ReadonlySet<number>;
  /** Every decision with how many steps were not known when it was made. */
  readonly decisions: readonly { readonly decision: SchedulerDecision; readonly unknown: number }[];
}

/**
 * Runs a scheduler as the search does, without training: up to `parallel` steps at a time.
 * @param pick which of the steps at work ends next, as an index into them.
 */
export function simulate(
  scheduler: Scheduler,
  options: {
    readonly trials: number;
    readonly parallel: number;
    readonly curves: Curves;
    readonly pick: (running: number) => number;
  },
): Simulated {
  const { trials, parallel, curves, pick } = options;
  const steps: Step[] = [];
  const done = new Map<Step, RungResult | null>();
  const stops = new Map<number, string>();
  const failed = new Set<number>();
  const decisions: Simulated['decisions'][number][] = [];
  let running: Step[] = [];
  let asked = 0;
  const finishOne = (): void => {
    const [step] = running.splice(pick(running.length), 1);
    const values = curves(step.trial, step.epochs);
    if (values === null) failed.add(step.trial);
    done.set(step, values === null ? null : { ...step, values });
  };
  const known = (): RungResult[] => steps.flatMap((step) => done.get(step) ?? []);
  for (;;) {
    const state: SchedulerState = {
      asked,
      mayAsk: asked < trials,
      steps,
      results: known(),
      ended: new Set([...stops.keys(), ...failed]),
      isIdle: running.length === 0,
    };
    const decision = running.length < parallel ? scheduler.decide(state) : undefined;
    if (decision === undefined && running.length === 0) break;
    if (decision === undefined) {
      finishOne();
      continue;
    }
    decisions.push({ decision, unknown: running.length });
    if (decision.kind === 'stop') stops.set(decision.trial, decision.reason);
    else {
      const trial = decision.kind === 'ask' ? asked++ : decision.trial;
      const step = { trial, epochs: decision.kind === 'ask' ? scheduler.first : decision.epochs };
      steps.push(step);
      running = [...running, step];
    }
  }
  return { steps, results: known(), stops, failed, decisions };
}
