import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { invalidInput } from '../../base/errors.js';
import { builtModule } from '../../base/processes.js';
import type { BatchTimes } from './pool.js';
import type { ProbeOrder, ProbeReport } from './probe.js';

interface MeasureOptions extends ProbeOrder {
  /** Longest time to open and measure the model, in ms. */
  readonly loadMs: number;
  /** Ends the process when the model is not needed any more. */
  readonly signal: AbortSignal;
}

/**
 * Opens and measures a model in a process of its own, which can be ended.
 * @throws NasError `invalid-input` that says why the model cannot be used
 */
export async function measureModel({ model, maxBatch, loadMs, signal }: MeasureOptions): Promise<BatchTimes> {
  signal.throwIfAborted();
  const child = fork(fileURLToPath(builtModule('./probe.js', import.meta.url)), {
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const ending = new AbortController();
  const end = AbortSignal.any([signal, AbortSignal.timeout(loadMs), ending.signal]);
  const killed = once(end, 'abort').then(() => ({
    kind: 'refused' as const,
    message: `'${model.name}' was not opened and measured within ${loadMs} ms`,
  }));
  const exited = once(child, 'exit').then(([code, by]: (number | string | null)[]) => ({
    kind: 'refused' as const,
    message: `'${model.name}' ended the process that measured it (${String(by ?? `exit code ${code}`)})`,
  }));
  child.send({ model, maxBatch } satisfies ProbeOrder);
  const answered = once(child, 'message').then(([report]) => report as ProbeReport);
  try {
    const report = await Promise.race([answered, killed, exited]);
    if (report.kind === 'measured') return report.times;
    throw invalidInput(report.message);
  } finally {
    ending.abort();
    child.kill('SIGKILL');
  }
}
