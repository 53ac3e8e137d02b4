import { useMemo, useState } from 'preact/hooks';
import type { RunAnswer } from '../../../experiments/page/api.js';
import { alignLines, pathsOf } from '../../data/line-diff.js';

/** A line of the settings: where it stands, and what each run says there; null: nothing. */
interface SettingRow {
  readonly path: string;
  readonly cells: readonly (string | null)[];
  readonly same: boolean;
}

/** The settings of runs line by line, each with the keys around it. */
function settingRows(texts: readonly string[]): readonly SettingRow[] {
  const rows = alignLines(texts);
  const paths = rows.map((): string => '');
  for (const t of texts.keys()) {
    const own = rows.flatMap(({ cells }, row) => (cells[t] === null ? [] : [{ row, line: cells[t] }]));
    for (const [i, path] of pathsOf(own.map(({ line }) => line)).entries()) paths[own[i].row] ||= path;
  }
  return rows.map(({ cells, same }, i) => ({ path: paths[i], cells, same }));
}

/** What runs were told to do, with every default: the lines that differ, or all. */
export function ComparedSettings({ infos }: { readonly infos: readonly RunAnswer[] }) {
  const [all, setAll] = useState(false);
  const texts = infos.map(({ settings }) => settings);
  const rows = useMemo(() => settingRows(texts), [texts.join('\0')]);
  const different = rows.filter(({ same }) => !same);
  const shown = all ? rows : different;
  return (
    <section>
      <div class="head">
        <h2>Settings</h2>
        <span class="note">
          {different.length} of {rows.length} lines differ
        </span>
      </div>
      <div class="toolbar">
        <label>
          <input type="checkbox" checked={all} onChange={({ currentTarget: { checked } }) => setAll(checked)} />
          Also what is the same
        </label>
      </div>
      {shown.length === 0 ? (
        <p class="empty">They were told to do the same.</p>
      ) : (
        <div class="scroll" role="region" aria-label="Settings of runs" tabIndex={0}>
          <table class="side lines">
            <thead>
              <tr>
                <th scope="col">setting</th>
                {infos.map(({ id }) => (
                  <th key={id} scope="col">
                    {id}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.map(({ path, cells, same }, i) => (
                <tr key={i} class={same ? undefined : 'differs'}>
                  <th scope="row">{path}</th>
                  {cells.map((cell, t) => (
                    <td key={t}>
                      {cell === null ? <span class="side-note">(absent)</span> : all ? cell : cell.trim()}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
