/** What alert rules cost those who send, as Markdown: a section of the document for itself. */
import type { Machine } from './machine.js';
import { count, fixed, megabytes, ms, table } from './markdown.js';
import type { Options } from './options.js';
import { disturbances, heading } from './report.js';
import { AGENTS, RULE_INTERVAL_SECONDS, type WithRulesResult } from './scenarios/with-rules.js';

export function rulesReport(results: readonly WithRulesResult[], machine: Machine, options: Options, notes: readonly string[]): string {
  const remarks = [...disturbances(results), ...notes];
  return [
    heading(machine, options),
    table(
      ['rules', 'samples/s', 'ack p50', 'ack p99', 'ack max', 'sent late, p99', 'server cores', 'of it event loop', 'memory'],
      results.map((r) => [
        r.rules === 0 ? 'alerts are off' : count(r.rules),
        count(r.offeredSamplesPerSecond),
        ms(r.ackMs.p50),
        ms(r.ackMs.p99),
        ms(r.ackMs.max),
        ms(r.latenessMs.p99),
        fixed(r.usage.serverCpu / r.usage.seconds, 2),
        fixed(r.usage.eventLoopCpu / r.usage.seconds, 2),
        megabytes(r.usage.residentBytes),
      ]),
    ),
    `How: ${count(AGENTS)} agents send 100 metrics every five seconds, of now, in an open loop, for ${count(results[0]?.seconds ?? 0)} s after the windows are full. ` +
      `Each rule looks at one series of each agent, by average, maximum, last value or 95th percentile of a minute, every ${RULE_INTERVAL_SECONDS} s (three times as often as usual); none of them ever fires. ` +
      'Afterwards each rule must have looked at all agents.',
    ...(remarks.length > 0 ? [remarks.map((note) => `- ${note}`).join('\n')] : []),
  ].join('\n\n');
}
