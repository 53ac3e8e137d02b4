import { bytes } from '../../../base/number-text.js';
import type { FileAddress, ReportFile, ReportMember, RunId } from '../../../experiments/page/api.js';
import { Table } from '../../components/table.js';
import { judgedOf } from './judged.js';

/** Where a file of a run's workdir is fetched from. */
const fileAddress = (run: RunId, path: string): FileAddress =>
  `/files/${[run, ...path.split('/')].map(encodeURIComponent).join('/')}`;

/** The files that are kept of it, in every precision. */
function filesOf(trial: ReportMember): readonly ReportFile[] {
  const all = [...trial.files, ...judgedOf(trial).flatMap(({ kept }) => kept?.files ?? [])];
  return [...new Map(all.map((file) => [file.path, file])).values()];
}

/** Its files, to be saved. */
export function TrialFiles({ trial, run }: { readonly trial: ReportMember; readonly run: RunId }) {
  const files = filesOf(trial);
  if (files.length === 0) return null;
  return (
    <>
      <h3>Files</h3>
      <Table
        label="Files"
        rows={files}
        columns={[
          {
            title: 'file',
            heading: true,
            cell: ({ path }) => (
              <a href={fileAddress(run, path)} download>
                {path}
              </a>
            ),
          },
          { title: 'kind', cell: ({ kind }) => kind },
          { title: 'size', numeric: true, cell: ({ bytes: size }) => bytes(size) },
          { title: 'SHA-256', cell: ({ sha256 }) => <code>{sha256.slice(0, 16)}…</code> },
        ]}
      />
    </>
  );
}
