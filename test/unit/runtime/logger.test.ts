import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createLogger, type LogSettings, silentLogger } from '../../../src/runtime/logger.js';

interface Stoppable {
  end(): void;
  once(event: string, listener: () => void): unknown;
}

describe('createLogger', () => {
  let dir: string;
  let console: string;
  let restore: () => void;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'ccv-log-'));
    console = '';
    // Winston's console transport writes through the global console's own stream, when it has one.
    const stream = (globalThis.console as unknown as { _stdout?: NodeJS.WriteStream })._stdout ?? process.stdout;
    const spy = jest.spyOn(stream, 'write').mockImplementation((text) => {
      console += String(text);
      return true;
    });
    restore = () => spy.mockRestore();
  });
  afterEach(() => {
    restore();
    rmSync(dir, { recursive: true, force: true });
  });

  /** Logs, waits until everything is written, and answers the log file's lines. */
  async function logged(settings: LogSettings, log: (logger: ReturnType<typeof createLogger>) => void): Promise<Record<string, unknown>[]> {
    const logger = createLogger(settings);
    log(logger);
    const stoppable = logger as unknown as Stoppable & { transports: { filename?: string; once: Stoppable['once'] }[] };
    const file = stoppable.transports.find((transport) => transport.filename !== undefined);
    const written = file === undefined ? Promise.resolve() : once(file as unknown as NodeJS.EventEmitter, 'finish');
    stoppable.end();
    await written;
    if (settings.dir === null) return [];
    return readFileSync(join(settings.dir, 'server.log'), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  test('writes JSON to server.log, making the folder', async () => {
    const nested = join(dir, 'a/b');
    const lines = await logged({ level: 'info', dir: nested, json: true }, (logger) =>
      logger.info('listening', { host: '::', port: 8080 }),
    );
    expect(lines).toEqual([
      { level: 'info', message: 'listening', host: '::', port: 8080, timestamp: expect.stringMatching(/^\d{4}-.*Z$/) },
    ]);
  });

  test('an error in the meta keeps its name, message and stack', async () => {
    const [line] = await logged({ level: 'info', dir, json: true }, (logger) =>
      logger.error('broken', { error: new TypeError('no such thing'), part: 'x' }),
    );
    expect(line).toMatchObject({
      part: 'x',
      error: { name: 'TypeError', message: 'no such thing', stack: expect.stringContaining('at ') },
    });
  });

  test('the level decides what is logged', async () => {
    const lines = await logged({ level: 'warn', dir, json: false }, (logger) => {
      logger.debug('1');
      logger.info('2');
      logger.warn('3');
      logger.error('4');
    });
    expect(lines.map((line) => line.message)).toEqual(['3', '4']);
  });

  test('the console gets a line of JSON in production', async () => {
    await logged({ level: 'info', dir: null, json: true }, (logger) => logger.info('hello', { n: 1 }));
    expect(JSON.parse(console)).toMatchObject({ level: 'info', message: 'hello', n: 1 });
    expect(existsSync(join(dir, 'server.log'))).toBe(false);
  });

  test('the console gets a line of text while developing', async () => {
    await logged({ level: 'info', dir: null, json: false }, (logger) => {
      logger.info('hello', { n: 1 });
      logger.warn('bare');
    });
    const [first, second] = console.split('\n');
    expect(first).toMatch(/^\S+Z INFO {2}hello \{"n":1\}$/);
    expect(second).toMatch(/^\S+Z WARN {2}bare$/);
  });

  test('the silent logger says nothing', () => {
    silentLogger.error('x');
    silentLogger.warn('x');
    silentLogger.info('x');
    silentLogger.debug('x');
    expect(console).toBe('');
  });
});
