import { spawn } from 'node:child_process';
import { on } from 'node:events';
import { statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { invalidInput, messageOf } from '../../../base/errors.js';
import { nasVersion } from '../../../base/modules.js';
import { shellWord } from '../../../base/text.js';
import { isFloat32 } from '../../../compiler/index.js';
import { timedProgram, writeC } from '../../../deploy/index.js';
import {
  DeviceUnavailable,
  modelOf,
  type Device,
  type Measurable,
  type Measurement,
  type MeasureOptions,
  type Protocol,
} from '../../device.js';
import { defaultProtocol } from '../../protocol.js';
import type { SerialConfig } from '../../schema.js';
import { Transcript } from './transcript.js';

/** Between two attempts to open the port, in ms: boards leave the bus for a moment after they were written. */
const pause = 200;

/** The port could not be opened, or failed while it was read. */
class LineLost extends Error {}

/**
 * A microcontroller on a serial line. A network becomes the C of `nas export --to c`, which the user's commands compile and write
 * to the board; there its benchmark prints the time of each run. Lines have checksums and the program's name, so that noise, and
 * a board with another program, give no latency.
 */
export class SerialDevice implements Device {
  readonly name: string;

  constructor(private readonly config: SerialConfig) {
    this.name = `serial/${config.board ?? config.port}`;
  }

  async measureAll(
    subjects: readonly Measurable[],
    protocol: Protocol = defaultProtocol,
    { onProgress, signal }: MeasureOptions = {},
  ): Promise<Measurement[]> {
    const measurements: Measurement[] = [];
    const total = subjects.length * protocol.maxRuns;
    for (const [i, subject] of subjects.entries()) {
      const model = await modelOf(subject);
      const onRun = (runs: number): void => onProgress?.(i * protocol.maxRuns + runs, total);
      measurements.push(await this.measureModel(model, protocol, onRun, signal));
      onRun(protocol.maxRuns);
    }
    return measurements;
  }

  private async measureModel(
    model: Uint8Array,
    protocol: Protocol,
    onRun: (runs: number) => void,
    signal: AbortSignal | undefined,
  ): Promise<Measurement> {
    const { build, flash, board, port } = this.config;
    const directory = await mkdtemp(join(tmpdir(), 'nas-board-'));
    try {
      const program = await timedProgram(model, 'the network');
      const id = writeC(directory, program, { title: 'network' }, { tests: false });
      if (build !== undefined) await this.command('build', build, directory, signal);
      if (flash !== undefined) await this.command('flash', flash, directory, signal);
      const transcript = new Transcript(id, protocol);
      await this.listen(transcript, onRun, signal);
      const { timing, hz, compiler, reasons, notes } = transcript.result();
      const int8 = isFloat32(model) ? ['timed as an int8 program: the C of a float32 network'] : [];
      return {
        ...timing,
        reliable: reasons.length === 0,
        reasons,
        provenance: 'measured',
        environment: {
          device: this.name,
          cpu: board ?? port,
          cores: 1,
          threads: 1,
          provider: 'c',
          batch: 1,
          runtime: `C of nas ${nasVersion()}, ${compiler}, a clock of ${hz} Hz`,
          load: 0,
          governor: null,
          platform: 'microcontroller',
          precision: 'int8',
          notes: [...int8, ...notes],
        },
      };
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** Runs a command of the user's. @throws NasError `invalid-input` when the network cannot be built; DeviceUnavailable. */
  private async command(
    key: 'build' | 'flash',
    written: string,
    directory: string,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const text = written.replaceAll('{model}', shellWord(directory)).replaceAll('{port}', shellWord(this.config.port));
    const child = spawn(text, { shell: true, stdio: ['ignore', 'pipe', 'pipe'], ...(signal && { signal }) });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (chunk: string) => (said = (said + chunk).slice(-2000)));
    // What the command leaves running may keep its streams open.
    const ended = await new Promise<string | null>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, killed) =>
        resolve(code === 0 ? null : `ended with ${killed ?? `exit code ${String(code)}`}`),
      );
    });
    signal?.throwIfAborted();
    if (ended === null) return;
    const message = `latency.device.${key}: ${text} ${ended}${said.trim() === '' ? '' : `: ${said.trim().slice(-600)}`}`;
    if (key === 'build') throw invalidInput(message, { hint: 'The network may be too large for the board.' });
    throw new DeviceUnavailable(message, { hint: 'Is the board connected, and does nothing else use its port?' });
  }

  /** Reads lines until the board has said enough; opens the port again when it is lost. */
  private async listen(
    transcript: Transcript,
    onRun: (runs: number) => void,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { port, silence_s: silence } = this.config;
    let since = performance.now();
    let lost = '';
    while (performance.now() - since < 1000 * silence) {
      try {
        const left = (): number => since + 1000 * silence - performance.now();
        for await (const line of linesOf(this.config, left, signal)) {
          if (!transcript.read(line)) continue;
          since = performance.now();
          onRun(transcript.runs);
          if (transcript.enough()) return;
        }
        lost = '';
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof LineLost)) throw error;
        lost = error.message;
      }
      transcript.interrupted();
      await sleep(pause, undefined, { signal }).catch(() => signal?.throwIfAborted());
    }
    const { what, hint } =
      lost === '' ? transcript.silence(this.config) : { what: lost, hint: 'Is the board connected?' };
    throw new DeviceUnavailable(`${port}: no run of the network for ${silence} s: ${what}`, { hint });
  }
}

/** Longest line that is kept while its end is missing. */
const maxLine = 200;

/** @throws NasError `invalid-input` when serialport is not installed. */
async function serialport(): Promise<typeof import('serialport')> {
  try {
    return await import('serialport');
  } catch (cause) {
    throw invalidInput('the serial device needs the package serialport', { hint: 'npm install serialport', cause });
  }
}

/** What a port is: another board behind the same path is another device. Undefined for ports that are no files. */
function deviceAt(path: string): string | undefined {
  const { ino, rdev } = statSync(path, { throwIfNoEntry: false }) ?? {};
  return ino === undefined ? undefined : `${ino}:${String(rdev)}`;
}

/**
 * Opens the port and reads lines until it is closed from the other side, or until no time is left.
 * @param left ms until the reading ends
 * @throws LineLost, also when the signal is aborted
 */
async function* linesOf(
  { port: path, baud: baudRate }: SerialConfig,
  left: () => number,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  const { SerialPort } = await serialport();
  const port = new SerialPort({ path, baudRate, autoOpen: false });
  await new Promise<void>((resolve, reject) => {
    port.open((error) => (error === null ? resolve() : reject(new LineLost(messageOf(error)))));
  });
  const over = new AbortController();
  const opened = deviceAt(path);
  const watch = setInterval(() => {
    if (left() <= 0 || deviceAt(path) !== opened) over.abort();
  }, pause);
  const ends = AbortSignal.any([over.signal, ...(signal === undefined ? [] : [signal])]);
  try {
    let rest = '';
    for await (const [chunk] of on(port, 'data', { signal: ends, close: ['close'] }) as AsyncIterable<[Buffer]>) {
      const lines = (rest + chunk.toString('latin1')).split('\n');
      rest = (lines.pop() ?? '').slice(-maxLine);
      yield* lines;
    }
  } catch (error) {
    if (!over.signal.aborted) throw new LineLost(messageOf(error));
  } finally {
    clearInterval(watch);
    if (port.isOpen) await new Promise<void>((resolve) => port.close(() => resolve()));
  }
}
