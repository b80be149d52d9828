/** Golden vectors of the stored forms: what was written once must be read for ever, and flipped bits must be found. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { ROLLUP_FIELDS } from '../../../src/storage/engine/rollup.js';
import { ByteReader, ByteWriter } from '../../../src/storage/engine/codec/varint.js';
import { parseDirectory, writeDirectory } from '../../../src/storage/engine/unit-directory.js';
import { RollupReader } from '../../../src/storage/engine/rollup-unit.js';
import { partsInMemory } from '../../../src/storage/engine/unit-parts.js';
import { UnitReader } from '../../../src/storage/engine/unit-reader.js';
import { bitsOf } from '../../helpers/columns.js';

interface Golden {
  readonly window: { readonly startMs: number; readonly endMs: number; readonly stepMs?: number };
  readonly partBytes: number;
  readonly parts: readonly string[];
  readonly columns: readonly Record<string, unknown>[];
}

function golden(name: string): Golden & { bytes: Uint8Array[] } {
  const file = JSON.parse(readFileSync(new URL(`../../fixtures/formats/${name}.json`, import.meta.url), 'utf8')) as Golden;
  return { ...file, bytes: file.parts.map((part) => new Uint8Array(Buffer.from(part, 'hex'))) };
}

describe('golden vectors', () => {
  test('a unit of version 1', () => {
    const { window, partBytes, bytes, columns } = golden('unit-v1');
    const reader = new UnitReader(partsInMemory(bytes), partBytes);
    const { directory } = reader;
    expect({ startMs: directory.startMs, endMs: directory.endMs }).toEqual(window);
    expect(directory.columns).toHaveLength(columns.length);
    for (const [i, entry] of directory.columns.entries()) {
      const column = reader.readColumn(i);
      expect({
        seriesId: entry.seriesId,
        isCounter: entry.isCounter,
        timestampsMs: [...column.timestampsMs],
        valuesHex: bitsOf(column.values),
        objectValues: column.objectValues,
      }).toEqual(columns[i]);
    }
    expect(directory.columns.filter((entry) => entry.quotient !== null)).toHaveLength(2);
  });

  test('a rollup unit of version 1', () => {
    const { window, partBytes, bytes, columns } = golden('rollup-v1');
    const reader = new RollupReader(partsInMemory(bytes), partBytes);
    const { startMs, endMs, stepMs, series } = reader.directory;
    expect({ startMs, endMs, stepMs }).toEqual(window);
    expect(series).toHaveLength(columns.length);
    for (const i of series.keys()) {
      const column = reader.readColumn(i);
      const fields = Object.fromEntries(ROLLUP_FIELDS.map((field) => [`${field}Hex`, bitsOf(column[field])]));
      expect({ seriesId: column.seriesId, isCounter: column.isCounter, ...fields }).toEqual(columns[i]);
    }
  });

  test('no room is made for more columns than a directory has bytes for', () => {
    const writer = new ByteWriter();
    writeDirectory({ startMs: 0, endMs: 1, times: [], divisors: [], columns: [] }, writer);
    const bytes = new Uint8Array(1_000);
    bytes.set(writer.take());
    // The last of the five numbers: how many columns there are.
    bytes.set([0x80 | (999 % 128), 999 >> 7], 13);
    expect(() => parseDirectory(new ByteReader(bytes), 1_000, 1_000)).toThrow('999 columns in 1000 bytes');
  });

  test('every byte of a unit counts', () => {
    const { partBytes, bytes } = golden('unit-v1');
    for (const [part, stored] of bytes.entries()) {
      for (let byte = 0; byte < stored.length; byte += 1) {
        stored[byte]! ^= 1 << (byte & 7);
        const reader = new UnitReader(partsInMemory(bytes), partBytes);
        expect(() => reader.directory.columns.forEach((_, i) => reader.readColumn(i))).toThrow(`part ${part}: checksum mismatch`);
        stored[byte]! ^= 1 << (byte & 7);
      }
    }
  });

  test('a later version, and rollups taken for a unit, are refused', () => {
    const { partBytes, bytes } = golden('rollup-v1');
    expect(() => new UnitReader(partsInMemory(bytes), partBytes).directory).toThrow('unit version 129 is not known');
  });
});
