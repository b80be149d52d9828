/** The server's own figures in Prometheus' text format, as far as this console shows them. Pure. */

export interface SelfMetric {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: readonly { readonly labels: string; readonly value: number }[];
}

const COMMENT = /^# (HELP|TYPE) (\S+) ?(.*)$/;
const SAMPLE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? ([-+]?(?:\d\S*|Inf)|NaN)(?: \d+)?$/;
/** Parts of a histogram: of those only sum and count are worth a line. */
const BUCKET = /_bucket$/;

/** Metrics in the order they come; lines that make no sense are left out. */
export function parseExposition(text: string): SelfMetric[] {
  const metrics = new Map<string, { name: string; help: string; type: string; samples: { labels: string; value: number }[] }>();
  const of = (name: string) => {
    const known = metrics.get(name) ?? { name, help: '', type: 'untyped', samples: [] };
    metrics.set(name, known);
    return known;
  };
  for (const line of text.split('\n')) {
    const comment = COMMENT.exec(line);
    if (comment !== null) {
      const [, kind, name, rest] = comment;
      if (kind === 'HELP') of(name ?? '').help = rest ?? '';
      else of(name ?? '').type = rest ?? '';
      continue;
    }
    const [, name, labels, value] = SAMPLE.exec(line) ?? [];
    if (name === undefined || BUCKET.test(name)) continue;
    const family = name.replace(/_(?:sum|count)$/, '');
    const part = metrics.has(name) ? '' : metrics.has(family) ? name.slice(family.length + 1) : '';
    const shown = [part, labels ?? ''].filter((word) => word !== '').join(' ');
    of(metrics.has(name) ? name : metrics.has(family) ? family : name).samples.push({
      labels: shown,
      value: Number(value?.replace('Inf', 'Infinity')),
    });
  }
  return [...metrics.values()];
}

/** Those whose name or help contains all the words. */
export function findMetrics(metrics: readonly SelfMetric[], words: string): SelfMetric[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return metrics.filter(({ name, help }) => wanted.every((word) => `${name} ${help}`.toLowerCase().includes(word)));
}
