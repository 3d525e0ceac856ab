/** What a simulated host is made of, and what a simulated program does with it. All of it is stated in docs/load.md. */

export interface HostModel {
  readonly cpus: number;
  /** Of each CPU: CPU ms of work, as counted at speed 1, that it does in a ms. */
  readonly speed: number;
  /** Memory, and what the system itself keeps of it, MiB. */
  readonly memoryMb: number;
  readonly systemMb: number;
  /** What the disk moves for one stream, MiB a second. */
  readonly diskMbps: number;
}

export interface Work {
  /** What is run, and the shape of its arguments: jobs of one kind are alike. */
  readonly program: string;
  readonly shape: string;
  /** CPU time at speed 1, ms. */
  readonly cpuMs: number;
  /** Read from and written to the disk of the host that runs it, MiB. */
  readonly ioMb: number;
  /** Working set, MiB: there after the first tenth of its CPU time. */
  readonly memoryMb: number;
  /** How often it goes through its working set, each second of CPU time at speed 1. */
  readonly passes: number;
  /** Page faults that need no disk, each ms of CPU time at speed 1. */
  readonly faults: number;
}

/** Each further stream costs the disk so much seeking: two together move 70 % of what one does, four 44 %. */
const seekLoss = 0.43;

/** What the disk moves for so many streams together, MiB a ms. */
export function diskRate({ diskMbps }: HostModel, streams: number): number {
  return diskMbps / 1000 / (1 + seekLoss * Math.max(0, streams - 1));
}

/** Share of what programs touch that is not in memory, when they use so much together. */
export function missing({ memoryMb, systemMb }: HostModel, residentMb: number): number {
  return residentMb > 0 ? Math.max(0, residentMb - (memoryMb - systemMb)) / residentMb : 0;
}

/** How long it takes on an idle host whose memory suffices, ms. */
export function aloneMs(work: Work, host: HostModel): number {
  return work.cpuMs / host.speed + work.ioMb / diskRate(host, 1);
}
