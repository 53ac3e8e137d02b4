import { range } from '../../graph/index.js';
import { flagOf, intOf } from './attributes.js';
import type { Rewrite } from './writer.js';

/** The first position of the extremum along an axis: the least of all positions whose element is the extremum. */
export const firstIndex =
  (extremum: 'ReduceMax' | 'ReduceMin'): Rewrite =>
  (w) => {
    const [x] = w.node.inputs;
    const shape = w.shapeOf(x);
    const axis = intOf(w.node, 'axis', 0);
    const size = shape[axis];
    const along = shape.map((_, i) => (i === axis ? size : 1));
    const positions = w.constant(range(size), along);
    const isExtreme = w.emit('Equal', [x, w.reduce(extremum, x, [axis], true)]);
    // Nothing equals the extremum where it is NaN: the last position is as good as any.
    const found = w.emit('Where', [isExtreme, positions, w.number(size - 1)]);
    const first = w.reduce('ReduceMin', found, [axis], flagOf(w.node, 'keepdims', true));
    return [w.cast(w.cast(first, 'int32'), 'int64')];
  };
