import { outputOf, targetOf, type NormLayer, type Point, type Unit } from './units.js';

/**
 * Which of a unit's gradients: of its input, of its second input (of a sum), or the second part of an expansion's, which is known
 * once the gradients of all images are.
 */
export type Slot = 'input' | 'second' | 'affine';

/** The gradient of some points: the same values, in one buffer. */
export interface Gradient {
  /** Points with this gradient: one that passes write to, and terms of sums that nothing else reads. */
  readonly points: Point[];
  /** Gradients with the same key lie in one buffer, one after the other. */
  key: object;
}

/** A pass that writes a gradient. */
export interface Write {
  readonly gradient: Gradient;
  /** False: it adds to what the buffer holds. */
  readonly isFirst: boolean;
  /** Gradients of sums that it adds. */
  readonly adds: readonly Gradient[];
  /** Norms whose sums it computes, because the gradient is complete; empty otherwise. */
  readonly norms: readonly { readonly norm: NormLayer; readonly point: Point }[];
}

/** What adds to the gradient of a point, in the order of the backward passes. `sum`: the gradient of this sum, unchanged. */
interface Contribution {
  readonly unit: Unit;
  readonly slot: Slot;
  readonly sum: Point | null;
}

interface PlannedWrite {
  readonly unit: Unit;
  readonly slot: Slot;
  readonly adds: Point[];
}

/** The most gradients that one write adds. */
const mostAdds = 2;

/** The contributions of a unit to the gradients of its inputs. */
function contributionsOf(unit: Unit): { readonly to: Point; readonly by: Contribution }[] {
  const write = (to: Point, slot: Slot = 'input') => ({ to, by: { unit, slot, sum: null } });
  switch (unit.kind) {
    case 'window':
    case 'double':
    case 'map':
      return [write(targetOf(unit.input))];
    case 'convolution':
      return unit.input === null ? [] : [write(targetOf(unit.input))];
    case 'expand':
      return [write(unit.input), write(unit.input, 'affine')];
    case 'sum':
      return unit.inputs.flatMap((reading, i) => {
        if (reading === undefined) return [];
        const isSame = reading.gate !== null || reading.act === 'none';
        const by = { unit, slot: i === 0 ? 'input' : 'second', sum: isSame ? unit.output : null } as const;
        return [{ to: targetOf(reading), by }];
      });
    case 'squeeze':
    case 'pool':
      return [write(unit.input.point)];
    case 'norm':
      return [write(unit.input)];
  }
}

/**
 * The writes of a point's gradient. A term of a sum gets the sum's gradient: alone, it is the same buffer (then there are no
 * writes and one sum); beside others, a write adds it.
 */
function writesOf(contributions: readonly Contribution[]): {
  readonly writes: PlannedWrite[];
  readonly sum: Point | null;
} {
  const writes: PlannedWrite[] = [];
  const open: { readonly by: Contribution; readonly sum: Point }[] = [];
  const take = (): Point[] => open.splice(0, mostAdds).map(({ sum }) => sum);
  /** The latest open sum by a pass of its own, with the others. */
  const pass = (): void => {
    const last = open.pop();
    if (last !== undefined) writes.push({ unit: last.by.unit, slot: last.by.slot, adds: take() });
  };
  for (const by of contributions) {
    if (by.sum !== null) {
      open.push({ by, sum: by.sum });
      if (open.length > mostAdds) pass();
      continue;
    }
    // The first part of an expansion's gradient adds nothing.
    const isPart = by.unit.kind === 'expand' && by.slot === 'input';
    writes.push({ unit: by.unit, slot: by.slot, adds: isPart ? [] : take() });
  }
  if (writes.length === 0 && open.length === 1) return { writes, sum: open[0].sum };
  if (open.length > 0) pass();
  return { writes, sum: null };
}

/** The gradients of all points, and the passes that write them. */
export class Gradients {
  private readonly wanted = new Set<Point>();
  private readonly gradients = new Map<Point, Gradient>();
  private readonly writes = new Map<Unit, Map<Slot, Write>>();

  /** @param isTrained whether a unit, its norm included, has trained weights */
  constructor(units: readonly Unit[], isTrained: (unit: Unit) => boolean) {
    for (const unit of units) {
      const output = outputOf(unit);
      const isWanted = isTrained(unit) || contributionsOf(unit).some(({ to }) => this.wanted.has(to));
      if (output !== null && isWanted) this.wanted.add(output);
    }
    const positions = new Map(units.flatMap((unit, i) => [[outputOf(unit), i] as const]));
    const contributions = new Map<Point, Contribution[]>();
    for (const unit of units.toReversed())
      for (const { to, by } of contributionsOf(unit))
        if (this.wanted.has(to)) contributions.set(to, [...(contributions.get(to) ?? []), by]);
    const planned = new Map<Gradient, PlannedWrite[]>();
    for (const point of units.toReversed().map(outputOf)) {
      const own = point === null ? undefined : contributions.get(point);
      if (point === null || own === undefined) continue;
      const { writes, sum } = writesOf(own);
      const gradient = sum === null ? { points: [], key: point } : this.of(sum);
      gradient.points.push(point);
      this.gradients.set(point, gradient);
      if (sum === null) planned.set(gradient, writes);
    }
    this.plan(planned, units, positions);
  }

  isWanted(point: Point): boolean {
    return this.wanted.has(point);
  }

  of(point: Point): Gradient {
    const gradient = this.gradients.get(point);
    if (gradient === undefined) throw new Error(`${point.map.name} has no gradient`);
    return gradient;
  }

  /** The write of a unit; undefined: it writes no such gradient. */
  write(unit: Unit, slot: Slot = 'input'): Write | undefined {
    return this.writes.get(unit)?.get(slot);
  }

  private plan(
    planned: ReadonlyMap<Gradient, readonly PlannedWrite[]>,
    units: readonly Unit[],
    positions: ReadonlyMap<Point | null, number>,
  ): void {
    const all = [...planned.values()].flat().flatMap(({ adds }) => adds.map((sum) => this.of(sum)));
    /** Whether the first write of a gradient may write over a sum's gradient, which nothing reads later. */
    const isOver = (sum: Gradient, { unit, slot }: PlannedWrite): boolean => {
      const now = units.indexOf(unit);
      const isPart = unit.kind === 'expand' && slot === 'input';
      const isRead = sum.points.some((point) => (positions.get(point) ?? 0) <= now);
      return !isPart && !isRead && all.filter((other) => other === sum).length === 1;
    };
    for (const [gradient, writes] of planned)
      for (const [i, write] of writes.entries()) {
        const adds = write.adds.map((sum) => this.of(sum));
        const over = i === 0 ? adds.find((sum) => isOver(sum, write)) : undefined;
        // SQUEEZE_BACKWARD overwrites the gradient of the gated map with the gradient of the map before the gate.
        const gated = i === 0 && write.unit.kind === 'squeeze' ? this.of(write.unit.output) : undefined;
        if (over !== undefined) gradient.key = over.key;
        else if (gated?.points.length === 1) gradient.key = gated.key;
        const norms = gradient.points.flatMap((point) => (point.norm === null ? [] : [{ norm: point.norm, point }]));
        const own = this.writes.get(write.unit) ?? new Map<Slot, Write>();
        this.writes.set(write.unit, own);
        own.set(write.slot, {
          gradient,
          isFirst: i === 0 && over === undefined,
          adds: adds.filter((sum) => sum !== over),
          norms: i === writes.length - 1 ? norms : [],
        });
      }
  }
}
