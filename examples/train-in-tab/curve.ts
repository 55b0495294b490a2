/** @file The loss of a training as a line. */

/** Draws the losses of the steps so far over all steps, from 0 to the largest loss. */
export function drawCurve(curve: SVGSVGElement, losses: readonly number[], steps: number): void {
  if (losses.length < 2) return curve.setAttribute("hidden", "");
  const most = Math.max(...losses);
  const points = losses.map((loss, i) => {
    const [x, y] = [(100 * i) / Math.max(steps - 1, 1), 31 - (30 * loss) / most];
    return `${x.toFixed(2)},${y.toFixed(2)}`;
  });
  curve.setAttribute("role", "img");
  const ends = [losses[0], losses.at(-1)!].map((loss) => loss.toFixed(2));
  curve.setAttribute("aria-label", `The loss went from ${ends[0]} to ${ends[1]}`);
  curve.innerHTML = `<polyline points="${points.join(" ")}" vector-effect="non-scaling-stroke" />`;
  curve.removeAttribute("hidden");
}
