import type { ClassReport } from '../../reports/page/api.js';
import { estimateText } from '../../base/certainty.js';
import { classFacts, columnsOf, confusionText, confusionUnit, outputColumns, outputNames } from '../../base/scores.js';
import { Facts } from './elements.js';
import { BySize } from './found-boxes.js';
import { numberColumn, Table } from './table.js';

interface ClassesProps {
  readonly report: ClassReport;
  /** Gets the classes of a clicked cell of the confusion matrix. */
  readonly onPair?: (actual: number, predicted: number) => void;
}

/**
 * Results of a network by class, label or number: metrics, a table, and for classes the confusion matrix or the most frequent
 * confusions.
 */
export function Classes({ report, onPair }: ClassesProps) {
  const { of, task, classes, matrix, confused } = report;
  const rows = matrix?.map((counts, actual) => ({ name: classes[actual].name, counts, actual }));
  const [name, title] = outputNames[task];
  return (
    <>
      <h3>{title}</h3>
      <Facts entries={[['images', of], ...classFacts(report)]} />
      <Table
        label={`Results by ${name}`}
        rows={classes}
        columns={[
          { title: name, heading: true, cell: (row) => row.name },
          ...columnsOf(classes[0]).map((key) => {
            const [text, unit] = outputColumns[key];
            return numberColumn(text, (row: (typeof classes)[number]) => estimateText(unit, row[key], row.errors[key]));
          }),
        ]}
      />
      <BySize report={report} />
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
                { title: confusionUnit(task), numeric: true, cell: ({ count }) => count },
              ]}
            />
          ) : (
            <Table
              label={`Confusion matrix: classes in rows, predictions in columns${task === 'segmentation' ? ', share of the pixels of a class' : ''}`}
              rows={rows}
              columns={[
                { title: 'class \\ predicted', heading: true, cell: (row) => row.name },
                ...classes.map(({ name: other }, predicted) =>
                  numberColumn(other, ({ counts, actual }: (typeof rows)[number]) => {
                    const text = confusionText(task, counts, predicted);
                    if (actual === predicted) return <strong>{text}</strong>;
                    if (onPair === undefined || counts[predicted] === 0) return text;
                    const label = `${text} images of ${classes[actual].name} taken for ${other}`;
                    return (
                      <button type="button" class="cell" aria-label={label} onClick={() => onPair(actual, predicted)}>
                        {text}
                      </button>
                    );
                  }),
                ),
              ]}
            />
          )}
        </details>
      )}
    </>
  );
}
