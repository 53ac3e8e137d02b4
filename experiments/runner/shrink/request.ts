import { canonicalJson } from '../../../base/hash.js';
import type { DeviceConfig } from '../../../latency-models/index.js';
import type { ShrunkRecord } from '../../../store/index.js';
import type { ImportanceKind } from '../../../trainers/index.js';

/** What a network is to be cut to. */
export interface ShrinkRequest {
  /** Number of the trial whose trained network is cut. */
  readonly trial: number;
  /** What is to be kept: milliseconds for one batch on the device, or multiply-accumulates for one image. */
  readonly target: { readonly objective: 'latency_ms' | 'macs'; readonly value: number };
  readonly importance: ImportanceKind;
  /** New widths are multiples of this. */
  readonly multiple: number;
  /** Epochs of the fine-tuning; default: half of `train.epochs`, at least 1. */
  readonly epochs?: number | undefined;
  /** What latency is measured on; default: the run's device. */
  readonly device?: DeviceConfig | undefined;
}

/** A request with nothing left open; `device` is null when no latency is measured. */
export interface SettledRequest extends Omit<ShrinkRequest, 'epochs' | 'device'> {
  readonly epochs: number;
  readonly device: DeviceConfig | null;
}

/** Whether a network that was begun is the one that is asked for. */
export function isAskedFor(record: ShrunkRecord, request: SettledRequest): boolean {
  const { parent, target, importance, multiple, epochs, latencies } = record;
  const begun = { trial: parent, target, importance, multiple, epochs, device: latencies?.on ?? null };
  return canonicalJson(begun) === canonicalJson(request);
}
