import { invalidInput } from '../../../base/errors.js';
import { counted } from '../../../base/text.js';
import { parseBenchLine, type BenchLine } from '../../../deploy/index.js';
import { DeviceUnavailable, type Protocol, type Timing } from '../../device.js';
import { reliabilityOf } from '../../measure-side-by-side.js';
import { summarise } from '../../protocol.js';
import type { SerialConfig } from '../../schema.js';

/** A board that starts again more often than this within one measurement is not to be trusted. */
const maxResets = 3;
/** A latency of fewer ticks is not reliable: a tick is this share of it. */
const maxTick = 0.03;
/** The board's clock may run this much faster than the one of this machine, or this many ms ahead. */
const [clockShare, clockMs] = [1.2, 1000];

/** Runs of one network, as a board prints them. */
export class Transcript {
  private readonly samples: number[] = [];
  private last: BenchLine | undefined;
  /** The first line since the port was opened or the board started, and when it came. */
  private base: { readonly run: number; readonly at: number } | undefined;
  private resets = 0;
  private interruptions = 0;
  private damaged = 0;
  private readonly others = new Set<string>();

  constructor(
    private readonly id: string,
    private readonly protocol: Protocol,
  ) {}

  get runs(): number {
    return this.samples.length;
  }

  /**
   * Takes a line in; returns whether it is a run of the network. The first run after a start is not timed: it finds cold caches.
   * @throws NasError when the board computes wrongly, starts again and again, or has a clock that cannot be right
   */
  read(text: string): boolean {
    const line = parseBenchLine(text);
    if (line === undefined) {
      if (text.trim() !== '') this.damaged++;
      return false;
    }
    const { id, run, ticks, hz, wrong } = line;
    if (id !== this.id) {
      this.others.add(id);
      return false;
    }
    if (wrong > 0)
      throw invalidInput(`the board computes ${counted(wrong, 'output')} of the network wrongly`, {
        hint: 'Its latency means nothing then. Check the options of the compiler; nas_self_test() of model_test.h checks single images.',
      });
    if (hz === 0 || ticks === 0)
      throw invalidInput(`the board says that the network takes ${ticks} ticks of a clock of ${hz} Hz`, {
        hint: 'Give nas_bench() a faster clock.',
      });
    const { last } = this;
    if (last !== undefined && last.hz !== hz)
      throw new DeviceUnavailable(`the board's clock had ${last.hz} Hz and now says ${hz} Hz`);
    if (last !== undefined && run <= last.run) {
      this.base = undefined;
      if (++this.resets > maxResets)
        throw new DeviceUnavailable(`the board was reset ${this.resets} times while it was measured`, {
          hint: 'A watchdog may need to be fed between two calls of nas_bench(), or the supply is too weak.',
        });
    }
    this.last = line;
    this.base ??= { run, at: performance.now() };
    if (run > 0) this.samples.push((1000 * ticks) / hz);
    this.checkClock(line, this.base);
    return true;
  }

  /** Runs cannot take longer than the time between their lines. */
  private checkClock({ run, hz }: BenchLine, base: { readonly run: number; readonly at: number }): void {
    const took = performance.now() - base.at;
    const said = (run - base.run) * Math.min(...this.samples);
    if (run > base.run && said > clockShare * took + clockMs)
      throw invalidInput(
        `the board says that ${run - base.run} runs took ${said.toFixed(0)} ms, but they took at most ${took.toFixed(0)} ms`,
        { hint: `Its clock does not count ${hz} times a second: correct the second argument of nas_bench().` },
      );
  }

  interrupted(): void {
    if (this.base !== undefined) this.interruptions++;
    this.base = undefined;
  }

  enough(): boolean {
    const { minRuns, maxRuns } = this.protocol;
    return this.runs >= maxRuns || (this.runs >= minRuns && this.timing().converged);
  }

  private timing(): Timing {
    const blocks = this.samples.map((ms) => [ms]);
    return summarise(blocks, this.protocol.tolerance);
  }

  result() {
    const timing = this.timing();
    const { hz, compiler } = this.last ?? { hz: 0, compiler: 'unknown compiler' };
    const tick = 1000 / hz / timing.ms;
    const { reasons } = reliabilityOf({ ...timing, disturbed: 0 }, null);
    const coarse = `a tick of the board's clock is ${(100 * tick).toFixed(0)} % of the latency`;
    const notes = [
      ...(this.resets > 0 ? [`the board was reset ${counted(this.resets, 'time')} meanwhile`] : []),
      ...(this.interruptions > 0 ? [`the serial line was lost ${counted(this.interruptions, 'time')} meanwhile`] : []),
      ...(this.damaged > 0 ? [`${counted(this.damaged, 'line')} without a valid checksum`] : []),
    ];
    return { timing, hz, compiler, reasons: [...reasons, ...(tick > maxTick ? [coarse] : [])], notes };
  }

  /** What came instead of runs, and what to do. */
  silence({ baud, flash }: SerialConfig): { readonly what: string; readonly hint: string } {
    if (this.last !== undefined)
      return { what: 'the board has stopped', hint: 'latency.device.silence_s waits longer for slow networks.' };
    if (this.others.size > 0) {
      const hint =
        flash === undefined
          ? 'Write model_bench.h of this network to it, or give the commands latency.device.build and flash.'
          : 'latency.device.flash ended without an error, but did not write the new program: does it take the files of {model}?';
      return { what: `the board runs the benchmark of another network (${[...this.others].join(', ')})`, hint };
    }
    if (this.damaged > 0)
      return {
        what: `${counted(this.damaged, 'line')} came, none of them of nas_bench()`,
        hint: `Is ${baud} the rate of the board's port, and does its program call nas_bench()?`,
      };
    return { what: 'nothing came', hint: 'Does the program call nas_bench() without end, and print to this port?' };
  }
}
