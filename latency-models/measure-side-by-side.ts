import type { Environment, Measurement, MeasureOptions, Protocol, Reliability } from './device.js';
import { watchLoad, type MachineLoad } from './machine.js';
import { timeInterleaved, type InterleavedTiming, type Subject } from './protocol.js';

/** A model that is open on a device. */
export interface OpenSubject extends Subject {
  /** The model's own part of the environment. */
  readonly label?: Pick<Environment, 'precision' | 'weights' | 'notes'>;
  close(): Promise<void>;
}

/** Most models that are open at once, which limits memory. */
export const maxOpen = 20;

export interface SideBySide {
  /** Each opens one model, and is called once, in order. */
  readonly open: readonly (() => Promise<OpenSubject>)[];
  readonly environment: Environment;
  /** Processor time in ms that the measurement itself has used so far. */
  readonly processorTime: () => number;
  /** Default: `performance.now`. */
  readonly clock?: () => number;
}

/**
 * Measures models with interleaved blocks; many of them in groups, one open at a time. The first model is the reference in
 * every group: when its latency differs from the first group, the device has changed, and the group is scaled to the level
 * of the first one, with a note in its environment.
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
            environment: describe(environment, timed[i].label, factor, disturbed),
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

function describe(
  shared: Environment,
  label: OpenSubject['label'],
  factor: number,
  disturbed: InterleavedTiming['disturbed'],
): Environment {
  const notes = [
    ...(shared.notes ?? []),
    ...(label?.notes ?? []),
    ...(factor === 1 ? [] : [noteOf(factor)]),
    ...(disturbed === 0 ? [] : [`p95 and p99 count the ${percent(disturbed)} of blocks that other programs disturbed`]),
  ];
  return { ...shared, ...label, ...(notes.length === 0 ? {} : { notes }) };
}

/** The reference's latency in the first group relative to now; 1 when the intervals overlap. */
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
  p99: timing.p99 === null ? null : factor * timing.p99,
  interval: [factor * timing.interval[0], factor * timing.interval[1]],
  samples: factor === 1 ? timing.samples : timing.samples.map((ms) => factor * ms),
});

const noteOf = (factor: number): string =>
  `times ${factor.toFixed(4)}: the device was ${Math.abs(100 * (1 / factor - 1)).toFixed(1)} % ${factor < 1 ? 'slower' : 'faster'} than for the networks measured before`;

/** Largest half-width of a reliable interval, as a share of the centre. */
const maxHalfWidth = 0.03;
/** Other programs may use this share of the machine's processors, or this much of one if that is more. */
const [calmShare, calmProcessors] = [0.05, 0.1];
/** Share of a processor that the host of a virtual machine may take away. */
const maxStolen = 0.03;
/** Share of blocks that may be disturbed, as they are left out. */
const maxDisturbed = 0.5;

const percent = (share: number): string => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

/** The reliability of a timing, from its interval, its disturbed blocks and the machine's load. */
export function reliabilityOf(timing: InterleavedTiming, load: MachineLoad | null): Reliability {
  const { ms, interval, disturbed } = timing;
  const halfWidth = (interval[1] - interval[0]) / 2 / ms;
  const reasons: string[] = [];
  if (halfWidth > maxHalfWidth) reasons.push(`the 95 % interval is still ±${percent(halfWidth)} of the latency`);
  if (disturbed > maxDisturbed) reasons.push(`something else had the processor in ${percent(disturbed)} of the blocks`);
  if (load !== null && load.others > Math.max(calmProcessors, calmShare * load.cores))
    reasons.push(`other programs kept ${load.others.toFixed(1)} of ${load.cores} processors busy`);
  if (load !== null && load.stolen > maxStolen)
    reasons.push(`the host of this virtual machine took ${percent(load.stolen)} of a processor away`);
  return { reliable: reasons.length === 0, reasons };
}
