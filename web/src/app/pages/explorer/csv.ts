/** Lines as a table: its rows, and as CSV (RFC 4180). Pure. */
import type { Line } from './lines';

const LINE_END = '\r\n';

/** Numbers of the moments at which any line has a value: the rows of the table. */
export function rowsOf(lines: readonly Pick<Line, 'values'>[], count: number): number[] {
  const has = new Uint8Array(count);
  for (const { values } of lines) for (let i = 0; i < count; i += 1) if (values[i] != null) has[i] = 1;
  const rows: number[] = [];
  for (let i = 0; i < count; i += 1) if (has[i] === 1) rows.push(i);
  return rows;
}

/** A header, then a row for each moment that has a value: its time (ISO 8601, UTC) and a column for each line; empty where nothing was there. */
export function csvOf(timesMs: readonly number[], lines: readonly Line[]): string {
  const header = ['time', ...lines.map(({ label, unit }) => (unit === null || unit === '' ? label : `${label} [${unit}]`))];
  const rows = rowsOf(lines, timesMs.length).map((row) => {
    const cells = [new Date(timesMs[row] ?? 0).toISOString(), ...lines.map(({ values }) => values[row] ?? '')];
    return cells.join(',');
  });
  return [header.map(field).join(','), ...rows, ''].join(LINE_END);
}

/**
 * Text as a field. Labels come from agents, and spreadsheets take what begins with one of `=+-@`, a tab or a line break for something to
 * compute: an apostrophe makes it text.
 */
function field(text: string): string {
  const safe = /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** `ping_rtt_avg_ms 2026-11-22T21-00-00Z.csv`: for every file system. */
export function fileName(metrics: readonly string[], startMs: number): string {
  const name = metrics
    .join('+')
    .replace(/[^\w.+-]/g, '_')
    .slice(0, 80);
  return `${name} ${new Date(startMs).toISOString().slice(0, 19).replaceAll(':', '-')}Z.csv`;
}
