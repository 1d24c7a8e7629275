// Random choices that a seed repeats.

import { createHash } from "node:crypto";

export class Random {
  #state;

  /** The same choices for the same seed, in the same order. */
  constructor(seed) {
    this.#state = createHash("sha256").update(String(seed)).digest().readUInt32LE();
  }

  /** A number from 0 to below 1 (the generator mulberry32). */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to below `bound`. */
  below(bound) {
    return Math.floor(this.next() * bound);
  }

  /** A whole number from `least` to `most`. */
  between(least, most) {
    return least + this.below(most - least + 1);
  }

  chance(probability) {
    return this.next() < probability;
  }

  /** One of a list; undefined if it is empty. */
  pick(list) {
    return list[this.below(list.length)];
  }

  /** One of pairs of a weight and a value. */
  weighted(pairs) {
    let rest = this.next() * pairs.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, value] of pairs) {
      rest -= weight;
      if (rest < 0) return value;
    }
    return pairs.at(-1)[1];
  }
}
