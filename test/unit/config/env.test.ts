import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readEnvironment } from '../../../src/config/env.js';

describe('readEnvironment', () => {
  let dir: string;
  let envFile: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'ccv-env-'));
    envFile = join(dir, '.env');
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  test('without a file the environment is all there is', () => {
    expect(readEnvironment(envFile, { PORT: '9000' })).toEqual({ PORT: '9000' });
  });

  test('the environment wins over the file', () => {
    writeFileSync(envFile, 'PORT=1111\nLOG_LEVEL=debug\n');
    expect(readEnvironment(envFile, { PORT: '2222' })).toEqual({ PORT: '2222', LOG_LEVEL: 'debug' });
  });

  test('an empty value in the environment wins too: that is how a setting is unset', () => {
    writeFileSync(envFile, 'LOG_DIR=./logs\n');
    expect(readEnvironment(envFile, { LOG_DIR: '' })).toEqual({ LOG_DIR: '' });
  });

  test('quotes, comments and blank lines are understood as in other .env files', () => {
    writeFileSync(envFile, '# a comment\n\nDB_PATH="./my data/x.db" # here\nexport PORT=1\n');
    expect(readEnvironment(envFile, {})).toEqual({ DB_PATH: './my data/x.db', PORT: '1' });
  });

  test('the environment is not policed: names that are not ours are left alone', () => {
    expect(readEnvironment(envFile, { PATH: '/bin', PORTT: '1', HOME: '/root' })).toEqual({});
  });

  test('an unknown name in the file stops the start, names itself and suggests the nearest', () => {
    writeFileSync(envFile, 'PORTT=8080\nDBPATH=x\nFAVOURITE_COLOUR_OF_THE_HOUSE=blue\nLOG_LEVEL=info\n');
    let thrown: unknown;
    try {
      readEnvironment(envFile, {});
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ name: 'ConfigError' });
    const { message } = thrown as Error;
    expect(message).toContain(envFile);
    expect(message).toContain('"PORTT" (did you mean PORT?)');
    expect(message).toContain('"DBPATH" (did you mean DB_PATH?)');
    expect(message).toContain('"FAVOURITE_COLOUR_OF_THE_HOUSE"');
    expect(message).not.toContain('HOUSE" (did');
    expect(message).not.toContain('LOG_LEVEL');
  });

  test('a lower-case name is unknown, and its upper-case self is suggested', () => {
    writeFileSync(envFile, 'port=8080\n');
    expect(() => readEnvironment(envFile, {})).toThrow('"port" (did you mean PORT?)');
  });
});
