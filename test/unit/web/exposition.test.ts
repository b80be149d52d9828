import { describe, expect, test } from '@jest/globals';
import { findMetrics, parseExposition } from '../../../web/src/app/pages/about/exposition.js';

const TEXT = `# HELP ccv_samples_total Samples acknowledged: they are on disk.
# TYPE ccv_samples_total counter
ccv_samples_total 3100

# HELP ccv_batches_total Batches by outcome.
# TYPE ccv_batches_total counter
ccv_batches_total{outcome="stored"} 31
ccv_batches_total{outcome="duplicate"} 2

# HELP ccv_commit_seconds Time of a commit.
# TYPE ccv_commit_seconds histogram
ccv_commit_seconds_bucket{le="0.001"} 3
ccv_commit_seconds_bucket{le="+Inf"} 4
ccv_commit_seconds_sum 0.25
ccv_commit_seconds_count 4

# HELP ccv_rejected_metrics_total Metrics rejected, by reason.
# TYPE ccv_rejected_metrics_total counter
nonsense {
`;

describe('the exposition', () => {
  test('is read metric by metric; of histograms, sum and count', () => {
    expect(parseExposition(TEXT)).toEqual([
      {
        name: 'ccv_samples_total',
        help: 'Samples acknowledged: they are on disk.',
        type: 'counter',
        samples: [{ labels: '', value: 3100 }],
      },
      {
        name: 'ccv_batches_total',
        help: 'Batches by outcome.',
        type: 'counter',
        samples: [
          { labels: 'outcome="stored"', value: 31 },
          { labels: 'outcome="duplicate"', value: 2 },
        ],
      },
      {
        name: 'ccv_commit_seconds',
        help: 'Time of a commit.',
        type: 'histogram',
        samples: [
          { labels: 'sum', value: 0.25 },
          { labels: 'count', value: 4 },
        ],
      },
      { name: 'ccv_rejected_metrics_total', help: 'Metrics rejected, by reason.', type: 'counter', samples: [] },
    ]);
  });

  test('is searched by words in name and help', () => {
    const names = (words: string): string[] => findMetrics(parseExposition(TEXT), words).map(({ name }) => name);
    expect(names('TOTAL outcome')).toEqual(['ccv_batches_total']);
    expect(names('  ')).toHaveLength(4);
    expect(names('nothing')).toEqual([]);
  });
});
