import { z } from 'zod';

export const objectiveSchema = z
  .strictObject({
    name: z.string().min(1),
    direction: z.enum(['maximize', 'minimize']),
    /**
     * `cheap`: known of every candidate before it is asked (MACs, parameters, predicted latency). `untrained`: measured on
     * a trial's network before it is trained (zero-cost proxies). `expensive`: known only after training.
     */
    cost: z.enum(['cheap', 'untrained', 'expensive']),
    constraint: z
      .strictObject({ min: z.number().optional(), max: z.number().optional() })
      .refine((c) => c.min !== undefined || c.max !== undefined, 'needs min, max or both')
      .optional(),
  })
  .readonly();

/** One thing to optimise: name, direction, when it is known, and bounds on its value. */
export type Objective = z.output<typeof objectiveSchema>;

/** Values by objective name. */
export type Values = Readonly<Record<string, number>>;

/** A value turned so that smaller is better. */
export const minimized = ({ direction }: Pick<Objective, 'direction'>, value: number): number =>
  direction === 'minimize' ? value : -value;

/** A trial's value of an objective, turned so that smaller is better; undefined when it has none. */
export function observed(objective: Objective, { values }: { readonly values: Values }): number | undefined {
  const value = values[objective.name];
  return objective.name in values && Number.isFinite(value) ? minimized(objective, value) : undefined;
}

/** The objectives whose bounds `values` break; objectives without a value are not judged. */
export function violated(objectives: readonly Objective[], values: Values): Objective[] {
  return objectives.filter(({ name, constraint }) => {
    if (!(name in values) || constraint === undefined) return false;
    const value = values[name];
    const { min = -Infinity, max = Infinity } = constraint;
    return !(value >= min && value <= max);
  });
}

/** How far `value` is outside the bounds, as a share of the bound that it breaks; 0 inside. */
function excess({ constraint }: Objective, value: number): number {
  const { min = -Infinity, max = Infinity } = constraint ?? {};
  if (value >= min && value <= max) return 0;
  const bound = value < min ? min : max;
  const share = Math.abs(value - bound) / (bound === 0 ? 1 : Math.abs(bound));
  return Number.isNaN(share) ? Infinity : share;
}

/**
 * The overall constraint violation of Deb et al. 2002, the sum of the relative excesses: 0 exactly when every bound is
 * kept. Objectives without a value are not judged.
 */
export function violation(objectives: readonly Objective[], values: Values): number {
  let sum = 0;
  for (const objective of objectives) {
    if (objective.constraint !== undefined && objective.name in values)
      sum += excess(objective, values[objective.name]);
  }
  return sum;
}

/** The objectives while some cheap ones cannot be predicted: these are known of trials only. */
export const objectivesWithout = (
  objectives: readonly Objective[],
  unpredicted: readonly string[],
): readonly Objective[] =>
  objectives.map((objective) =>
    unpredicted.includes(objective.name) && objective.cost === 'cheap'
      ? { ...objective, cost: 'untrained' }
      : objective,
  );
