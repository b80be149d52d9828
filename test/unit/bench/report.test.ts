import { describe, expect, test } from '@jest/globals';
import { percentiles } from '../../../bench/percentiles.js';
import { summarise } from '../../../bench/profile.js';
import { replaceSection } from '../../../bench/report.js';

describe('the document', () => {
  const written = '# Benchmarks\n\nWords.\n\n<!-- bench:ingest -->\nold\n<!-- /bench:ingest -->\n\nMore words.\n';

  test('what stands between the markers is replaced, the words around them stay', () => {
    expect(replaceSection(written, 'ingest', 'new')).toBe(written.replace('old', 'new'));
  });

  test('a section that is not there yet is added', () => {
    const both = replaceSection(written, 'profile', 'hot');
    expect(both.startsWith(written.trimEnd())).toBe(true);
    expect(both).toContain('<!-- bench:profile -->\nhot\n<!-- /bench:profile -->\n');
  });

  test('half a pair of markers is an error, not a guess', () => {
    expect(() => replaceSection('<!-- bench:ingest -->', 'ingest', 'new')).toThrow('not a pair');
  });
});

describe('percentiles', () => {
  test('are values that occurred', () => {
    const values = Float64Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(percentiles(values)).toEqual({ count: 100, p50: 50, p99: 99, max: 100 });
    expect(percentiles(Float64Array.of(7))).toEqual({ count: 1, p50: 7, p99: 7, max: 7 });
  });
});

describe('a CPU profile', () => {
  const node = (id: number, functionName: string, url: string) => ({ id, callFrame: { functionName, url, lineNumber: 9 } });

  test('becomes shares of self time within the window', () => {
    const thread = summarise(
      {
        nodes: [
          node(1, '(idle)', ''),
          node(2, 'decode', 'file:///app/dist/ingest/decode.js'),
          node(3, 'consume', 'file:///app/node_modules/ws/lib/receiver.js'),
          node(4, '', 'file:///app/dist/ingest/decode.js'),
        ],
        startTime: 1_000,
        // At 1000 (outside), 1100 decode for 300, 1400 consume for 100, 1500 idle for 400, 1900 anonymous for 100, 2000 (outside).
        samples: [2, 2, 3, 1, 4, 2],
        timeDeltas: [0, 100, 300, 100, 400, 100],
      },
      { fromUs: 1_050, toUs: 2_000 },
      '/app',
      false,
    );
    expect(thread.name).toBe('dist/ingest/decode.js');
    expect(thread.busyShare).toBeCloseTo(500 / 900, 10);
    expect(thread.functions).toEqual([
      { name: 'decode', place: 'dist/ingest/decode.js', share: 0.6 },
      { name: 'consume', place: 'ws/lib/receiver.js', share: 0.2 },
      { name: '(anonymous, line 10)', place: 'dist/ingest/decode.js', share: 0.2 },
    ]);
  });
});
