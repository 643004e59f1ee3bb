// Numbers as Python writes them, so that a line here and the notebook's line are the same.

/** Python's f"{x:.{digits}f}": a tie such as 98.25 goes to the even digit. */
export function fixed(x: number, digits: number): string {
  const scaled = x * 10 ** digits, below = Math.floor(scaled);
  const tie = scaled - below === 0.5 && (x * 1024) % 1 === 0; // only binary fractions can tie
  return tie && below % 2 === 0 ? (below / 10 ** digits).toFixed(digits) : x.toFixed(digits);
}

/** Python's f"{x:.2g}", for 0 and numbers from 0.0001 to 99. */
export const general = (x: number) => String(Number(x.toPrecision(2)));

const ENGLISH = new Intl.NumberFormat("en-US");

export const thousands = (n: number) => ENGLISH.format(n);

export const percent = (share: number) => `${fixed(100 * share, 1)} %`;
