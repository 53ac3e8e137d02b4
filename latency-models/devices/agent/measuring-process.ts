import { fork } from 'node:child_process';
import { z } from 'zod';
import { builtModule } from '../../../base/built-module.js';
import type { Protocol } from '../../device.js';
import type { DeviceConfig } from '../../schema.js';
import { stateSchema, type MeasurementState } from './wire.js';

/** What the measuring process gets. */
export interface MeasuringTask {
  readonly device: DeviceConfig;
  /** Files of the models. */
  readonly models: readonly string[];
  readonly protocol: Protocol;
}

/**
 * Measures in a process of its own, so that serving requests does not disturb the timing and a model that ends the
 * process does not end the agent.
 * @param onState told of every state; the last one is the result, also when the process dies.
 */
export function measureInProcess(
  task: MeasuringTask,
  signal: AbortSignal,
  onState: (state: MeasurementState) => void,
): Promise<MeasurementState> {
  const child = fork(builtModule('./measuring-main.js', import.meta.url), {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let result: MeasurementState | undefined;
  let lastWords = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (lastWords = (lastWords + text).slice(-1000)));
  child.on('message', (message) => {
    const parsed = stateSchema.safeParse(message);
    if (!parsed.success) result = { state: 'failed', code: 'failure', message: z.prettifyError(parsed.error) };
    else if (parsed.data.state === 'running') onState(parsed.data);
    else result = parsed.data;
  });
  const stop = (): void => void child.kill('SIGKILL');
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  child.send(task);
  return new Promise((resolve) => {
    child.once('exit', (code, ended) => {
      signal.removeEventListener('abort', stop);
      const how = signal.aborted ? 'was cancelled' : `ended with ${ended ?? `exit code ${String(code)}`}`;
      const said = signal.aborted || lastWords.trim() === '' ? '' : `: ${lastWords.trim()}`;
      resolve(result ?? { state: 'failed', code: 'failure', message: `the measurement ${how}${said}` });
    });
  });
}
