/** Tables and figures as the document shows them. */
const MB = 1_000_000;

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

export function fixed(value: number, digits: number): string {
  return value.toFixed(digits);
}

export function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ms`;
}

export function megabytes(bytes: number): string {
  return `${count(bytes / MB)} MB`;
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** A row of a table of aims: what, the aim, what was measured and whether that is reached. */
export function aimRow(
  what: string,
  aim: string,
  value: number | undefined,
  shown: (value: number) => string,
  met: (value: number) => boolean,
): string[] {
  return [what, aim, value === undefined ? 'not measured' : shown(value), value === undefined ? '–' : met(value) ? 'yes' : '**no**'];
}
