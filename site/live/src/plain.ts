// The kernel's three functions in plain JavaScript, for browsers without WebAssembly SIMD.

export interface Kernel {
  layer(n: number, ptr: number, idx: number, val: number, w: number, bias: number,
        out: number, width: number, relu: number, own: number): void;
  pack(n: number, dense: number, across: number, down: number, width: number, ptr: number,
       idx: number, val: number): void;
  mask(n: number, score: number, least: number, w: number, to: number): void;
}

/** Return the kernel on a plain buffer; offsets are in bytes, as in WebAssembly. */
export function plainKernel(buffer: ArrayBuffer): Kernel {
  const f32 = new Float32Array(buffer), u32 = new Uint32Array(buffer);
  const u16 = new Uint16Array(buffer);
  return {
    layer(n, ptr, idx, val, w, bias, out, width, relu, own) {
      const row = new Float32Array(width), floor = relu ? 0 : -Infinity;
      for (let i = 0; i < n; i++) {
        for (let u = 0; u < width; u++) row[u] = f32[bias / 4 + (own ? i : u)];
        for (let k = u32[ptr / 4 + i]; k < u32[ptr / 4 + i + 1]; k++) {
          const x = f32[val / 4 + k], from = w / 4 + u16[idx / 2 + k] * width;
          for (let u = 0; u < width; u++) row[u] += x * f32[from + u];
        }
        for (let u = 0; u < width; u++) f32[out / 4 + i * width + u] = Math.max(row[u], floor);
      }
    },
    pack(n, dense, across, down, width, ptr, idx, val) {
      let k = u32[ptr / 4];
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < width; j++) {
          const x = f32[(dense + i * down + j * across) / 4];
          if (x === 0) continue;
          u16[idx / 2 + k] = j;
          f32[val / 4 + k++] = x;
        }
        u32[ptr / 4 + i + 1] = k;
      }
    },
    mask(n, score, least, w, to) {
      for (let k = 0; k < n; k++) {
        f32[to / 4 + k] = f32[score / 4 + k] >= least ? f32[w / 4 + k] : 0;
      }
    },
  };
}
