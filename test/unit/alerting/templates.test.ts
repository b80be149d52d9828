import { describe, expect, test } from '@jest/globals';
import { MAX_RENDERED_LENGTH, render, renderAll } from '../../../src/alerting/templates.js';

const VALUES = {
  value: 12.345678,
  threshold: 10,
  unit: 'ms',
  rule: 'High latency',
  severity: 'warning',
  metric: 'ping_rtt_avg_ms',
  labels: { agent: 'a-1', target: 'example.com', 'a.b-c': 'odd' },
};

describe('templates', () => {
  test.each([
    ['{{ value }} {{unit}} > {{ threshold }}', '12.346 ms > 10'],
    ['{{ rule }} ({{ severity }}) of {{ metric }}', 'High latency (warning) of ping_rtt_avg_ms'],
    ['{{ labels.agent }} to {{labels.target}}, {{ labels.a.b-c }}', 'a-1 to example.com, odd'],
    ['{{ $value }} of {{ $labels.agent }}', '12.346 of a-1'],
    ['nothing: [{{ labels.zone }}{{ labels }}{{ what }}{{ value.x }}]', 'nothing: []'],
    ['nothing inherited: [{{ labels.constructor }}{{ labels.__proto__ }}{{ constructor }}]', 'nothing inherited: []'],
    ['no code: {{ 1 + 1 }} {{ labels["agent"] }} ${value}', 'no code: {{ 1 + 1 }} {{ labels["agent"] }} ${value}'],
    ['{{ value', '{{ value'],
  ])('%s', (template, text) => {
    expect(render(template, VALUES)).toBe(text);
  });

  test.each([
    [null, 'no data'],
    [0, '0'],
    [1_234_567, '1234567'],
    [99.999999, '100'],
    [0.000123456, '0.00012346'],
    [-2.5, '-2.5'],
  ])('the value %s is shown as %s', (value, text) => {
    expect(render('{{ value }}', { ...VALUES, value })).toBe(text);
  });

  test('what a label says is not read as a template', () => {
    expect(render('{{ labels.agent }}', { ...VALUES, labels: { agent: '{{ value }}' } })).toBe('{{ value }}');
  });

  test('texts are cut', () => {
    const text = render('{{ labels.agent }}'.repeat(100), { ...VALUES, labels: { agent: 'x'.repeat(1_000) } });
    expect(text).toHaveLength(MAX_RENDERED_LENGTH);
    expect(text.endsWith('…')).toBe(true);
  });

  test('all annotations are rendered', () => {
    expect(renderAll({ summary: '{{ rule }}', runbook: 'https://example.com' }, VALUES)).toEqual({
      summary: 'High latency',
      runbook: 'https://example.com',
    });
  });
});
