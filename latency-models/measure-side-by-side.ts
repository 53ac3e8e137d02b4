import type { Environment, Measurement, MeasureOptions, Protocol, Reliability } from './device.js';
import { watchLoad, type MachineLoad } from './machine.js';
import { timeInterleaved, type InterleavedTiming, type Subject } from './protocol.js';

/** A model that is open on a device, ready to run. */
export interface OpenSubject extends Subject {
  /** What is known of this model beside the environment that all share. */
  readonly label?: Pick<Environment, 'precision' | 'weights' | 'notes'>;
  close(): Promise<void>;
}

/** Models that are open at once: enough to be compared, few enough to be in memory together. */
export const maxOpen = 20;

export interface SideBySide {
  /** Opens each of the models; called once for each, in order. */
  readonly open: readonly (() => Promise<OpenSubject>)[];
  readonly environment: Environment;
  /** Processor time in ms that the measurement itself has used so far. */
  readonly processorTime: () => number;
  /** The time in ms from any fixed point; `performance.now` by default. */
  readonly clock?: () => number;
}

/**
 * Measures models whose blocks are interleaved; many of them in groups of which only one is open at a time. The first
 * model is in every group: when it has changed from the first group to another, so has the device, and what is measured
 * there is brought to the level of the first group, which its environment then says.
 */
export async function measureSideBySide(
  { open, environment, processorTime, clock = () => performance.now() }: SideBySide,
  protocol: Protocol,
  { signal, onProgress }: MeasureOptions,
): Promise<Measurement[]> {
  if (open.length === 0) return [];
  const measurements: Measurement[] = [];
  const [reference] = open;
  const rest = open.slice(1);
  const sizes = Array.from({ length: Math.max(1, Math.ceil(rest.length / (maxOpen - 1))) }, (_, group) =>
    Math.min(maxOpen - 1, rest.length - group * (maxOpen - 1)),
  );
  const total = sizes.reduce((sum, size) => sum + (1 + size) * (1 + protocol.maxBlocks), 0);
  let before = 0;
  let level: InterleavedTiming | undefined;
  const always = await reference();
  try {
    for (const size of sizes) {
      const opened: OpenSubject[] = [];
      try {
        for (const openNext of rest.splice(0, size)) opened.push(await openNext());
        const load = watchLoad(processorTime);
        const [own, ...others] = await timeInterleaved([always, ...opened], protocol, clock, {
          ...(signal === undefined ? {} : { signal }),
          onProgress: (done) => onProgress?.(before + done, total),
        });
        const busy = load();
        const factor = level === undefined ? 1 : changeOf(level, own);
        const timings = level === undefined ? [own, ...others] : others;
        const timed = level === undefined ? [always, ...opened] : opened;
        for (const [i, { disturbed, ...timing }] of timings.entries())
          measurements.push({
            ...scaled(timing, factor),
            ...reliabilityOf({ ...timing, disturbed }, busy),
            provenance: 'measured',
            environment: describe(environment, timed[i].label, factor),
          });
        level ??= own;
      } finally {
        for (const subject of opened) await subject.close();
      }
      before += (1 + size) * (1 + protocol.maxBlocks);
    }
  } finally {
    await always.close();
  }
  return measurements;
}

/** The circumstances of one measurement. */
function describe(shared: Environment, label: OpenSubject['label'], factor: number): Environment {
  const notes = [...(shared.notes ?? []), ...(label?.notes ?? []), ...(factor === 1 ? [] : [noteOf(factor)])];
  return { ...shared, ...label, ...(notes.length === 0 ? {} : { notes }) };
}

/** How much faster the reference ran in the first group; 1 when its intervals do not tell the groups apart. */
function changeOf(level: InterleavedTiming, now: InterleavedTiming): number {
  const overlaps = level.interval[0] <= now.interval[1] && now.interval[0] <= level.interval[1];
  return overlaps ? 1 : level.ms / now.ms;
}

const scaled = <T extends Pick<Measurement, 'ms' | 'p50' | 'p95' | 'p99' | 'interval' | 'samples'>>(
  timing: T,
  factor: number,
): T => ({
  ...timing,
  ms: factor * timing.ms,
  p50: factor * timing.p50,
  p95: factor * timing.p95,
  p99: factor * timing.p99,
  interval: [factor * timing.interval[0], factor * timing.interval[1]],
  samples: factor === 1 ? timing.samples : timing.samples.map((ms) => factor * ms),
});

const noteOf = (factor: number): string =>
  `times ${factor.toFixed(4)}: the device was ${Math.abs(100 * (1 / factor - 1)).toFixed(1)} % ${factor < 1 ? 'slower' : 'faster'} than for the networks measured before`;

/** An interval whose half-width is above this share of the centre tells too little. */
const widest = 0.03;
/** Other programs may use this share of the machine's processors, and always this much of one. */
const [calmShare, calmProcessors] = [0.05, 0.1];
/** Share of a processor that the host of a virtual machine may take away. */
const maxStolen = 0.03;
/** Share of the blocks that may have been disturbed, since those are left out. */
const maxDisturbed = 0.5;

const percent = (share: number): string => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

/** Whether a timing can be compared with others, from the timing itself and from what else the machine did meanwhile. */
export function reliabilityOf(timing: InterleavedTiming, load: MachineLoad | null): Reliability {
  const { ms, interval, disturbed } = timing;
  const halfWidth = (interval[1] - interval[0]) / 2 / ms;
  const reasons: string[] = [];
  if (halfWidth > widest) reasons.push(`the 95 % interval is still ±${percent(halfWidth)} of the latency`);
  if (disturbed > maxDisturbed) reasons.push(`something else had the processor in ${percent(disturbed)} of the blocks`);
  if (load !== null && load.others > Math.max(calmProcessors, calmShare * load.cores))
    reasons.push(`other programs kept ${load.others.toFixed(1)} of ${load.cores} processors busy`);
  if (load !== null && load.stolen > maxStolen)
    reasons.push(`the host of this virtual machine took ${percent(load.stolen)} of a processor away`);
  return { reliable: reasons.length === 0, reasons };
}
