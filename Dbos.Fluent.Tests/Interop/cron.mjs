// Occurrences by a cron library that is not ours. One line in, one line out:
//   {"zone":"Europe/Paris","cron":"30 2 * * *","after":[<epoch ms>,...]} -> [[<epoch ms of the next>,<offset then, in minutes>],null,...]
import { createInterface } from "node:readline";
import { Cron } from "croner";

// Fixed-time jobs are those without a star or a step; a/n is allowed.
const options = { fixedTimeRule: "no-wildcard", sloppyRanges: true };

function answer(line) {
  const { zone, cron, after } = JSON.parse(line);

  // A job without a zone follows the clocks of the process, which is many times faster than a zone of its own.
  if (process.env.TZ !== zone) process.env.TZ = zone;
  const job = new Cron(cron, options);
  const next = (moment) => job.nextRun(new Date(moment));
  return JSON.stringify(after.map(next).map((date) => date && [date.getTime(), -date.getTimezoneOffset()]));
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  try {
    console.log(answer(line));
  } catch (error) {
    console.log(`error ${error.message}`);
  }
}
