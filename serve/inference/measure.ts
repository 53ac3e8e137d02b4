import { fork } from 'node:child_process';
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
  const child = fork(fileURLToPath(builtModule('serve/inference/probe.js')), {
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const name = `'${model.name}'`;
  let timer: NodeJS.Timeout | undefined;
  // Plain listeners: Node.js may collect a signal that combines others, and would then never abort.
  const reported = new Promise<ProbeReport>((resolve) => {
    const refuse = (message: string): void => resolve({ kind: 'refused', message });
    timer = setTimeout(() => refuse(`${name} was not opened and measured within ${loadMs} ms`), loadMs);
    signal.addEventListener('abort', () => refuse(`${name} is not needed any more`));
    child.once('message', (report) => resolve(report as ProbeReport));
    child.once('error', (error) => refuse(`${name} cannot be measured: ${error.message}`));
    child.once('exit', (code, by) =>
      refuse(`${name} ended the process that measured it (${by ?? `exit code ${code}`})`),
    );
  });
  try {
    child.send({ model, maxBatch } satisfies ProbeOrder);
    const report = await reported;
    if (report.kind === 'measured') return report.times;
    throw invalidInput(report.message);
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
  }
}
