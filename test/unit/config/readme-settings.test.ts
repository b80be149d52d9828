import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'dotenv';
import { parseConfig } from '../../../src/config/config.js';
import { SETTINGS } from '../../../src/config/settings.js';
import { projectRoot } from '../../helpers/project-root.js';

/** Rows of the README's configuration table: a setting's name in the first cell, its default in the second. */
function tableRows(): Map<string, string> {
  const file = join(projectRoot, 'README.md');
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const rows = [...text.matchAll(/^\| *`([A-Z][A-Z0-9_]*)` *\|([^|]*)\|/gm)];
  return new Map(rows.map(([, name = '', fallback = '']) => [name, fallback.replaceAll('`', '').trim()]));
}

describe("the README's configuration table", () => {
  const used = SETTINGS.filter((setting) => setting.unused !== true).map(({ name }) => name);

  test('has a row for every setting that is used, and none for a name the server does not know', () => {
    const names = [...tableRows().keys()];
    expect(used.filter((name) => !names.includes(name))).toEqual([]);
    expect(names.filter((name) => SETTINGS.every((setting) => setting.name !== name))).toEqual([]);
  });

  test('shows the defaults', () => {
    const shown = [...tableRows()]
      .filter(([name]) => used.includes(name))
      .map(([name, value]) => `${name}=${/^[\w./:?=-]*$/.test(value) ? value : ''}`);
    expect(parseConfig(parse(shown.join('\n'))).config).toEqual(parseConfig({}).config);
  });
});
