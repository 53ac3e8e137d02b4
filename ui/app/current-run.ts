import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { RunAnswer } from '../../experiments/page/api.js';
import type { LiveRun } from '../data/live-run.js';

/** The run that the pages beneath are about; its `info` is there before they are. */
export const CurrentRun = createContext<LiveRun | null>(null);

/** The run that a page is about. @throws Error outside a run's pages. */
export function useRun(): { readonly live: LiveRun; readonly info: RunAnswer } {
  const live = useContext(CurrentRun);
  const info = live?.info.value;
  if (live === null || info === null || info === undefined) throw new Error('there is no run around this page');
  return { live, info };
}
