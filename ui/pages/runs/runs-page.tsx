import { useEffect, useState } from 'preact/hooks';
import type { RunEntry, RunsAnswer } from '../../../experiments/page/api.js';
import { RunState } from '../../components/run-state.js';
import { listen } from '../../data/connection.js';
import { textOf, titleOf } from '../../data/text.js';

function Row({ entry }: { readonly entry: RunEntry }) {
  if ('problem' in entry)
    return (
      <tr>
        <th scope="row">{entry.id}</th>
        <td colSpan={3}>{entry.problem}</td>
      </tr>
    );
  const { id, run, best, measures } = entry;
  return (
    <tr>
      <th scope="row">
        <a href={`/runs/${encodeURIComponent(id)}`}>{id}</a>
      </th>
      <td>
        <RunState run={run} />
      </td>
      <td class="number">
        {run.counts.complete} / {run.planned}
      </td>
      <td>
        {Object.entries(best)
          .map(([name, value]) => `${titleOf(measures, name)} ${textOf(measures, name, value)}`)
          .join(', ')}
      </td>
    </tr>
  );
}

/** All runs of the folder; they appear, move on and end by themselves. */
export function RunsPage() {
  const [answer, setAnswer] = useState<RunsAnswer | null>(null);
  useEffect(() => listen('/api/live', {}, {}, { runs: setAnswer, connected: () => undefined }), []);
  if (answer === null) return <p role="status">Loading …</p>;
  return (
    <section>
      <h1>Runs in {answer.folder}</h1>
      <table>
        <thead>
          <tr>
            <th scope="col">run</th>
            <th scope="col">state</th>
            <th scope="col">trials</th>
            <th scope="col">best</th>
          </tr>
        </thead>
        <tbody>
          {answer.runs.map((entry) => (
            <Row key={entry.id} entry={entry} />
          ))}
        </tbody>
      </table>
    </section>
  );
}
