import type { ClassReport } from '../../experiments/page/api.js';
import { percent } from '../../base/number-text.js';
import { Facts } from './elements.js';
import { Table } from './table.js';

const share = (value: number | null): string => (value === null ? '-' : percent(value));

/** Results of a network by class: metrics, a table of the classes, and the confusion matrix or the most frequent confusions. */
export function Classes({ report }: { readonly report: ClassReport }) {
  const { of, metrics, calibrationError, classes, matrix, confused } = report;
  const rows = matrix?.map((counts, actual) => ({ name: classes[actual].name, counts, actual }));
  return (
    <>
      <h3>Classes</h3>
      <Facts
        entries={[
          ['images', of],
          ['balanced accuracy', percent(metrics.balanced_accuracy)],
          ['macro F1', percent(metrics.macro_f1)],
          ["worst class's recall", percent(metrics.worst_recall)],
          ['calibration error', percent(calibrationError)],
        ]}
      />
      <Table
        label="Results by class"
        rows={classes}
        columns={[
          { title: 'class', heading: true, cell: ({ name }) => name },
          { title: 'images', numeric: true, cell: ({ count }) => count },
          { title: 'precision', numeric: true, cell: ({ precision }) => share(precision) },
          { title: 'recall', numeric: true, cell: ({ recall }) => share(recall) },
          { title: 'F1', numeric: true, cell: ({ f1 }) => share(f1) },
        ]}
      />
      {confused.length > 0 && (
        <details>
          <summary>{rows === undefined ? 'Most frequent confusions' : 'Confusion matrix'}</summary>
          {rows === undefined ? (
            <Table
              label="Most frequent confusions"
              rows={confused}
              columns={[
                { title: 'class', heading: true, cell: ({ actual }) => actual },
                { title: 'taken for', cell: ({ predicted }) => predicted },
                { title: 'images', numeric: true, cell: ({ count }) => count },
              ]}
            />
          ) : (
            <Table
              label="Confusion matrix: classes in rows, predictions in columns"
              rows={rows}
              columns={[
                { title: 'class \\ predicted', heading: true, cell: ({ name }) => name },
                ...classes.map(({ name }, predicted) => ({
                  title: name,
                  numeric: true,
                  cell: ({ counts, actual }: (typeof rows)[number]) => {
                    const text = counts[predicted] === 0 ? '·' : counts[predicted];
                    return actual === predicted ? <strong>{text}</strong> : text;
                  },
                })),
              ]}
            />
          )}
        </details>
      )}
    </>
  );
}
