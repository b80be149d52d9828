/** Rows of a query's answer as people and programs want them. Rows are written as they come: an answer may be long. */

export type Row = readonly unknown[];
export type RowPrinter = (columns: readonly string[], rows: Iterable<Row>, write: (text: string) => void) => void;

/** Rows whose widths are looked at together. */
const BLOCK_ROWS = 500;

export const printTable: RowPrinter = (columns, rows, write) => {
  let widths = columns.map((name) => name.length);
  let count = 0;
  let block: string[][] = [];
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] as number))
      .join('  ')
      .trimEnd();
  const flush = (isFirst: boolean): void => {
    widths = widths.map((width, i) => block.reduce((most, cells) => Math.max(most, (cells[i] as string).length), width));
    if (isFirst) write(`${line(columns)}\n${widths.map((width) => '-'.repeat(width)).join('  ')}\n`);
    write(block.map((cells) => `${line(cells)}\n`).join(''));
    block = [];
  };
  for (const row of rows) {
    block.push(row.map(tableCell));
    count += 1;
    if (block.length === BLOCK_ROWS) flush(count === BLOCK_ROWS);
  }
  flush(count < BLOCK_ROWS);
  write(`(${count} ${count === 1 ? 'row' : 'rows'})\n`);
};

/** An array of objects, one a line. Bytes become hexadecimal text; what JSON has no number for becomes text. */
export const printJson: RowPrinter = (columns, rows, write) => {
  let separator = '[\n';
  for (const row of rows) {
    write(`${separator}${JSON.stringify(Object.fromEntries(columns.map((name, i) => [name, jsonCell(row[i])])))}`);
    separator = ',\n';
  }
  write(separator === '[\n' ? '[]\n' : '\n]\n');
};

/** RFC 4180, with `\n`: a head line, NULL as nothing. */
export const printCsv: RowPrinter = (columns, rows, write) => {
  write(`${columns.map(csvCell).join(',')}\n`);
  for (const row of rows) write(`${row.map(csvCell).join(',')}\n`);
};

function text(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Buffer.isBuffer(value)) return value.toString('hex');
  return typeof value === 'string' ? value : `${value as number}`;
}

/** One line, whatever is in it: a text must not look like two rows, nor tell the terminal what to do. */
function tableCell(value: unknown): string {
  if (Buffer.isBuffer(value)) return `<${value.length} bytes>`;
  return text(value).replaceAll(/\p{Cc}/gu, (control) => JSON.stringify(control).slice(1, -1).replaceAll('\u007f', '\\u007f'));
}

function jsonCell(value: unknown): unknown {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  return value === null ? null : text(value);
}

function csvCell(value: unknown): string {
  const cell = text(value);
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
