import { invalidInput } from '../../base/errors.js';

const list = (names: readonly string[]): string =>
  names.length <= 8 ? names.join(', ') : `${names.slice(0, 8).join(', ')} and ${names.length - 8} more`;

/**
 * For each class of the data, the place of the teacher's output for it; null when the orders are the same. Without
 * names for the teacher's outputs, their number must be right and the data's order is assumed.
 *
 * @throws NasError `invalid-input` when the teacher knows other classes
 */
export function classOrder(
  teacher: string,
  outputs: number,
  names: readonly string[] | undefined,
  data: readonly string[],
): readonly number[] | null {
  if (names !== undefined && names.length !== outputs)
    throw invalidInput(
      `the teacher ${teacher} has ${outputs} outputs but names ${names.length} classes: ${list(names)}`,
    );
  if (outputs !== data.length)
    throw invalidInput(`the teacher ${teacher} has ${outputs} outputs, the data ${data.length} classes: ${list(data)}`);
  if (names === undefined || names.every((name, i) => name === data[i])) return null;
  const order = data.map((name) => names.indexOf(name));
  if (order.includes(-1) || new Set(names).size !== names.length) {
    const missing = data.filter((name) => !names.includes(name));
    const unknown = names.filter((name) => !data.includes(name));
    throw invalidInput(
      `the teacher ${teacher} knows other classes than the data: it lacks ${list(missing) || 'none'}; ` +
        `the data lacks ${list(unknown) || 'none'}`,
      { hint: 'Give teacher.classes: the names, as in the data, of its outputs in their order.' },
    );
  }
  return order;
}

/** Rows of outputs in the data's order of classes. */
export function reorder(rows: Float32Array, order: readonly number[] | null): Float32Array {
  if (order === null) return rows;
  const classes = order.length;
  return rows.map((_, i) => rows[i - (i % classes) + (order[i % classes] ?? 0)] ?? NaN);
}
