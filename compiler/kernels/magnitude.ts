import { int, sizeOf } from '../graph/index.js';
import { Val } from '../values/value.js';
import type { Rule } from './call.js';
import { withAttrs } from './call.js';
import { elementwise, castTo, numberLike } from './elementwise/elementwise.js';
import { reduce } from './reduction.js';

/** All values one after the other, each in the order in which it is stored. */
function inOneVector(values: readonly Val[]): Val {
  const [{ builder }] = values;
  const flat = values.map((value) => builder.reshape(value.fullForm(value.perm ?? undefined), [sizeOf(value.shape)]));
  const size = values.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return Val.of(builder, builder.emit('Concat', flat, { axis: int(0) }), [size], 'float32');
}

/** Kernel behind trace/magnitude.ts. */
export const magnitudeRules = {
  NasAllBelow: withAttrs<{ readonly bound: number }>((call, { bound }) => {
    const all = inOneVector(call.values());
    const below = elementwise('Less', [elementwise('Abs', [all]), numberLike(all, bound)]);
    // The least of 0 and 1: no number of what is compared is compared twice, so that NaN stays wrong.
    const least = reduce('ReduceMin', castTo(below, 'float32'), [0], false);
    return elementwise('Greater', [least, numberLike(least, 0)]);
  }),
} satisfies Record<string, Rule>;
