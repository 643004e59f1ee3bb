// One memory, what is put into it, and the kernel that works on it.
import { plainKernel, type Kernel } from "./plain.ts";

const BYTES = 36 * 2 ** 20;

export class Machine {
  private top = 1024;

  private constructor(readonly kernel: Kernel, readonly buffer: ArrayBuffer,
                      readonly simd: boolean) {}

  /** Use WebAssembly where the browser has it, with SIMD; plain JavaScript elsewhere. */
  static async create(wasm: Uint8Array<ArrayBuffer> | null): Promise<Machine> {
    try {
      const memory = new WebAssembly.Memory({ initial: BYTES / 2 ** 16 });
      const made = await WebAssembly.instantiate(wasm!, { env: { memory } });
      return new Machine(made.instance.exports as unknown as Kernel, memory.buffer, true);
    } catch {
      const buffer = new ArrayBuffer(BYTES);
      return new Machine(plainKernel(buffer), buffer, false);
    }
  }

  /** Set bytes aside, aligned; return their offset. */
  room(bytes: number): number {
    const at = (this.top + 63) & ~63;
    this.top = at + bytes;
    if (this.top > BYTES) throw new Error("the figure needs more memory than it has");
    return at;
  }

  /** Copy an array into the memory; return its offset. */
  put(array: Float32Array | Uint32Array | Uint16Array): number {
    const at = this.room(array.byteLength);
    new Uint8Array(this.buffer, at, array.byteLength).set(
      new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    return at;
  }

  floats(at: number, n: number): Float32Array {
    return new Float32Array(this.buffer, at, n);
  }
}
