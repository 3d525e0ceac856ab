/** What `pants jobs` is told of prexd. */
import type { Dispatcher } from "./dispatcher.js";
import type { Job } from "./job.js";
import type { Links } from "./links.js";

/** @param served - jobs so far */
export function answerQuery(
  jobs: Iterable<Job>,
  links: Links,
  { length, leaseCount }: Dispatcher,
  served: number,
): Buffer {
  const answer = {
    pid: process.pid,
    jobs: [...jobs].map(({ standIn, program, host, state, ageMs }) => {
      return { pid: standIn.pid, program, host, state, ageMs };
    }),
    links: [...links.all()].map((link) => {
      return { host: link.host, link: link.id, state: link.pipe ? "up" : "connecting", jobs: link.jobs };
    }),
    leftOut: [...links.out()],
    queue: length,
    leases: leaseCount,
    served,
  };
  return Buffer.from(JSON.stringify(answer));
}
