import { expect, test } from '@jest/globals';
import { TextLogger } from '../../../agent/src/text-logger.js';
import { SettableClock } from '../helpers/metrics.js';

function logged(work: (logger: TextLogger) => void, level: 'info' | 'debug' = 'info'): string[] {
  const lines: string[] = [];
  work(new TextLogger({ level, write: (line) => void lines.push(line), clock: new SettableClock(0) }));
  return lines;
}

test('a message is a line: time, level, message, details', () => {
  expect(logged((logger) => logger.info('connected', { url: 'ws://x', waitMs: 5, ok: true, none: null, absent: undefined }))).toEqual([
    '1970-01-01T00:00:00.000Z INFO  connected url=ws://x waitMs=5 ok=true none=null\n',
  ]);
});

test('what would break the line or its parts is quoted or taken out', () => {
  expect(logged((logger) => logger.warn('two\nlines', { reason: 'a b', quote: '"', empty: '', bell: '\u0007', list: ['x'] }))).toEqual([
    '1970-01-01T00:00:00.000Z WARN  two lines reason="a b" quote="\\"" empty="" bell="\\u0007" list="[\\"x\\"]"\n',
  ]);
});

test('errors are told by their message, long texts are cut', () => {
  const [line] = logged((logger) => logger.error('failed', { error: new Error('boom'), long: 'x'.repeat(1_000) }));
  expect(line).toBe(`1970-01-01T00:00:00.000Z ERROR failed error=boom long=${'x'.repeat(500)}…\n`);
});

test('details of less interest are left out unless asked for', () => {
  expect(logged((logger) => logger.debug('x'))).toEqual([]);
  expect(logged((logger) => logger.debug('x'), 'debug')).toEqual(['1970-01-01T00:00:00.000Z DEBUG x\n']);
});
