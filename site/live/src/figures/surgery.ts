// Lesson 12: magnitude and Wanda cut while the slider moves, beside values solved beforehand.
import { network } from "../client.ts";
import { Line, footnote, h, latest, s, slider } from "../dom.ts";
import { fixed } from "../format.ts";
import type { Figure } from "../figure.ts";
import type { Solved } from "../messages.ts";
import { MARKS, Trail, type Key } from "../plot.ts";

const CUT = ["magnitude", "Wanda"], MOST = 98, BEGIN = 90;
const SHAPES = [MARKS.diamond, MARKS.triangle];

/** What was solved stands from the beginning; the two lines grow where the slider goes. */
class Four extends Trail {
  constructor(unpruned: number, private readonly known: Map<string, [number, number][]>) {
    super("Accuracy at the sparsities visited so far, and where values were solved", {
      from: 0, to: 1, ticks: [0, 0.25, 0.5, 0.75, 1], label: "sparsity" }, unpruned, CUT,
      { height: 320, kind: "live-wide" });
  }

  protected behind(): SVGElement[] {
    return [...this.known.values()].flatMap((points, place) => {
      const at = points.map(([share, accuracy]) => [this.px(share), this.py(accuracy)]);
      return [s("path", { class: `live-line-${place + 2}`, d: at.map(
                ([x, y], k) => `${k ? "L" : "M"}${x} ${y}`).join("") }),
              s("path", { class: `live-dots-${place + 2}`,
                          d: at.map(([x, y]) => SHAPES[place](x, y, 5)).join("") })];
    });
  }

  protected legend(): Key[] {
    return [...super.legend(), ...[...this.known.keys()].map((way, place): Key => [
      `${way}, solved`, s("path", { class: `live-dots-${place + 2}`,
                                    d: SHAPES[place](this.left + 17, 0, 5) })])];
  }
}

/** Return by way the sparsities and accuracies (%) of what was solved. */
function byWay(solved: Solved[], images: number): Map<string, [number, number][]> {
  const known = new Map<string, [number, number][]>();
  for (const { way, share, right } of solved) {
    known.set(way, [...known.get(way) ?? [], [share, 100 * (right / images)]]);
  }
  return known;
}

/** Return the sparsity solved that is nearest; of two as near the lower one. */
export function nearest(shares: number[], at: number): number {
  return shares.reduce((best, share) => Math.abs(share - at) < Math.abs(best - at) ? share : best);
}

export const surgery: Figure = async (_, failed) => {
  const client = await network("network", "digits", "surgery");
  const known = await client.ask("describe", {}), solved = await client.ask("solved", {});
  const ways = byWay(solved, known.images), shares = [...ways.values()][0].map(([share]) => share);
  const four = new Four(100 * known.right / known.images, ways), line = new Line();
  const move = latest(async (at: number) => {
    const share = at / 100, near = nearest(shares, share);
    const { magnitude, wanda, kept } = await client.ask("cut", { share });
    const now = [magnitude, wanda].map(right => 100 * (right / known.images));
    const then = [...ways].map(([way, points]) => `${way} ${
      fixed(points.find(([each]) => each === near)![1], 1)}`);
    const words = `sparsity ${at}%: ${CUT.map((name, k) => `${name} ${fixed(now[k], 1)}`).join(", ")
      }; at ${Math.round(100 * near)}%: ${then.join(", ")} %.`;
    four.mark(share, now[1], CUT[1]);
    four.mark(share, now[0], CUT[0]);
    four.describe(`Accuracy against sparsity of four networks. ${words}`);
    line.say(words, at !== BEGIN);
    Object.assign(element.dataset, { at, right: magnitude, wanda, kept: kept.join(),
      solved: solved.map(({ right }) => right).join() });
  }, failed);
  const control = slider("sparsity", MOST, BEGIN, at => `${at} %`, move);
  const element = h("div", { class: "live-figure" },
    control.element, line.element, line.status, h("div", { class: "live-panels" }, four.element),
    footnote(known, " Magnitude and Wanda are cut here; SparseGPT and the refit were solved "
      + "beforehand at five sparsities, from 1,000 images, and are read here. All have magnitude's "
      + "budgets."));
  move(BEGIN);
  return element;
};
