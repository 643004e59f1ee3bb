// Lesson 12: two masks with the old values, and networks whose new values were solved beforehand.
import type { Cut, Solved } from "./messages.ts";
import { SIZES, turned, type Layer } from "./network.ts";
import type { Pruning } from "./pruning.ts";
import { Parts } from "./unpack.ts";

const ALL = 266_200;

export class Surgery {
  readonly solved: Solved[] = [];
  private readonly wanda: number[]; // where each layer's ranks within its rows are
  private readonly room: Layer[];

  constructor(private readonly pruning: Pruning, bytes: Uint8Array, ways: string[],
              shares: number[]) {
    const { machine } = pruning, parts = new Parts(bytes);
    const norms = SIZES.map(([inputs]) => parts.floats(inputs));
    this.wanda = SIZES.map(([inputs, units], l) => machine.put(turned(
      ranksInRows(pruning.trained(l).weight, norms[l]), inputs, units, -1)));
    this.room = pruning.layers.map(layer => (
      { ...layer, w: machine.room(4 * layer.inputs * layer.width) }));
    for (const way of ways) {
      for (const share of shares) {
        const right = pruning.reader.right(this.network(parts, way, share), pruning.digits);
        this.solved.push({ way, share, right });
      }
    }
    parts.end();
  }

  /** Cut by magnitude across layers, and by Wanda within rows in the same budgets; read both. */
  cut(share: number): Cut {
    const { pruning } = this, { right, kept } = pruning.step("global", share);
    const masked = pruning.layers.map((layer, l) => {
      const [inputs, units] = SIZES[l], gone = toEven((1 - kept[l] / (inputs * units)) * inputs);
      pruning.machine.kernel.mask(inputs * layer.width, this.wanda[l], gone, layer.w, layer.to);
      return { ...layer, w: layer.to, kept: units * (inputs - gone) };
    });
    return { magnitude: right, wanda: pruning.reader.right(masked, pruning.digits), kept };
  }

  /** Put the next network of the file into the memory; biases are those that were trained. */
  private network(parts: Parts, way: string, share: number): Layer[] {
    const masks = way === "SparseGPT" ? null : this.pruning.magnitudeMasks(Math.round(ALL * share));
    return this.room.map((layer, l) => {
      const [inputs, units] = SIZES[l], n = inputs * units;
      const mask = masks?.[l] ?? unpacked(parts.take(Math.ceil(n / 8)), n);
      const scale = parts.floats(units), count = mask.reduce((sum, each) => sum + each, 0);
      const low = parts.take(count), high = parts.take(count), weight = new Float32Array(n);
      for (let k = 0, next = 0; k < n; k++) {
        if (!mask[k]) continue;
        const level = (high[next] << 24 >> 16) | low[next]; // int16
        weight[k] = level * scale[Math.floor(k / inputs)];
        next++;
      }
      this.pruning.machine.floats(layer.w, inputs * layer.width).set(turned(weight, inputs, units));
      return layer;
    });
  }
}

/** Rank magnitude times norm within each row, from 0 for the lowest, of equal ones the earlier. */
function ranksInRows(weight: Float32Array, norms: Float32Array): Float32Array {
  const inputs = norms.length, ranks = new Float32Array(weight.length);
  for (let row = 0; row < weight.length; row += inputs) {
    const scores = norms.map((norm, i) => Math.abs(weight[row + i]) * norm);
    [...scores.keys()].sort((a, b) => scores[a] - scores[b])
      .forEach((i, rank) => { ranks[row + i] = rank; });
  }
  return ranks;
}

/** Return the bits, the highest of each byte first, as zeros and ones. */
function unpacked(bits: Uint8Array, n: number): Uint8Array {
  return Uint8Array.from({ length: n }, (_, k) => bits[k >> 3] >> (7 - k % 8) & 1);
}

/** Python's round(): of x.5 to the even neighbour. */
function toEven(x: number): number {
  const below = Math.floor(x);
  return x - below === 0.5 ? below + below % 2 : Math.round(x);
}
