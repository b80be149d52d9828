/**
 * A process of the bench: leaves a database as a server finds it that could not fold for a while. Several hours of the
 * log up to now, and days whose samples have had their time (an hour of each), all of it still rows of the log.
 * Prints what it wrote as JSON.
 */
import { DatabaseFiller } from './fill-database.mjs';
import { DayAgent, EQUAL, INTERVAL_MS } from './day-fleet.mjs';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const CYCLES_PER_HOUR = HOUR_MS / INTERVAL_MS;

const { path, agents, hours, expiredDays, retentionDays } = JSON.parse(process.argv[2]);
const thisDayMs = Math.floor(Date.now() / DAY_MS) * DAY_MS;

async function write(startMs, hoursLong) {
  const fleet = Array.from({ length: agents }, (_, i) => new DayAgent(i, EQUAL(), startMs));
  return new DatabaseFiller(path, fleet).append(hoursLong * CYCLES_PER_HOUR);
}

let expiredSamples = 0;
for (let day = 0; day < expiredDays; day += 1) {
  expiredSamples += await write(thisDayMs - (retentionDays + 2 + day) * DAY_MS, 1);
}
// Up to now: what dashboards look at must not depend on the minute at which the bench is started.
const samples = await write(Date.now() - hours * HOUR_MS, hours);
process.stdout.write(JSON.stringify({ samples, expiredSamples }));
