import type { Network } from '../../spaces/index.js';
import type { ShrunkRecord, Store } from '../../store/index.js';
import { accuracyOf, isAccuracy } from '../../experiments/schema/measures.js';
import { trialsByAccuracy } from '../../runner/stored/candidates.js';
import { experimentOf, taskOfRun } from '../../runner/stored/experiment.js';
import type { ReportShrunk, ShrunkStage } from './data.js';
import { targetText, trialTitle, withinText } from './text.js';

/** Shrunk networks of a run, each with the best trial of the same cost. */
export async function collectShrunk(store: Store): Promise<ReportShrunk[]> {
  const records = store.shrunk.all();
  if (records.length === 0) return [];
  const task = taskOfRun(experimentOf(store));
  const trained = accuracyOf('train', task);
  // Imported on demand: lists of trials do not need the spaces.
  const { costs } = await import('../../spaces/index.js');
  const members = trialsByAccuracy(store).map(({ genotypeId, ...member }) => {
    const { macs, params } = costs(store.networks.get(genotypeId) as Network);
    return { ...member, macs, params };
  });

  /** The most accurate other trial within the shrunk network's target. */
  const alternative = ({ target, parent, macs, latencies }: ShrunkRecord): ReportShrunk['alternative'] => {
    const latencyOf = (trial: number): number | null => latencies?.trials[trial] ?? null;
    const found = members.find((member) => {
      if (member.trial === parent) return false;
      if (target.objective === 'macs') return member.macs <= macs;
      const ms = latencyOf(member.trial);
      return ms !== null && latencies !== null && ms <= latencies.own;
    });
    if (found === undefined) return null;
    const title = trialTitle(found.trial, found.measure, `, ${withinText[target.objective]}`);
    return { title, ...found, latency: latencyOf(found.trial) };
  };

  return records.map((record) => {
    const { number, parent, state, message, target, importance, multiple, epochs, widths, latencies } = record;
    const network = record.network as Network;
    const own = { macs: record.macs, params: record.params, latency: latencies?.own ?? null };
    const isTrained = store.finals.all().some((final) => final.trial === parent && final.accuracy !== null);
    const searched = Object.keys(store.trials.get(parent)?.values ?? {}).find(isAccuracy);
    const from = costs(store.networks.get(store.trials.get(parent)?.genotypeId ?? '') as Network);
    const fromMeasure = isTrained ? trained : (searched ?? trained);
    const stages: Record<'from' | 'cut' | 'tuned', ShrunkStage> = {
      from: {
        title: trialTitle(parent, fromMeasure),
        macs: from.macs,
        params: from.params,
        latency: latencies?.parent ?? null,
        accuracy: record.parentAccuracy,
        testAccuracy: record.parentTestAccuracy,
      },
      cut: {
        title: `shrunk ${number}, cut to ${targetText(target)}`,
        ...own,
        accuracy: record.accuracyBefore,
        testAccuracy: record.testAccuracyBefore,
      },
      tuned: {
        title: `shrunk ${number}, fine-tuned`,
        ...own,
        accuracy: record.accuracy,
        testAccuracy: record.testAccuracy,
      },
    };
    return {
      number,
      parent,
      state,
      message,
      target,
      importance,
      multiple,
      epochs,
      widths,
      task,
      device: latencies?.device ?? null,
      network,
      fromMeasure,
      ...stages,
      alternative: alternative(record),
      files: store.artifacts
        .all()
        .filter((file) => file.shrunk === number)
        .map(({ kind, path, bytes, sha256 }) => ({ kind, path, bytes, sha256 })),
    };
  });
}
