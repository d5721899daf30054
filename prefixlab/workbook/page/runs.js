// Runs: losses and accuracies of training runs by the step, and the runs as the rows of a table, in
// which they are hidden and deleted.

const HEIGHT = 170; // of a plot, in pixels
const NARROW = 460; // where two plots have no room side by side
const GAP = 22; // between two plots
const UNDER = 42; // of a plot: its axis and the axis' name
const MEASURES = {
  loss: () => gettext("loss of the batch (nats)"), accuracy: () => gettext("accuracy on validation"),
};

function render({ model, el }) {
  speak(model);
  el.classList.add("prefixlab-page");
  const svg = make("svg", { role: "img" });
  const table = new Table(model);
  const note = make("P", { class: "note" });
  const root = make("DIV", { class: "scrolled", "data-lm-suppress-shortcuts": "true" });
  root.append(svg, table.root, note);
  el.append(root);
  let width = 0;

  const draw = () => {
    if (!width) return; // it is not in the page yet
    const drawing = model.get("drawing");
    plots(svg, drawing, model.get("hidden"), width);
    table.draw(drawing, model.get("hidden"));
    note.textContent = drawing.runs.length ? drawing.note : "";
  };
  model.on("change:drawing change:hidden", draw);
  return fitted(root, (now) => {
    width = now;
    draw();
  });
}

/** Losses at the left, accuracies at the right or below. */
function plots(svg, drawing, hidden, width) {
  const runs = drawing.runs.filter(({ number }) => !hidden.includes(number));
  const beside = width >= NARROW;
  const wide = beside ? (width - GAP) / 2 : width;
  const tall = 26 + HEIGHT + UNDER;
  svg.replaceChildren();
  set(svg, { width, height: beside ? tall : 2 * tall, "aria-label": drawing.says });
  const levels = (measure) => drawing.levels[measure] ?? [];
  const heights = (measure) => levels(measure).map(([, value]) => value);

  const losses = [...drawing.recorded, ...runs.map((run) => run.losses)].flat();
  const loss = new Plot(svg, 0, 0, wide, "loss", drawing.steps, 0,
    Math.max(1, ...losses, ...heights("loss")));
  drawing.recorded.forEach((values) => loss.line("recorded", steps(values)));
  const found = runs.flatMap((run) => run.validations.flatMap(([, ...values]) => values));
  const [x, y] = beside ? [wide + GAP, 0] : [0, tall];
  const accuracy = new Plot(svg, x, y, wide, "accuracy", drawing.steps,
    Math.min(0.4, ...found, ...heights("accuracy")), 1);
  loss.levels(levels("loss"));
  accuracy.levels(levels("accuracy"));
  runs.forEach((run, at) => {
    const kind = at === runs.length - 1 ? "newest" : "older";
    const look = { class: `run ${kind}${run.dashed ? " dashed" : ""}`, style: `--colour: ${run.colour}` };
    loss.within(look, () => {
      loss.line("raw", steps(run.losses));
      loss.line("stroke", steps(run.smoothed));
    });
    accuracy.within(look, () => accuracy.found(run, 2 * (at - (runs.length - 1) / 2)));
  });
  loss.numbers(runs.map((run) => [run, steps(run.smoothed).at(-1)]));
  accuracy.numbers(runs.map((run) => [run, run.validations.at(-1)]));
  if (drawing.recorded.length) loss.name(gettext("recorded"), steps(drawing.recorded[0]).at(-1));
}

/** A list of values as points: the first is step 1. */
const steps = (values) => values.map((value, at) => [at + 1, value]);

/** One pair of axes. */
class Plot {
  constructor(svg, x, y, width, measure, last, low, high) {
    this.svg = this.into = svg;
    this.ticks = rounded(low, high);
    const digits = this.ticks[1] - this.ticks[0] < 1 ? 1 : 0;
    const [bottom, top] = [this.ticks[0], this.ticks.at(-1)];
    [this.left, this.right] = [x + 32, x + width - 18];
    [this.top, this.bottom] = [y + 26, y + 26 + HEIGHT];
    this.x = (step) => this.left + (step / Math.max(1, last)) * (this.right - this.left);
    this.y = (value) => this.bottom - ((value - bottom) / (top - bottom)) * HEIGHT;
    this.add("text", { x, y: y + 14, class: "label" }, MEASURES[measure]());
    for (const tick of this.ticks) {
      this.across(tick, "grid");
      this.add("text", { x: this.left - 6, y: this.y(tick) + 4, class: "end" },
        tick.toFixed(digits));
    }
    const places = rounded(0, last, 6).filter((tick) => tick <= last && tick % 1 === 0);
    for (const place of places) {
      this.add("text", { x: this.x(place), y: this.bottom + 16, class: "middle" }, place);
    }
    const middle = (this.left + this.right) / 2;
    this.add("text", { x: middle, y: this.bottom + 33, class: "label middle" },
      gettext("step"));
  }

  add(name, attributes, ...children) {
    const made = make(name, attributes, ...children);
    this.into.append(made);
    return made;
  }

  /** What is added within `draw` is of one group. */
  within(look, draw) {
    this.into = this.add("g", look);
    draw();
    this.into = this.svg;
  }

  across(value, kind) {
    const height = this.y(value);
    this.add("line", { x1: this.left, x2: this.right, y1: height, y2: height, class: kind });
  }

  line(kind, points) {
    if (!points.length) return;
    const d = `M${points.map(([step, value]) => `${this.x(step)},${this.y(value)}`).join("L")}`;
    this.add("path", { d, class: kind });
  }

  /** What validation found: dots with their intervals, `aside` a little; the kept one is ringed. */
  found({ validations, kept }, aside) {
    this.line("stroke", validations);
    for (const [step, value, low, high] of validations) {
      const x = this.x(step) + aside;
      this.add("line", { x1: x, x2: x, y1: this.y(low), y2: this.y(high), class: "bar" });
      if (step === kept) this.add("circle", { cx: x, cy: this.y(value), r: 6, class: "kept" });
      this.add("circle", { cx: x, cy: this.y(value), r: 3, class: "dot" });
    }
  }

  /** Values to compare with; their names stand over their lines, that of the lowest under its. */
  levels(levels) {
    const values = levels.map(([, value]) => value);
    const lowest = values.lastIndexOf(Math.min(...values));
    levels.forEach(([, value], at) => this.across(value, at ? "reference long" : "reference"));
    levels.forEach(([name, value], at) => {
      const under = levels.length > 1 && at === lowest;
      const y = this.y(value) + (under ? 14 : -5);
      this.add("text", { x: this.right - 2, y, class: "note end" }, name);
    });
  }

  /** The numbers of runs, at the ends of their lines. */
  numbers(ends) {
    const there = ends.filter(([, end]) => end);
    const wanted = there.map(([, [, value]]) => this.y(value) + 4);
    apart(wanted, 13, this.top, this.bottom + 4).forEach((y, at) => {
      const [{ number, colour }, [step]] = there[at];
      this.add("text", { x: this.x(step) + 6, y, class: "number", style: `--colour: ${colour}` },
        number);
    });
  }

  name(words, [step, value]) {
    const x = Math.min(this.x(step), this.right) - 4;
    this.add("text", { x, y: this.y(value) + 14, class: "note end" }, words);
  }
}

/** Round numbers from one at or below `low` to one at or above `high`, about `count` of them. */
function rounded(low, high, count = 5) {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((size) => size >= rough * 0.999);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return [...Array(last - first + 1).keys()].map((at) => (first + at) * step);
}

/** A row a run. What is there stays there, so that a button keeps the focus and a press its end. */
class Table {
  constructor(model) {
    this.model = model;
    this.root = make("TABLE", { class: "runs" });
    this.shape = "";
  }

  draw({ heads, runs }, hidden) {
    this.root.hidden = !runs.length;
    const shape = JSON.stringify([heads, runs.map(({ number }) => number)]);
    if (shape !== this.shape) this.build(heads, runs);
    this.shape = shape;
    runs.forEach((run, at) => {
      const { row, cells, toggle } = this.rows[at];
      const gone = hidden.includes(run.number);
      cells.forEach((cell, n) => {
        if (cell.textContent !== run.cells[n]) cell.textContent = run.cells[n];
      });
      row.classList.toggle("gone", gone);
      toggle.textContent = gone ? gettext("Show") : gettext("Hide");
      const { number } = run;
      set(toggle, {
        "aria-label": gone
          ? gettext("Show run {number}", { number }) : gettext("Hide run {number}", { number }),
      });
    });
  }

  build(heads, runs) {
    const buttons = () => [...this.root.querySelectorAll("button")];
    const focused = buttons().indexOf(this.root.querySelector(":focus"));
    this.rows = runs.map((run) => this.row(run));
    const head = heads.map((name) => make("TH", { scope: "col" }, name));
    this.root.replaceChildren(
      make("THEAD", {}, make("TR", {}, ...head, make("TD"))),
      make("TBODY", {}, ...this.rows.map(({ row }) => row)));
    const there = buttons();
    if (focused >= 0) there[Math.min(focused, there.length - 1)]?.focus();
  }

  row({ number, colour, dashed, cells }) {
    const mark = make("svg", { width: 26, height: 10, "aria-hidden": "true" },
      make("line", { x1: 1, x2: 25, y1: 5, y2: 5, class: "stroke" }));
    const look = { class: dashed ? "run dashed" : "run", style: `--colour: ${colour}` };
    const toggle = make("BUTTON", { type: "button" });
    toggle.addEventListener("click", () => this.toggle(number));
    const about = { type: "button", "aria-label": gettext("Delete run {number}", { number }) };
    const remove = make("BUTTON", about, gettext("Delete"));
    remove.addEventListener("click", () => this.model.send({ delete: number }));
    remove.hidden = Boolean(this.model.still); // without a kernel, nobody could
    const made = cells.map(() => make("TD"));
    const name = make("TH", { scope: "row" }, mark, ` ${number}`);
    const row = make("TR", look, name, ...made, make("TD", {}, toggle, " ", remove));
    return { row, cells: made, toggle };
  }

  toggle(number) {
    const hidden = this.model.get("hidden");
    const others = hidden.filter((other) => other !== number);
    const change = { hidden: others.length < hidden.length ? others : [...hidden, number] };
    this.model.set(change);
    this.model.save_changes();
  }
}

export default { render };
