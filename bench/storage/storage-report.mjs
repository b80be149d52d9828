/** The figures of the storage bench as Markdown. */
const AIM_BYTES = 2.1;

export function report({ machine, version, equal, mixed, answers, options }) {
  const { page, same } = answers;
  return [
    `\`npm run bench:storage\`, ${new Date().toISOString().slice(0, 10)}. ${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}, ${machine.disk}. ${
      version === null ? 'VictoriaMetrics was not installed: no comparison.' : `Beside it: ${version}.`
    }`,
    '### Bytes',
    bytesTable(equal, mixed, options),
    `The whole database file after folding everything and a vacuum, without a write-ahead log; of it, in bytes a sample: ${parts(equal.ours)}. Rollups are part of "whole file" and taken out in the column after it. ` +
      `Folding ${count(equal.ours.samples)} samples took ${fixed(equal.ours.foldCpuSeconds, 0)} CPU-seconds (of the whole process). The aim is ${AIM_BYTES} bytes.`,
    ...(equal.theirs === null
      ? []
      : [
          `VictoriaMetrics took ${count(equal.theirs.samples / equal.theirs.cpuSeconds)} samples per CPU-second (Influx lines over HTTP, all values of one time in one line) and ` +
            `${fixed(equal.theirs.mergeCpuSeconds, 0)} CPU-seconds for the forced merge afterwards; its folder is measured after it has ended.`,
        ]),
    '### Questions',
    questionTable(answers.rows, version !== null),
    `End to end over HTTP on 127.0.0.1, to the last byte of the answer; in ms. Warm: ${options.warm} runs after 5 that do not count; cold: ${options.cold} runs, each the first question to a process just started ` +
      `(the operating system's file cache stays warm). Both keep answers or parts of them; VictoriaMetrics' cache is left out of the cold figures (nocache=1), as it survives a restart. Our database is as a running server has it then: the day's hours folded one by one (they are merged into days when the last 24 hours are past them), what came in since folded but for the last minutes, which are in the log; ` +
      `overview and realtime look at it. Pages were gone through with the cursors of the answers, ${page.number} of them in ${fixed(page.seconds, 1)} s; beside a page, VictoriaMetrics exports the samples of the same stretch of time.` +
      (same === null
        ? ''
        : ` Of the ${same.samples} samples of the raw history VictoriaMetrics gave ${same.same} back to the last bit and ${same.close} to nine digits.`),
  ].join('\n\n');
}

function bytesTable(equal, mixed, options) {
  const row = (name, { ours, theirs }) => {
    const whole = ours.fileBytes / ours.samples;
    const rollups = ours.tiers.filter(({ tier }) => tier > 0).reduce((sum, { bytes }) => sum + bytes, 0) / ours.samples;
    const their = theirs === null ? null : theirs.all / theirs.samples;
    return [
      name,
      count(ours.samples),
      `**${fixed(whole, 3)}**`,
      fixed(whole - rollups, 3),
      fixed(rollups, 3),
      ...(their === null ? [] : [fixed(their, 3), fixed(theirs.index / theirs.samples, 3), `${fixed(their / whole, 2)}×`]),
    ];
  };
  const head = ['fleet', 'samples', 'whole file, B a sample', 'without rollups', 'rollups'];
  if (equal.theirs !== null) head.push('VictoriaMetrics', 'its index', 'ratio');
  const rows = [row(`${options.agents} agents × 100 series, ${options.hours} h`, equal)];
  if (mixed !== null) {
    rows.push(
      row(
        `${options.agents} agents of ${Math.min(...mixed.series)} to ${Math.max(...mixed.series)} series, ${options.unequalHours} h`,
        mixed,
      ),
    );
  }
  return table(head, rows);
}

function parts({ tables, samples }) {
  const large = tables.filter(({ bytes }) => bytes / samples >= 0.001);
  return large.map(({ name, bytes }) => `\`${name}\` ${fixed(bytes / samples, 3)}`).join(', ');
}

function questionTable(rows, hasPeer) {
  const head = ['', 'warm p50', 'p99', 'cold p50', 'p99', 'answer'];
  if (hasPeer) head.push('VM warm p50', 'p99', 'VM cold p50', 'p99', 'VM answer', 'ratio warm', 'cold');
  else head.push('aim');
  const both = (times) => (times === null ? ['–', '–'] : [fixed(times.p50, 1), fixed(times.p99, 1)]);
  const ratio = (ours, theirs) => (ours === null || theirs === null ? '–' : `${fixed(theirs.p50 / ours.p50, 2)}×`);
  return table(
    head,
    rows.map(({ name, ours, theirs, oursCold, theirsCold, aimMs }) => {
      const own = [name, ...both(ours), ...both(oursCold), kilobytes(ours.bytes)];
      const aim = aimMs === null ? '–' : `< ${aimMs} ms: ${ours.p50 < aimMs ? 'yes' : '**no**'}`;
      if (!hasPeer) return [...own, aim];
      if (theirs === null) return [...own, '–', '–', '–', '–', '–', aim, '–'];
      return [...own, ...both(theirs), ...both(theirsCold), kilobytes(theirs.bytes), ratio(ours, theirs), ratio(oursCold, theirsCold)];
    }),
  );
}

export function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

function count(value) {
  return Math.round(value).toLocaleString('en-US');
}

function fixed(value, digits) {
  return value.toFixed(digits);
}

function kilobytes(bytes) {
  return `${count(bytes / 1000)} kB`;
}
