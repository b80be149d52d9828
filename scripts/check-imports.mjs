/**
 * Holds src/ and agent/src/ to the import rule in .dependency-cruiser.cjs. A run that looked at nothing is a failure: that is
 * what a parser that cannot read the sources looks like.
 */
import { cruise, format } from 'dependency-cruiser';
import extractOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';

const options = await extractOptions('./.dependency-cruiser.cjs');
const { output: result } = await cruise(['src', 'agent/src'], options);
const { totalCruised, totalDependenciesCruised, error } = result.summary;
const report = await format(result, { outputType: 'err-long' });
console.log(report.output);
if (totalCruised === 0 || totalDependenciesCruised === 0) {
  console.error(`The import rule was not checked: ${totalCruised} modules and ${totalDependenciesCruised} imports were seen.`);
  process.exitCode = 1;
} else if (error > 0) {
  process.exitCode = 1;
}
