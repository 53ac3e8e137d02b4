import { useEffect, useState } from 'preact/hooks';
import type { Note } from '../../reports/page/api.js';
import { useRun } from '../data/hooks.js';
import { post } from '../data/connection.js';
import { useMayChange, useSending } from './actions.js';
import { NoteText } from './notes.js';

const wordsOf = (text: string): readonly string[] => [...new Set(text.split(/[\s,]+/).filter((word) => word !== ''))];

interface Draft {
  readonly text: string;
  readonly tags: string;
}

const draftOf = (note: Note | undefined): Draft => ({ text: note?.text ?? '', tags: note?.tags.join(' ') ?? '' });

/** What somebody else saves meanwhile comes into the form as long as nothing is changed in it. */
function NoteForm({ trial, note }: { readonly trial: number | null; readonly note: Note | undefined }) {
  const { live } = useRun();
  const [base, setBase] = useState(draftOf(note));
  const [draft, setDraft] = useState(base);
  const { text, tags } = draft;
  useEffect(() => {
    if (text !== base.text || tags !== base.tags) return;
    setBase(draftOf(note));
    setDraft(draftOf(note));
  }, [note?.at]);
  const { result, isPending, send } = useSending();
  const save = (): void =>
    send(async () => {
      const wanted = wordsOf(tags);
      const before = wordsOf(base.tags);
      await post(
        '/api/runs/:run/note',
        { run: live.id },
        {
          trial,
          // Only what changed here, so that what others changed stays.
          ...(text !== base.text && { text }),
          add: wanted.filter((tag) => !before.includes(tag)),
          remove: before.filter((tag) => !wanted.includes(tag)),
        },
      );
      setBase(draft);
      await live.refresh();
      return 'Saved; the report has it when nas note or nas resume writes it';
    });
  return (
    <form
      class="note-form"
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <label>
        note
        <textarea
          rows={3}
          maxLength={4000}
          value={text}
          onInput={({ currentTarget }) => setDraft({ ...draft, text: currentTarget.value })}
        />
      </label>
      <label>
        tags, with spaces between
        <input value={tags} onInput={({ currentTarget }) => setDraft({ ...draft, tags: currentTarget.value })} />
      </label>
      <p class="toolbar">
        <button type="submit" disabled={isPending}>
          Save
        </button>
        <span role="status">{result}</span>
      </p>
    </form>
  );
}

/** The note and the tags of a trial, or of the run (`trial: null`), and a form where this browser may change runs. */
export function NoteCard({ trial }: { readonly trial: number | null }) {
  const { notes } = useRun().info;
  const mayChange = useMayChange();
  const note = notes.notes.find((each) => each.trial === trial);
  if (note === undefined && !mayChange) return null;
  return (
    <section>
      <h3>Note</h3>
      {note !== undefined && (
        <p>
          <NoteText of={{ tags: note.tags, ...(note.text !== '' && { note: note.text }) }} />
        </p>
      )}
      {mayChange && (
        <details>
          <summary>{note === undefined ? 'Write a note or tags' : 'Change'}</summary>
          <NoteForm key={trial} trial={trial} note={note} />
        </details>
      )}
      {notes.damaged > 0 && (
        <p class="banner" role="alert">
          {notes.damaged} {notes.damaged === 1 ? 'line' : 'lines'} of <code>nas.notes.jsonl</code> cannot be read, and{' '}
          {notes.damaged === 1 ? 'is' : 'are'} left out.
        </p>
      )}
    </section>
  );
}
