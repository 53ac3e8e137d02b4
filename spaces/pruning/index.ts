export * from './channels.js';
export * from './cuts.js';
export * from './groups.js';
export * from './widths.js';
