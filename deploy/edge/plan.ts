import { Random } from '../../base/random.js';
import { overlapDistance, scratchBytes } from './overlap.js';
import type { EdgeOperator, EdgeProgram, TensorId } from './program.js';

/** Places of the activations of an int8 program in one array of bytes. */
export interface ArenaPlan {
  /** Where each activation begins. */
  readonly offsets: ReadonlyMap<TensorId, number>;
  /** Where an operator's own working memory begins. */
  readonly scratch: ReadonlyMap<EdgeOperator, number>;
  readonly bytes: number;
  /** The most bytes that are needed at one moment, results over inputs where possible: no plan is smaller. */
  readonly bound: number;
  /** The same with every tensor beside the others. */
  readonly live: number;
}

/** Buffers begin at multiples of this, so that kernels read four bytes at once. */
export const ARENA_ALIGNMENT = 4;

const aligned = (bytes: number): number => Math.ceil(bytes / ARENA_ALIGNMENT) * ARENA_ALIGNMENT;

/** Memory in use from one operator to another, both included. */
interface Buffer {
  readonly bytes: number;
  readonly first: number;
  last: number;
}

/** `below` has to begin this many bytes before `above`, or above its end. */
interface Overlap {
  readonly below: number;
  readonly above: number;
  readonly distance: number;
}

interface Lifetimes {
  readonly buffers: readonly Buffer[];
  readonly overlaps: readonly Overlap[];
  readonly bufferOf: ReadonlyMap<TensorId, number>;
  readonly scratchOf: ReadonlyMap<EdgeOperator, number>;
}

/** Operators of the program inside of its conversions from and to floating point. */
export function innerOperators({ operators }: EdgeProgram): readonly EdgeOperator[] {
  return operators.filter(({ op }) => op !== 'quantize' && op !== 'dequantize');
}

/** The int8 input and output of a program. */
export function innerEnds({ operators, input, output }: EdgeProgram): {
  readonly input: TensorId;
  readonly output: TensorId;
} {
  const first = operators.find((operator) => operator.op === 'quantize' && operator.inputs[0] === input);
  const last = operators.find((operator) => operator.op === 'dequantize' && operator.output === output);
  return { input: first?.output ?? input, output: last?.inputs[0] ?? output };
}

function lifetimes(program: EdgeProgram, overlapping: boolean): Lifetimes {
  const { tensors } = program;
  const { input, output } = innerEnds(program);
  const operators = innerOperators(program);
  const buffers: Buffer[] = [];
  const bufferOf = new Map<TensorId, number>();
  const scratchOf = new Map<EdgeOperator, number>();
  const bytesOf = (id: TensorId): number => tensors[id].shape.reduce((a, b) => a * b, 1);
  const begin = (bytes: number, at: number): number => buffers.push({ bytes: aligned(bytes), first: at, last: at }) - 1;
  bufferOf.set(input, begin(bytesOf(input), 0));
  operators.forEach((operator, at) => {
    for (const id of operator.inputs) {
      const buffer = bufferOf.get(id);
      if (buffer !== undefined) buffers[buffer].last = at;
    }
    const renamed = operator.op === 'reshape' ? bufferOf.get(operator.inputs[0]) : undefined;
    bufferOf.set(operator.output, renamed ?? begin(bytesOf(operator.output), at));
    const scratch = scratchBytes(program, operator);
    if (scratch > 0) scratchOf.set(operator, begin(scratch, at));
  });
  const end = bufferOf.get(output);
  if (end !== undefined) buffers[end].last = operators.length;
  const overlaps = operators.flatMap((operator, at) =>
    operator.inputs.flatMap((id, position) => {
      const [above, below] = [bufferOf.get(id), bufferOf.get(operator.output)];
      if (!overlapping || above === undefined || below === undefined || above === below) return [];
      const isTwice = operator.inputs.indexOf(id) !== position;
      if (isTwice || buffers[above].last !== at) return [];
      const distance = overlapDistance(program, operator, position);
      return distance === undefined ? [] : [{ below, above, distance: aligned(Math.max(distance, 0)) }];
    }),
  );
  return { buffers, overlaps, bufferOf, scratchOf };
}

/** The bytes of the fullest moment, with and without overlaps. */
function bounds({ buffers, overlaps }: Lifetimes): { readonly bound: number; readonly live: number } {
  let [bound, live] = [0, 0];
  const moments = Math.max(...buffers.map(({ last }) => last)) + 1;
  const sums = new Float64Array(moments);
  for (const { bytes, first, last } of buffers) for (let at = first; at <= last; at++) sums[at] += bytes;
  const saved = new Float64Array(moments);
  for (const { below, above, distance } of overlaps) {
    const at = buffers[below].first;
    const together = Math.max(distance + buffers[above].bytes, buffers[below].bytes);
    saved[at] = Math.max(saved[at], buffers[above].bytes + buffers[below].bytes - together);
  }
  for (let at = 0; at < moments; at++) {
    bound = Math.max(bound, sums[at] - saved[at]);
    live = Math.max(live, sums[at]);
  }
  return { bound, live };
}

/** A buffer that exists beside another, and the bytes that have to lie between their beginnings. */
interface Neighbour {
  readonly other: number;
  /** With this buffer below the other one. */
  readonly below: number;
  readonly above: number;
}

function neighbours({ buffers, overlaps }: Lifetimes): readonly (readonly Neighbour[])[] {
  const lists = buffers.map((): Neighbour[] => []);
  buffers.forEach((a, i) => {
    for (let j = 0; j < i; j++) {
      const b = buffers[j];
      if (a.first > b.last || b.first > a.last) continue;
      const up = overlaps.find(({ below, above }) => below === i && above === j)?.distance ?? a.bytes;
      const down = overlaps.find(({ below, above }) => below === j && above === i)?.distance ?? b.bytes;
      // Distances larger than the buffer leave a gap that needs no room.
      const [above, below] = [Math.min(down, b.bytes), Math.min(up, a.bytes)];
      lists[i].push({ other: j, below, above });
      lists[j].push({ other: i, below: above, above: below });
    }
  });
  return lists;
}

interface Placed {
  readonly order: readonly number[];
  readonly fromTop: boolean;
  readonly starts: Float64Array;
  readonly bytes: number;
}

/** First fit: each buffer in turn at the lowest place that is free. From the top, places count downwards from the end. */
function place(
  order: readonly number[],
  { buffers }: Lifetimes,
  lists: readonly (readonly Neighbour[])[],
  fromTop: boolean,
): Placed {
  const starts = new Float64Array(buffers.length).fill(-1);
  let bytes = 0;
  for (const buffer of order) {
    const size = buffers[buffer].bytes;
    // Mirrored, a buffer begins where it ends otherwise; distances between beginnings change by the sizes.
    const taken = lists[buffer]
      .filter(({ other }) => starts[other] >= 0)
      .map(({ other, below, above }) => {
        const length = buffers[other].bytes;
        return fromTop
          ? [starts[other] - (above + size - length), starts[other] + below + length - size]
          : [starts[other] - below, starts[other] + above];
      })
      .sort((a, b) => a[0] - b[0]);
    let start = 0;
    for (const [from, to] of taken) if (start > from && start < to) start = to;
    starts[buffer] = start;
    bytes = Math.max(bytes, start + size);
  }
  if (fromTop) buffers.forEach((buffer, i) => (starts[i] = bytes - starts[i] - buffer.bytes));
  return { order, fromTop, starts, bytes };
}

/** Orders tried from one start, each with the buffer first that made the arena large. */
const REPAIRS = 40;
/** Orders with a buffer moved at random, tried after that. */
const MOVES = 400;

/** Plans this near to the bound are not improved. */
const NEAR = 1.01;

/** The best of several orders, from both ends. */
function search(
  orders: readonly (readonly number[])[],
  goal: number,
  tryOrder: (order: readonly number[], fromTop: boolean) => Placed,
  isAtBorder: (buffer: number, placed: Placed) => boolean,
): Placed {
  let best: Placed | undefined;
  const better = (tried: Placed): boolean => best === undefined || tried.bytes < best.bytes;
  for (const fromTop of [false, true])
    for (const start of orders) {
      let order = start;
      for (let repair = 0; repair < REPAIRS && (best === undefined || best.bytes > goal); repair++) {
        const tried = tryOrder(order, fromTop);
        if (better(tried)) best = tried;
        const first = order.findIndex((buffer) => isAtBorder(buffer, tried));
        if (first === 0) break;
        order = [order[first], ...order.slice(0, first), ...order.slice(first + 1)];
      }
    }
  let current = best ?? tryOrder(orders[0], false);
  const random = new Random(0, 'arena');
  for (let move = 0; move < MOVES && current.bytes > goal; move++) {
    const order = [...current.order];
    const [moved] = order.splice(random.int(order.length), 1);
    order.splice(random.int(order.length + 1), 0, moved);
    const tried = tryOrder(order, current.fromTop);
    if (tried.bytes <= current.bytes) current = tried;
  }
  return current;
}

/**
 * Plans the arena of an int8 program: first fit in several orders, from both ends, then again with the buffers first that made
 * the arena large. Shapes decide, not values. Deterministic.
 * @param options.overlap false: no result over an input, for kernels of others
 */
export function planArena(program: EdgeProgram, { overlap = true }: { readonly overlap?: boolean } = {}): ArenaPlan {
  const found = lifetimes(program, overlap);
  const { buffers, bufferOf, scratchOf } = found;
  const { bound, live } = bounds(found);
  const lists = neighbours(found);
  const by = (key: (buffer: Buffer) => number): number[] =>
    buffers.map((_, i) => i).sort((a, b) => key(buffers[b]) - key(buffers[a]) || a - b);
  const orders = [
    by(({ bytes }) => bytes),
    by(({ first }) => -first),
    by(({ last }) => last),
    by(({ bytes, first, last }) => bytes * (last - first + 1)),
  ];
  const best = search(
    orders,
    bound * NEAR,
    (order, fromTop) => place(order, found, lists, fromTop),
    (buffer, { starts, bytes, fromTop }) =>
      fromTop ? starts[buffer] === 0 : starts[buffer] + buffers[buffer].bytes === bytes,
  );
  return {
    offsets: new Map([...bufferOf].map(([id, buffer]) => [id, best.starts[buffer]])),
    scratch: new Map([...scratchOf].map(([operator, buffer]) => [operator, best.starts[buffer]])),
    bytes: best.bytes,
    bound,
    live,
  };
}
