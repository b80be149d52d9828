/** Values for people: a unit as agents send it, and how a value of it is written. Pure. */

const DIGITS = 3;
const SI = ['', 'k', 'M', 'G', 'T', 'P', 'E'];
const SMALL = ['', 'm', 'µ', 'n'];
const IEC = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
const NONE = '–';

/** The unit's symbol, for axes and headings; empty for numbers without one. */
export function unitSymbol(unit: string | null): string {
  switch (unit) {
    case null:
    case '':
    case 'count':
    case 'boolean':
      return '';
    case 'percent':
      return '%';
    case 'bytes':
      return 'B';
    case 'bytes/sec':
      return 'B/s';
    case 'seconds':
      return 's';
    default:
      return unit.replace('/sec', '/s');
  }
}

/** A value in its unit, with about three digits: `1.25 MiB`, `12.5 ms`, `3.4 MB/s`, `99.9 %`. Not a number: a dash. */
export function formatValue(value: number | null | undefined, unit: string | null): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  switch (unit) {
    case 'bytes':
      return withPrefix(value, 1_024, IEC, '');
    case 'bytes/sec':
      return withPrefix(value, 1_000, SI, 'B/s');
    case 'Mbit/s':
      return withPrefix(value * 1e6, 1_000, SI, 'bit/s');
    case 'percent':
      return `${digits(value)} %`;
    case 'seconds':
      return formatDuration(value * 1_000);
    case 'ms':
      return Math.abs(value) >= 10_000 ? formatDuration(value) : `${digits(value)} ms`;
    case 'boolean':
      return value === 1 ? 'yes' : value === 0 ? 'no' : digits(value);
    default: {
      const symbol = unitSymbol(unit);
      return withPrefix(value, 1_000, SI, symbol).trim();
    }
  }
}

/** A span of time in its two largest units: `350 ms`, `4.2 s`, `3 min 5 s`, `2 d 4 h`. */
export function formatDuration(ms: number): string {
  const size = Math.abs(ms);
  if (size < 1_000) return size === 0 || size >= 1 ? `${digits(ms)} ms` : `${digits(ms * 1_000)} µs`;
  if (size < 60_000) return `${digits(ms / 1_000)} s`;
  const sign = ms < 0 ? '−' : '';
  const seconds = Math.round(size / 1_000);
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  const shown = parts.slice(first, first + 2).filter(([amount]) => amount > 0);
  return sign + shown.map(([amount, name]) => `${amount} ${name}`).join(' ');
}

/** A whole number with its thousands apart. */
export function formatCount(value: number | null | undefined): string {
  return value === null || value === undefined ? NONE : COUNT.format(value);
}

const COUNT = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

function withPrefix(value: number, base: number, prefixes: readonly string[], symbol: string): string {
  let size = Math.abs(value);
  let power = 0;
  while (size >= base && power < prefixes.length - 1) {
    size /= base;
    power += 1;
  }
  if (power === 0 && size > 0 && size < 0.01 && base === 1_000) {
    let small = 0;
    while (size < 1 && small < SMALL.length - 1) {
      size *= 1_000;
      small += 1;
    }
    return `${digits(Math.sign(value) * size)} ${SMALL[small] ?? ''}${symbol}`;
  }
  return `${digits(Math.sign(value) * size)} ${prefixes[power] ?? ''}${symbol}`;
}

function digits(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && size < 1) return String(Number(value.toPrecision(DIGITS)));
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2).replace(/\.0+$|(\.\d*[1-9])0+$/, '$1');
}
