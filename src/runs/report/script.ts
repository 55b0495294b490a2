/** @file What a report does in the browser: values under the pointer, or by the arrow keys. */

/** The script, as it stands in the page. */
export const SCRIPT = `
for (const figure of document.querySelectorAll("[data-chart]")) {
  const { series, frame: f } = JSON.parse(figure.dataset.chart);
  const svg = figure.querySelector("svg"), cursor = svg.querySelector(".cursor"), readout = figure.querySelector(".readout");
  const steps = [...new Set(series.flatMap((s) => s.steps))].sort((a, b) => a - b);
  let at = -1;
  const x = (step) => f.left + ((step - f.minStep) / (f.maxStep - f.minStep || 1)) * f.width;
  const y = (v) => f.top + (1 - (v - f.low) / (f.high - f.low)) * f.height;
  const text = (v) => f.share ? (100 * v).toFixed(2) + " %" : String(Number(v.toPrecision(4)));
  const nearest = (list, step) => list.reduce((best, s, i) => Math.abs(s - step) < Math.abs(list[best] - step) ? i : best, 0);
  function show(index) {
    at = index;
    const step = steps[at];
    cursor.innerHTML = '<line class="rule" x1="' + x(step) + '" x2="' + x(step) + '" y1="' + f.top + '" y2="' + (f.top + f.height) + '"/>' +
      series.map((s, k) => { const i = nearest(s.steps, step); return '<circle class="dot s' + (k % 6) + '" r="4" cx="' + x(s.steps[i]) + '" cy="' + y(s.means[i]) + '"/>'; }).join("");
    readout.textContent = "step " + step + ": " + series.map((s) => { const i = nearest(s.steps, step); return s.name + " " + text(s.means[i]) + (s.steps[i] === step ? "" : " (at " + s.steps[i] + ")"); }).join(", ");
  }
  function hide() { cursor.innerHTML = ""; readout.textContent = ""; at = -1; }
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const px = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    show(nearest(steps, f.minStep + ((px - f.left) / f.width) * (f.maxStep - f.minStep)));
  });
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("blur", hide);
  svg.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!move) return;
    event.preventDefault();
    show(Math.min(steps.length - 1, Math.max(0, at + move)));
  });
}
`;
