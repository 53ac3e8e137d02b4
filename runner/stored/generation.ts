import type { Store } from '../../store/index.js';
import { generationFolder } from './workdir.js';

/** Detail of an event of the kind `inputs-accepted`. */
interface AcceptedDetail {
  /** Number of the generation that began, from 2. */
  readonly generation: number;
  /** What changed in the images and files that the run reads. */
  readonly changes: readonly string[];
}

/** A generation of results that is not the first one. */
export interface Generation extends AcceptedDetail {
  /** Folder of the one before it, relative to the workdir. */
  readonly before: string;
}

/** `generation 2, as the inputs changed (...); earlier results: generations/1`; undefined for the first one. */
export function generationText(store: Store): string | undefined {
  const current = acceptedInputs.of(store);
  if (current === null) return undefined;
  const { generation, changes, before } = current;
  return `generation ${generation}, as the inputs changed (${changes.join('; ')}); earlier results: ${before}`;
}

/** The record that a user accepted changed inputs. */
export const acceptedInputs = {
  add: (store: Store, detail: AcceptedDetail): void => store.events.add({ kind: 'inputs-accepted', detail }),
  /** The generation of a store; null: the first one. */
  of(store: Store): Generation | null {
    const event = store.events.of('inputs-accepted').at(-1);
    if (event === undefined) return null;
    // Written by `add`.
    const detail = event.detail as AcceptedDetail;
    return { ...detail, before: generationFolder(detail.generation - 1) };
  },
};
