import { describe, expect, test } from '@jest/globals';
import { timesOf } from '../../../web/src/app/core/chart-answer.js';
import { explorerParams, linesOf, panelsFor } from '../../../web/src/app/pages/agent-detail/panels.js';

const line = (name: string, tags: Record<string, string>, values: number[] = [1]) => ({ name, unit: null, tags, values });

describe('panelsFor', () => {
  test('shows what the agent measures and asks for nothing else', () => {
    const panels = panelsFor(['system_cpu_percent', 'ping_rtt_avg_ms', 'ping_rtt_max_ms', 'custom']);
    expect(panels.map(({ id, names }) => [id, names])).toEqual([
      ['latency', ['ping_rtt_avg_ms']],
      ['machine', ['system_cpu_percent']],
    ]);
  });

  test('has charts for agents that measure nothing usual, a few at most', () => {
    expect(panelsFor(['b', 'a']).map(({ title }) => title)).toEqual(['a', 'b']);
    expect(panelsFor(Array.from({ length: 100 }, (_, i) => `m${i}`))).toHaveLength(8);
    expect(panelsFor([])).toEqual([]);
  });
});

describe('linesOf', () => {
  const panel = (name: string) => {
    const [first] = panelsFor([name]);
    if (first === undefined) throw new Error('no panel');
    return first;
  };

  test('names lines by what they are about, in an order that stays', () => {
    const lines = linesOf(panel('network_interface_rx_bytes_per_sec'), [
      line('network_interface_tx_bytes_per_sec', { interface: 'eth10' }),
      line('network_interface_tx_bytes_per_sec', { interface: 'eth2' }),
      line('network_interface_rx_bytes_per_sec', { interface: 'eth2' }),
    ]);
    expect(lines.map(({ label }) => label)).toEqual(['eth2 received', 'eth2 sent', 'eth10 sent']);
    expect(linesOf(panel('ping_packet_loss_percent'), [line('ping_packet_loss_percent', { target: '8.8.8.8' })])[0]?.label).toBe('8.8.8.8');
  });

  test('shows the root disk once', () => {
    const disk = panel('system_disk_percent');
    const named = line('system_disk_percent', { mount: '/' });
    const nameless = line('system_disk_percent', {});
    expect(linesOf(disk, [nameless, named]).map(({ label }) => label)).toEqual(['disk /']);
    expect(linesOf(disk, [nameless]).map(({ label }) => label)).toEqual(['disk']);
  });

  test('tells series without a known tag apart by all of theirs', () => {
    expect(linesOf(panel('custom'), [line('custom', { a: '1', b: '2' }), line('custom', {})]).map(({ label }) => label)).toEqual([
      'a=1 b=2',
      'custom',
    ]);
  });
});

test('times are the beginnings of buckets', () => {
  expect(timesOf({ start_ms: 60_000, interval_ms: 5_000, count: 3 })).toEqual([60_000, 65_000, 70_000]);
});

test('the explorer is asked for the same lines', () => {
  const [loss] = panelsFor(['ping_packet_loss_percent']);
  expect(loss && explorerParams(loss, 'a/1')).toEqual({ m: ['ping_packet_loss_percent'], agent: 'a/1', by: 'tag:target' });
});
