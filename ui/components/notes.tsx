import { Tag } from './elements.js';

interface Noted {
  readonly note?: string | undefined;
  readonly tags?: readonly string[] | undefined;
}

/** Tags and the text of a note; nothing without any. */
export const NoteText = ({ of: { note, tags = [] } }: { readonly of: Noted }) =>
  note === undefined && tags.length === 0 ? null : (
    <span class="noted">
      {tags.map((tag) => (
        <Tag key={tag} text={tag} />
      ))}
      {note !== undefined && <span>{note}</span>}
    </span>
  );
