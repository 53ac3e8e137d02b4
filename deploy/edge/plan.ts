import { Random } from '../../base/random.js';
import { overlapDistance, scratchBytes } from './overlap.js';
import { numbersIn, type EdgeOperator, type EdgeProgram, type TensorId } from './program.js';

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
const ARENA_ALIGNMENT = 4;

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

/** The int8 input and outputs of a program. */
export function innerEnds({ operators, input, outputs }: EdgeProgram): Pick<EdgeProgram, 'input' | 'outputs'> {
  const first = operators.find((operator) => operator.op === 'quantize' && operator.inputs[0] === input);
  const last = (output: TensorId): EdgeOperator | undefined =>
    operators.find((operator) => operator.op === 'dequantize' && operator.output === output);
  return { input: first?.output ?? input, outputs: outputs.map((output) => last(output)?.inputs[0] ?? output) };
}

function lifetimes(program: EdgeProgram): Lifetimes {
  const { tensors } = program;
  const { input, outputs } = innerEnds(program);
  const operators = innerOperators(program);
  const buffers: Buffer[] = [];
  const bufferOf = new Map<TensorId, number>();
  const scratchOf = new Map<EdgeOperator, number>();
  const bytesOf = (id: TensorId): number => numbersIn(tensors[id]);
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
  for (const output of outputs) {
    const end = bufferOf.get(output);
    if (end !== undefined) buffers[end].last = operators.length;
  }
  const overlaps: Overlap[] = [];
  operators.forEach((operator, at) => {
    const below = bufferOf.get(operator.output);
    operator.inputs.forEach((id, position) => {
      const above = bufferOf.get(id);
      if (above === undefined || below === undefined || above === below || buffers[above].last !== at) return;
      const isTwice = operator.inputs.indexOf(id) !== position;
      const distance = isTwice ? undefined : overlapDistance(program, operator, position);
      if (distance !== undefined) overlaps.push({ below, above, distance: aligned(Math.max(distance, 0)) });
    });
  });
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

/** The bounds of a plan, and the tensors that it would place. */
export function arenaBounds(program: EdgeProgram) {
  const found = lifetimes(program);
  return { ...bounds(found), placed: found.bufferOf };
}

/** Buffers that exist beside each buffer, one list after the other, and the bytes that have to lie between their beginnings. */
interface Neighbours {
  /** Where the list of each buffer begins, and where the last one ends. */
  readonly from: Int32Array;
  readonly others: Int32Array;
  /** With this buffer below the other one. */
  readonly below: Float64Array;
  readonly above: Float64Array;
}

function neighbours({ buffers, overlaps }: Lifetimes): Neighbours {
  const [starts, lists, below, above]: [number[], number[], number[], number[]] = [[], [], [], []];
  for (const own of buffers) {
    starts.push(lists.length);
    // Buffers are in the order of their beginnings.
    for (let i = 0; i < buffers.length && buffers[i].first <= own.last; i++) {
      const other = buffers[i];
      if (own === other || own.first > other.last) continue;
      lists.push(i);
      below.push(own.bytes);
      above.push(other.bytes);
    }
  }
  starts.push(lists.length);
  const [from, others] = [Int32Array.from(starts), Int32Array.from(lists)];
  // Distances larger than the buffer leave a gap that needs no room.
  for (const overlap of overlaps) {
    const distance = Math.min(overlap.distance, buffers[overlap.below].bytes);
    below[others.indexOf(overlap.above, from[overlap.below])] = distance;
    above[others.indexOf(overlap.below, from[overlap.above])] = distance;
  }
  return { from, others, below: Float64Array.from(below), above: Float64Array.from(above) };
}

/** The neighbours with the arena upside down: a buffer begins where it ends otherwise. */
function upsideDown({ from, others, below, above }: Neighbours, sizes: Float64Array): Neighbours {
  const longer = new Float64Array(others.length);
  for (let own = 0; own < sizes.length; own++)
    for (let at = from[own]; at < from[own + 1]; at++) longer[at] = sizes[own] - sizes[others[at]];
  return { from, others, below: above.map((d, at) => d + longer[at]), above: below.map((d, at) => d - longer[at]) };
}

interface Placed {
  readonly starts: Float64Array;
  readonly bytes: number;
}

/** First fit: each buffer in turn at the lowest place that is free. Ends early, with the bytes so far, beyond `most` bytes. */
function place(order: Int32Array, sizes: Float64Array, lists: Neighbours, most = Infinity): Placed {
  const { from, others, below, above } = lists;
  // Comparisons with buffers that have no place yet are false.
  const starts = new Float64Array(sizes.length).fill(NaN);
  let bytes = 0;
  for (const buffer of order) {
    let start = 0;
    const end = from[buffer + 1];
    for (let at = from[buffer]; at < end; at++) {
      const there = starts[others[at]];
      if (!(start > there - below[at] && start < there + above[at])) continue;
      start = there + above[at];
      at = from[buffer] - 1;
    }
    starts[buffer] = start;
    bytes = Math.max(bytes, start + sizes[buffer]);
    if (bytes > most) break;
  }
  return { starts, bytes };
}

/** The order with the buffer at one position moved to another. */
function moved(order: Int32Array, from: number, to: number): Int32Array {
  const result = order.slice();
  if (from < to) result.copyWithin(from, from + 1, to + 1);
  else result.copyWithin(to + 1, to, from);
  result[to] = order[from];
  return result;
}

/** Orders tried from one start, each with the buffer first that made the arena large. */
const REPAIRS = 40;
/** Orders with a buffer moved at random, tried after that. */
const MOVES = 400;

/** Plans this near to the bound are not improved. */
const NEAR = 1.01;

/** What the orders that are tried first sort by, the largest first. */
const sortings: readonly ((buffer: Buffer) => number)[] = [
  ({ bytes }) => bytes,
  ({ first }) => -first,
  ({ last }) => last,
  ({ bytes, first, last }) => bytes * (last - first + 1),
];

/** Where buffers begin, from the best of several orders, from both ends. */
function search(found: Lifetimes, goal: number): Placed {
  const { buffers } = found;
  const sizes = Float64Array.from(buffers, ({ bytes }) => bytes);
  const upwards = neighbours(found);
  let best: (Placed & { readonly order: Int32Array; readonly lists: Neighbours }) | undefined;
  for (const isUp of [true, false]) {
    if (best !== undefined && best.bytes <= goal) break;
    const lists = isUp ? upwards : upsideDown(upwards, sizes);
    for (const key of sortings) {
      const keys = buffers.map(key);
      let order: Int32Array = Int32Array.from(keys.keys()).sort((a, b) => keys[b] - keys[a] || a - b);
      const tries = new Set<string>();
      for (let repair = 0; repair < REPAIRS && (best === undefined || best.bytes > goal); repair++) {
        const placed = place(order, sizes, lists);
        if (best === undefined || placed.bytes < best.bytes) best = { ...placed, order, lists };
        const worst = order.findIndex((buffer) => placed.starts[buffer] + sizes[buffer] === placed.bytes);
        order = moved(order, worst, 0);
        // An order that comes again brings those after it again.
        const text = order.join();
        if (worst === 0 || tries.has(text)) break;
        tries.add(text);
      }
    }
  }
  if (best === undefined) return place(new Int32Array(), sizes, upwards);
  const random = new Random(0, 'arena');
  for (let move = 0; move < MOVES && best.bytes > goal; move++) {
    const [from, to] = [random.int(buffers.length), random.int(buffers.length)];
    const order = moved(best.order, from, to);
    const placed = place(order, sizes, best.lists, best.bytes);
    if (placed.bytes <= best.bytes) best = { ...placed, order, lists: best.lists };
  }
  const { starts, bytes, lists } = best;
  return { bytes, starts: lists === upwards ? starts : starts.map((start, i) => bytes - start - sizes[i]) };
}

/**
 * Plans the arena of an int8 program: first fit in several orders, from both ends, then again with the buffers first that made
 * the arena large. Shapes decide, not values. Deterministic.
 */
export function planArena(program: EdgeProgram): ArenaPlan {
  const found = lifetimes(program);
  const { bufferOf, scratchOf } = found;
  const { bound, live } = bounds(found);
  const { starts, bytes } = search(found, bound * NEAR);
  return {
    offsets: new Map([...bufferOf].map(([id, buffer]) => [id, starts[buffer]])),
    scratch: new Map([...scratchOf].map(([operator, buffer]) => [operator, starts[buffer]])),
    bytes,
    bound,
    live,
  };
}
