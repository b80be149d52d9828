import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'dotenv';
import { parseConfig } from '../../../src/config/config.js';
import { readEnvironment } from '../../../src/config/env.js';
import { SETTINGS } from '../../../src/config/settings.js';
import { projectRoot } from '../../helpers/project-root.js';

const file = join(projectRoot, 'config.env.example');
const text = readFileSync(file, 'utf8');
/** The file as somebody has it who removed the # in front of every setting. */
const allShown = parse(text.replace(/^#([A-Z][A-Z0-9_]*=)/gm, '$1'));
const used = SETTINGS.filter((setting) => setting.unused !== true).map(({ name }) => name);
const unused = SETTINGS.filter((setting) => setting.unused === true).map(({ name }) => name);

describe('config.env.example', () => {
  test('is a .env the server starts with, without a warning', () => {
    expect(parseConfig(readEnvironment(file, {})).warnings).toEqual([]);
  });

  test('shows every setting that is used, and no other', () => {
    expect(Object.keys(allShown).toSorted()).toEqual(used.toSorted());
  });

  test('shows the defaults', () => {
    expect(parseConfig(allShown).config).toEqual(parseConfig({}).config);
  });

  test.each(unused)('says what became of %s', (name) => {
    expect(text).toMatch(new RegExp(`^#   .*\\b${name}\\b.*: `, 'm'));
  });

  test('explains every setting in a comment above it', () => {
    const lines = text.split('\n');
    const unexplained = lines.filter((line, index) => {
      if (!/^#[A-Z]/.test(line)) return false;
      let above = index - 1;
      while (/^#[A-Z]/.test(lines[above] ?? '')) above -= 1;
      return !/^# \S/.test(lines[above] ?? '');
    });
    expect(unexplained).toEqual([]);
  });
});
