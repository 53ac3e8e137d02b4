import { inspect } from 'node:util';
import { messageOf } from '../../../base/errors.js';
import { importFunction } from '../../../base/user-module.js';
import type { EvaluatorModule } from '../../schema/search-settings.js';
import type { EvaluateResult, JobContext, JobOf } from './jobs.js';

/** Asks a function of the user's for the values of one candidate. */
export async function evaluateJob(
  { path, names, subject }: JobOf<'evaluate'>,
  { signal, pause }: JobContext,
): Promise<EvaluateResult> {
  const signature = '({choices, network, seed, ...}, {signal, pause}) => values';
  const evaluate = await importFunction<EvaluatorModule>(path, 'evaluate.path', signature);
  await pause();
  try {
    // What it gives is looked at below, whatever its type says.
    const given: unknown = await evaluate(subject, { signal, pause });
    const values = typeof given === 'object' && given !== null ? (given as Readonly<Record<string, unknown>>) : {};
    return { values: Object.fromEntries(names.map((name) => [name, numberOf(values[name], name)])) };
  } catch (error) {
    return signal.aborted ? { interrupted: true } : { failed: messageOf(error) };
  }
}

function numberOf(value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new Error(`the module gave ${name}: ${inspect(value)}; expected a finite number`);
}
