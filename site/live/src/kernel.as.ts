// The inner loops, compiled to WebAssembly with SIMD by `npm run kernel` (AssemblyScript).
// All arguments are byte offsets into one memory; floats are float32. Sparse rows are `ptr`
// (uint32, where each row begins, the first at 0), `idx` (uint16, columns) and `val` (float32). Weights lie
// input by input, w[input * width + unit]: one input's value meets four units' weights at a time.

/**
 * out[i] = bias + sum over the row's entries of val * w[idx], then ReLU if asked; width % 4 == 0.
 * The bias is a vector for all rows or, with `own`, a number for each row (width % 20 == 0): rows
 * are then those of a layer's weights, and w holds images, pixel by pixel.
 * Twenty units at a time over all rows: five vectors stay in registers, and the part of the weights
 * that is in use (784 * 80 bytes) in the processor's cache.
 */
export function layer(n: i32, ptr: usize, idx: usize, val: usize, w: usize, bias: usize,
                      out: usize, width: i32, relu: i32, own: i32): void {
  const bytes: usize = <usize>width << 2, floor = f32x4.splat(relu ? 0 : -Infinity);
  let c: usize = 0;
  for (; c + 80 <= bytes; c += 80) {
    let b0 = floor, b1 = floor, b2 = floor, b3 = floor, b4 = floor;
    if (!own) {
      b0 = v128.load(bias + c);
      b1 = v128.load(bias + c, 16);
      b2 = v128.load(bias + c, 32);
      b3 = v128.load(bias + c, 48);
      b4 = v128.load(bias + c, 64);
    }
    const wc = w + c;
    let row = out + c, v = val, j = idx;
    for (let i = 0; i < n; i++) {
      if (own) b0 = b1 = b2 = b3 = b4 = v128.load32_splat(bias + (<usize>i << 2));
      let a = b0, b = b1, d = b2, e = b3, f = b4;
      const end = val + (<usize>load<u32>(ptr + (<usize>i << 2), 4) << 2);
      for (; v < end; v += 4) {
        const x = v128.load32_splat(v);
        const p = wc + <usize>load<u16>(j) * bytes;
        a = f32x4.add(a, f32x4.mul(x, v128.load(p)));
        b = f32x4.add(b, f32x4.mul(x, v128.load(p, 16)));
        d = f32x4.add(d, f32x4.mul(x, v128.load(p, 32)));
        e = f32x4.add(e, f32x4.mul(x, v128.load(p, 48)));
        f = f32x4.add(f, f32x4.mul(x, v128.load(p, 64)));
        j += 2;
      }
      v128.store(row, f32x4.max(a, floor));
      v128.store(row, f32x4.max(b, floor), 16);
      v128.store(row, f32x4.max(d, floor), 32);
      v128.store(row, f32x4.max(e, floor), 48);
      v128.store(row, f32x4.max(f, floor), 64);
      row += bytes;
    }
  }
  for (; c < bytes; c += 16) { // what is left, four units at a time
    let row = out + c, v = val, j = idx;
    for (let i = 0; i < n; i++) {
      let a = v128.load(bias + c);
      const end = val + (<usize>load<u32>(ptr + (<usize>i << 2), 4) << 2);
      for (; v < end; v += 4) {
        const p = w + c + <usize>load<u16>(j) * bytes;
        a = f32x4.add(a, f32x4.mul(v128.load32_splat(v), v128.load(p)));
        j += 2;
      }
      v128.store(row, f32x4.max(a, floor));
      row += bytes;
    }
  }
}

/**
 * Write rows of numbers as sparse rows, those that are not zero, from where ptr[0] says; so many
 * bytes lead across a row, and down to the next. Each number is written, and the next one over it
 * where it was zero: no branch to foretell. So there has to be room for one more than there are.
 */
export function pack(n: i32, dense: usize, across: usize, down: usize, width: i32, ptr: usize,
                     idx: usize, val: usize): void {
  let k = <usize>load<u32>(ptr);
  for (let i = 0; i < n; i++) {
    let at = dense;
    for (let j = 0; j < width; j++) {
      const x = load<f32>(at);
      at += across;
      store<u16>(idx + (k << 1), <u16>j);
      store<f32>(val + (k << 2), x);
      k += <usize>(x != 0);
    }
    dense += down;
    ptr += 4;
    store<u32>(ptr, <u32>k);
  }
}

/** Copy the weights whose score is `least` or more, zero for the others; n % 4 == 0. */
export function mask(n: i32, score: usize, least: f32, w: usize, to: usize): void {
  const limit = f32x4.splat(least);
  for (const end = score + (<usize>n << 2); score < end; score += 16) {
    v128.store(to, v128.and(v128.load(w), f32x4.ge(v128.load(score), limit)));
    w += 16;
    to += 16;
  }
}
