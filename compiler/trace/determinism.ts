import { invalidInput } from '../../base/errors.js';
import { graphHash, graphLines, isDynamic, standIns } from '../graph/index.js';
import type { InputSpec, TraceOptions, Traced, TracedFunction } from './trace.js';
import { trace } from './trace.js';

/**
 * Traces a function twice and compares. Equal graphs show that nothing in it changes from call to call in JavaScript
 * (random numbers, counters), which the program would freeze. With a dynamic batch, another number
 * stands for it in the second trace, which shows that nothing but sizes depends on it.
 * @throws NasError naming the first operation that differs.
 */
export function traceTwice(
  fn: TracedFunction,
  inputs: Readonly<Record<string, InputSpec>>,
  options: TraceOptions = {},
): Traced {
  const first = trace(fn, inputs, options);
  const second = trace(fn, inputs, options, standIns[1]);
  if (graphHash(first.graph) === graphHash(second.graph)) return first;
  const [a, b] = [first, second].map(({ graph }) => graphLines(graph));
  const i = a.findIndex((line, index) => line !== b[index]);
  const at = i < 0 ? a.length : i;
  const origin = [first, second].map(({ graph }) => graph.nodes[at]?.origin ?? '').find((name) => name !== '') ?? '';
  const dynamic = isDynamic(first.graph);
  throw invalidInput(
    `tracing twice gave different graphs, first at operation ${at}${origin && ` (layer '${origin}')`}: ` +
      `'${a[at] ?? 'nothing'}' and '${b[at] ?? 'nothing'}'`,
    {
      hint: dynamic
        ? 'The function may not use the size of the dynamic batch as a number, nor draw random numbers or read changing state in JavaScript.'
        : 'The function draws random numbers, creates variables or reads changing state in JavaScript; use uniform() or an input.',
    },
  );
}
