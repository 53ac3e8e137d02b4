/** Notes and tags of users on a run and its trials: a file of lines beside the store, which stays as the run wrote it. */
import { appendFileSync, closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { invalidInput, messageOf } from '../../base/errors.js';
import { readBeginning } from '../../base/files.js';
import { Store } from '../../store/index.js';
import { databasePath, hasRun, workdirFiles } from './workdir.js';

const mostCharacters = 4000;
/** Of one change, and of a trial or a run. */
const [mostTags, mostTagsInAll] = [20, 200];
/** Of the file: a server reads it while other requests wait. */
const mostBytes = 4 * 2 ** 20;

export const noteText = z.string().trim().max(mostCharacters);
/** Without spaces and quotes, so that a filter names it as a word. */
export const tagText = z
  .string()
  .max(40)
  .regex(/^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u, 'a tag has letters, digits, dots, hyphens and underscores');

/** A change of the note or the tags of a trial; of the run, with `trial: null`. */
export const noteChange = z.strictObject({
  trial: z.int().min(0).nullable(),
  /** Replaces the text; empty: removes it. */
  text: noteText.optional(),
  add: z.array(tagText).max(mostTags).optional(),
  remove: z.array(tagText).max(mostTags).optional(),
});
export type NoteChange = z.infer<typeof noteChange>;

const storedChange = noteChange.extend({ at: z.number() });

/** The note and the tags of a trial, or of the run. */
export interface Note {
  /** Null: the run. */
  readonly trial: number | null;
  /** Empty where it has tags only. */
  readonly text: string;
  readonly tags: readonly string[];
  /** The last change, ms since 1970. */
  readonly at: number;
}

export interface Notes {
  /** Those with a text or tags, the run's first, then by trial. */
  readonly notes: readonly Note[];
  /** Lines that cannot be read, and are left out. */
  readonly damaged: number;
  /** Bytes of the file, which grows with every change; 0 without a file. */
  readonly size: number;
}

const pathOf = (workdir: string): string => join(workdir, workdirFiles.notes);

export const notesSize = (workdir: string): number => statSync(pathOf(workdir), { throwIfNoEntry: false })?.size ?? 0;

function parsed(line: string): z.infer<typeof storedChange> | null {
  try {
    return storedChange.parse(JSON.parse(line));
  } catch {
    return null;
  }
}

/**
 * The notes of a run. Later lines change what earlier ones said; texts by whole, tags one by one. A file that cannot be
 * read counts as one damaged line: notes never hide a run.
 */
export function readNotes(workdir: string): Notes {
  const size = notesSize(workdir);
  const text = readBeginning(pathOf(workdir), mostBytes)?.toString();
  if (text === undefined) return { notes: [], damaged: size > 0 ? 1 : 0, size };
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const byTrial = new Map<number | null, { text: string; tags: Set<string>; at: number }>();
  let damaged = 0;
  for (const line of lines) {
    const change = parsed(line);
    if (change === null) {
      damaged++;
      continue;
    }
    const { trial, at, add = [], remove = [] } = change;
    const { text: before = '', tags = new Set<string>() } = byTrial.get(trial) ?? {};
    for (const tag of remove) tags.delete(tag);
    for (const tag of add) if (tags.size < mostTagsInAll && !remove.includes(tag)) tags.add(tag);
    byTrial.set(trial, { at, text: change.text ?? before, tags });
  }
  const notes = [...byTrial]
    .map(([trial, { tags, ...note }]): Note => ({ trial, ...note, tags: [...tags] }))
    .filter(({ text: own, tags }) => own !== '' || tags.length > 0)
    .sort((a, b) => (a.trial ?? -1) - (b.trial ?? -1));
  return { notes, damaged: damaged + (size > mostBytes ? 1 : 0), size };
}

/**
 * Appends a change to the notes of a run, as one write of a whole line: several processes may write at the same time.
 * @throws NasError `invalid-input` when the file cannot be written, or there are too many notes or tags
 */
export function addNote(workdir: string, change: NoteChange, clock: () => number = Date.now): void {
  const line = `${JSON.stringify({ at: clock(), ...noteChange.parse(change) })}\n`;
  const { notes, size } = readNotes(workdir);
  if (size + line.length > mostBytes)
    throw invalidInput(`${pathOf(workdir)} has ${size} bytes; at most ${mostBytes} can be read`, {
      hint: 'Each change of a note adds a line: remove lines that later ones replace.',
    });
  const { add = [], remove = [] } = change;
  const { tags = [] } = notes.find(({ trial }) => trial === change.trial) ?? {};
  const count = new Set([...tags, ...add].filter((tag) => !remove.includes(tag))).size;
  if (count > mostTagsInAll)
    throw invalidInput(`${workdir}: ${count} tags on one note; at most ${mostTagsInAll} are possible`);
  try {
    appendFileSync(pathOf(workdir), endsInLine(pathOf(workdir)) ? line : `\n${line}`);
  } catch (cause) {
    throw invalidInput(`${pathOf(workdir)}: the note cannot be written: ${messageOf(cause)}`, { cause });
  }
}

/**
 * As `addNote`, for a run that is there.
 * @param options how long a locked database is waited for
 * @throws NasError `invalid-input` also when there is no such run or trial
 */
export function noteIn(workdir: string, change: NoteChange, options: { readonly patience?: number } = {}): void {
  if (!hasRun(workdir)) throw invalidInput(`${workdir}: there is no run here`, { hint: 'nas run <yaml> starts one.' });
  using store = Store.open(databasePath(workdir), { readonly: true, ...options });
  const { trial } = change;
  if (trial !== null && store.trials.get(trial) === undefined)
    throw invalidInput(`${workdir} has no trial ${trial}`, { hint: `nas trials ${workdir} lists them.` });
  addNote(workdir, change);
}

/** Whether the run has a report, which keeps the notes of when it was written. */
export const hasReport = (workdir: string): boolean => existsSync(join(workdir, workdirFiles.report));

/** Whether a file is empty, missing, or ends in a whole line; the last one is cut where a disk was full. */
function endsInLine(path: string): boolean {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return true;
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const last = Buffer.alloc(1);
    return size === 0 || (readSync(file, last, 0, 1, size - 1) === 1 && last.toString() === '\n');
  } finally {
    closeSync(file);
  }
}
