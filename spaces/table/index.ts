export { badCells, columnIndex, parseNumber } from './cells.js';
export { readCsv, type Csv } from './csv.js';
export { recogniseDecisions } from './recognise.js';
export { ResultsTable } from './results-table.js';
export { loadTable, tableSchema, type TableConfig } from '../types/table.js';
