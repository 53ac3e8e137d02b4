import { useMemo, useState } from 'preact/hooks';
import { CopyButton } from '../../components/copy-button.js';
import { alignLines, type LineRow } from '../../data/line-diff.js';

interface Props {
  /** As it was written, and with everything that was left to defaults. */
  readonly source: string;
  readonly settings: string;
}

/** Whether a line is empty or a comment, which the experiment with its defaults cannot have. */
const saysNothing = (line: string | null): boolean => /^\s*(#|$)/.test(line ?? '');

/** What a row says of the two texts: a sign for the eye, a word for the ear. */
function kindOf({ cells: [written, filled], same }: LineRow): { readonly sign: string; readonly text: string } {
  if (same || (filled === null && saysNothing(written))) return { sign: '', text: '' };
  if (written === null) return { sign: '+', text: 'a default' };
  if (filled === null) return { sign: '−', text: 'as written only' };
  return { sign: '≠', text: 'written otherwise' };
}

/** The experiment as it was written beside the same with every default. */
export function YamlSides({ source, settings }: Props) {
  const [all, setAll] = useState(true);
  const rows = useMemo(() => alignLines([source, settings]), [source, settings]);
  const shown = all ? rows : rows.filter((row) => kindOf(row).sign !== '');
  return (
    <section class="wide">
      <div class="head">
        <h3>Experiment</h3>
        <label>
          <input type="checkbox" checked={!all} onChange={({ currentTarget: { checked } }) => setAll(!checked)} /> only
          what differs
        </label>
      </div>
      <div class="scroll" role="region" aria-label="Experiment as YAML" tabIndex={0}>
        <table class="yaml">
          <thead>
            <tr>
              <th scope="col">
                <span class="visually-hidden">difference</span>
              </th>
              <th scope="col">
                as written <CopyButton text={source} label="the experiment as written" />
              </th>
              <th scope="col">
                with every default <CopyButton text={settings} label="the experiment with every default" />
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((row, i) => {
              const { sign, text } = kindOf(row);
              return (
                <tr key={i} class={sign === '' ? undefined : 'differs'}>
                  <td>
                    <span aria-hidden="true">{sign}</span>
                    <span class="visually-hidden">{text}</span>
                  </td>
                  {row.cells.map((line, side) => (
                    <td key={side}>
                      <code>{line}</code>
                    </td>
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <p class="note">
        + a default, − only as written (a short form), ≠ the same setting in other words or with more said.
      </p>
    </section>
  );
}
