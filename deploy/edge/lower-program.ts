import type {
  Clipping,
  EdgeOperator,
  EdgeProgram,
  EdgeTensor,
  ElementArrays,
  Element,
  OperatorName,
  Operators,
  Quantization,
  TensorId,
} from './program.js';

/** What an operator is, but for its result. */
export type Made = {
  readonly [K in OperatorName]: Operators[K] & {
    readonly op: K;
    readonly label: string;
    readonly inputs: readonly TensorId[];
  };
}[OperatorName];

/** Name, shape and quantization of a result. */
export interface Result {
  readonly name: string;
  readonly shape: readonly number[];
  /** Absent: floats. */
  readonly quantization?: Quantization | undefined;
}

/** One scale for all bytes. The zero counts in signed bytes, -128 to 127. */
export const bytes = (scale: number, zero: number): Quantization => ({ scales: Float32Array.of(scale), zero });

export const sameQuantization = (a: Quantization, b: Quantization): boolean =>
  a.zero === b.zero && a.scales.length === b.scales.length && a.scales.every((scale, i) => scale === b.scales[i]);

/** The program without operators and tensors on which its outputs do not depend; the numbers of the others close up. */
export function withoutUnused({ tensors, operators, input, outputs }: EdgeProgram): EdgeProgram {
  const needed = tensors.map((_, id) => id === input || outputs.includes(id));
  const kept = operators
    .toReversed()
    .filter((operator) => {
      if (!needed[operator.output]) return false;
      for (const id of operator.inputs) needed[id] = true;
      return true;
    })
    .reverse();
  let count = 0;
  const places = needed.map((isNeeded) => (isNeeded ? count++ : -1));
  const placesOf = (operator: EdgeOperator): EdgeOperator => ({
    ...operator,
    inputs: operator.inputs.map((id) => places[id]),
    output: places[operator.output],
  });
  return {
    tensors: tensors.filter((_, id) => needed[id]),
    operators: count === tensors.length ? kept : kept.map(placesOf),
    input: places[input],
    outputs: outputs.map((id) => places[id]),
  };
}

/** A program while it is made. */
export class ProgramBuilder {
  private readonly tensors: EdgeTensor[] = [];
  private readonly made: EdgeOperator[] = [];
  private readonly names = new Map<string, number>();

  tensor(id: TensorId): EdgeTensor {
    return this.tensors[id];
  }

  /** A tensor that the caller or an operator fills. */
  activation({ name, shape, quantization }: Result): TensorId {
    const element: Element = quantization === undefined ? 'float32' : 'int8';
    return this.add({ name: this.unique(name), shape, element, ...(quantization && { quantization }) });
  }

  constant<E extends Element>(
    name: string,
    shape: readonly number[],
    element: E,
    data: ElementArrays[E],
    quantization?: Quantization,
  ): TensorId {
    return this.add({ name: this.unique(name), shape, element, data, ...(quantization && { quantization }) });
  }

  /** Gives a tensor another name. */
  rename(id: TensorId, name: string): void {
    this.tensors[id] = { ...this.tensors[id], name: this.unique(name) };
  }

  /** Appends an operator; returns its result. */
  emit(operator: Made, result: Result): TensorId {
    const output = this.activation(result);
    this.made.push({ ...operator, output });
    return output;
  }

  /** The operator that computes a tensor. */
  producer(id: TensorId): EdgeOperator | undefined {
    return this.made.findLast(({ output }) => output === id);
  }

  /** Clips the results of the operator that computes a tensor; false where the operator does not clip, or does already. */
  clip(id: TensorId, clip: Clipping): boolean {
    const at = this.made.findLastIndex(({ output }) => output === id);
    const operator = this.made.at(at);
    if (at < 0 || operator === undefined || !('clip' in operator) || operator.clip !== 'none') return false;
    this.made[at] = { ...operator, clip };
    return true;
  }

  finish(input: TensorId, outputs: readonly TensorId[]): EdgeProgram {
    return withoutUnused({ tensors: this.tensors, operators: this.made, input, outputs });
  }

  private add(tensor: EdgeTensor): TensorId {
    return this.tensors.push(tensor) - 1;
  }

  private unique(name: string): string {
    const count = this.names.get(name) ?? 0;
    this.names.set(name, count + 1);
    return count === 0 ? name : this.unique(`${name}_${count + 1}`);
  }
}
