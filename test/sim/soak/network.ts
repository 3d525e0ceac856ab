/** The state of the network under all the faults that are in force. */
import type { World } from "../world.js";

type Ill = "loss" | "duplicate" | "delay";
type Cut = (from: string, to: string, over: "group" | "unicast") => boolean;

export class Network {
  /** Each says whether a datagram cannot pass. */
  readonly cuts = new Set<Cut>();
  readonly #ills: Record<Ill, number[]> = { loss: [], duplicate: [], delay: [] };

  constructor(private readonly world: World) {
    world.connected = (from, to, over) => {
      for (const cut of this.cuts) if (cut(from, to, over)) return false;
      return true;
    };
    world.delayMs = () => 0.1 + world.random() * (0.4 + this.#worst("delay"));
  }

  /** Makes it worse; returns what ends that. */
  worsen(ill: Ill, by: number): () => void {
    this.#ills[ill].push(by);
    this.#apply();
    return () => {
      this.#ills[ill].splice(this.#ills[ill].indexOf(by), 1);
      this.#apply();
    };
  }

  #apply(): void {
    this.world.loss = this.#worst("loss");
    this.world.duplicate = this.#worst("duplicate");
  }

  #worst(ill: Ill): number {
    return Math.max(0, ...this.#ills[ill]);
  }
}
