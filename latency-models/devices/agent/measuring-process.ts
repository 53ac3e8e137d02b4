import { fork } from 'node:child_process';
import { z } from 'zod';
import { builtModule } from '../../../base/processes.js';
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

/** What the end of a process says when there is nothing else. */
const failed = (message: string): MeasurementState => ({ state: 'failed', code: 'failure', message });

/**
 * Measures in a process of its own, so that serving requests does not disturb the timing and a model that ends the
 * process does not end the agent.
 * @param silenceMs after so long without any progress the process counts as hung, and is ended.
 * @param onState told of progress.
 * @returns the result, also when the process cannot be started, dies or hangs; it never rejects.
 */
export function measureInProcess(
  task: MeasuringTask,
  signal: AbortSignal,
  silenceMs: number,
  onState: (state: MeasurementState) => void,
): Promise<MeasurementState> {
  const child = fork(builtModule('./measuring-main.js', import.meta.url), {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let result: MeasurementState | undefined;
  let lastWords = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (lastWords = (lastWords + text).slice(-1000)));
  const stop = (): void => void child.kill('SIGKILL');
  const hung = (): void => {
    result = failed(`the measurement made no progress for ${silenceMs / 1000} s and was ended`);
    stop();
  };
  let watch = setTimeout(hung, silenceMs);
  child.on('message', (message) => {
    clearTimeout(watch);
    watch = setTimeout(hung, silenceMs);
    const parsed = stateSchema.safeParse(message);
    if (!parsed.success) result = failed(z.prettifyError(parsed.error));
    else if (parsed.data.state === 'running') onState(parsed.data);
    else result = parsed.data;
  });
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  child.send(task, (error) => {
    if (error !== null) stop();
  });
  return new Promise((resolve) => {
    const end = (state: MeasurementState): void => {
      clearTimeout(watch);
      signal.removeEventListener('abort', stop);
      resolve(result ?? state);
    };
    child.once('error', (error) => end(failed(`the measurement could not be started: ${error.message}`)));
    child.once('exit', (code, ended) => {
      const how = signal.aborted ? 'was cancelled' : `ended with ${ended ?? `exit code ${String(code)}`}`;
      const said = signal.aborted || lastWords.trim() === '' ? '' : `: ${lastWords.trim()}`;
      end(failed(`the measurement ${how}${said}`));
    });
  });
}
