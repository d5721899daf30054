// Curve: lines over an axis, and the slider under it. What is said of each point came with them.

const HEIGHT = 220; // of the plot, in pixels
const NARROW = 520; // where names of lines have no room at their ends
const PAD = 14; // from the ends of the axis to the first and the last place
const ROW = 20; // of the legend
const STAR = `M${[...Array(10).keys()].map((corner) => {
  const [far, turn] = [corner % 2 ? 4 : 9, (corner * Math.PI) / 5];
  return `${(far * Math.sin(turn)).toFixed(1)},${(-far * Math.cos(turn)).toFixed(1)}`;
}).join("L")}Z`;

function render({ model, el }) {
  speak(model);
  el.classList.add("prefixlab-page");
  const svg = make("svg");
  const said = make("P", { class: "said" });
  const root = make("DIV", { class: "scrolled", "data-lm-suppress-shortcuts": "true" }, svg, said);
  el.append(root);
  const afterwards = afterPaint();
  let [plot, width] = [null, 0];

  /** Move to a place, or to a line: drawn at once, told to the kernel later. */
  const choose = (chosen) => {
    model.set(chosen);
    afterwards(() => model.save_changes());
  };
  const move = () => {
    said.textContent = plot?.move(model.get("value"), model.get("line")) ?? "";
    plot?.ask(model.get("asked"));
  };
  const draw = () => {
    if (!width) return; // it is not in the page yet
    const focused = svg.querySelector(":focus")?.dataset.part; // it keeps the focus
    plot = new Plot(svg, model.get("drawing"), width, choose);
    move();
    if (focused) svg.querySelector(`[data-part="${focused}"]`)?.focus();
  };
  model.on("change:drawing", draw);
  model.on("change:value change:line change:asked", move);
  return fitted(root, (now) => {
    width = now;
    draw();
  });
}

/** What stays where it is while the slider moves, and what moves. */
class Plot {
  constructor(svg, drawing, width, choose) {
    Object.assign(this, drawing, { svg, width, choose });
    svg.replaceChildren();
    this.several = this.lines.length > 1;
    this.frame();
    this.measures();
    this.axis();
    this.marks = this.lines.map((line, number) => this.mark(line, number));
    this.names = this.several ? this.lines.map((line, number) => this.name(line, number)) : [];
    this.compared();
    this.expected();
    this.measured();
    this.question = this.add("line", { y1: this.top, y2: this.track, class: "asked" });
    this.unknown = this.add("text", { class: "note middle" });
    this.dot = this.add("circle", { r: 7, class: "chosen" });
    this.figure = this.add("text", { class: "figure middle" });
    this.touch();
  }

  add(name, attributes, ...children) {
    const made = make(name, attributes, ...children);
    this.svg.append(made);
    return made;
  }

  wide(text) {
    return widthOf(text, this.svg);
  }

  /** The width of a name, which is bold once it is chosen. */
  wideName(line) {
    return 1.1 * this.wide(line.shown ?? line.name);
  }

  /** Margins and scales. */
  frame() {
    const { ticks, lines, places, width } = this;
    const digits = Math.max(0, -Math.floor(Math.log10(ticks[1] - ticks[0]) + 1e-9));
    this.tickTexts = ticks.map((tick) => tick.toFixed(digits));
    const longest = Math.max(...lines.map((line) => this.wideName(line)));
    this.atEnds = this.several && !this.words && width >= NARROW && longest < 0.3 * width;
    this.left = Math.ceil(Math.max(...this.tickTexts.map((text) => this.wide(text)))) + 12;
    this.right = width - (this.atEnds ? longest + 34 : 14);
    this.top = 30 + (this.several && !this.atEnds ? this.legend() : 0);
    this.bottom = this.top + HEIGHT;
    this.y = (value) =>
      this.bottom - ((value - ticks[0]) / (ticks.at(-1) - ticks[0])) * HEIGHT;
    const scale = this.log ? Math.log : (place) => place;
    const [low, high] = [scale(places[0]), scale(places.at(-1))];
    const across = this.right - this.left;
    this.x = (place) => {
      if (this.words) return this.left + ((places.indexOf(place) + 0.5) / places.length) * across;
      const share = high > low ? (scale(place) - low) / (high - low) : 0.5;
      return this.left + clamp(PAD + share * (across - 2 * PAD), 0, across);
    };
    this.xs = places.map(this.x);
  }

  /** Where the names of lines stand above the plot; how tall they are together. */
  legend() {
    let [x, row] = [0, 0];
    this.spots = this.lines.map((line) => {
      const wide = this.wideName(line) + 34;
      if (x && x + wide > this.width) [x, row] = [0, row + 1];
      const spot = { x: x + 14, y: 34 + ROW * row };
      x += wide;
      return spot;
    });
    return ROW * (row + 1) + 6;
  }

  /** The vertical axis, and the values to compare with. */
  measures() {
    const { left, right, y } = this;
    this.add("text", { x: 0, y: 14, class: "label" }, this.ylabel);
    this.ticks.forEach((tick, number) => {
      this.add("line", { x1: left, x2: right, y1: y(tick), y2: y(tick), class: "grid" });
      this.add("text", { x: left - 8, y: y(tick) + 4, class: "end" }, this.tickTexts[number]);
    });
    for (const [, value] of this.references) {
      this.add("line", { x1: left, x2: right, y1: y(value), y2: y(value), class: "reference" });
    }
  }

  /** The horizontal axis, which is the slider: its thumb stands under the point. */
  axis() {
    const { left, right, xs, top } = this;
    const track = (this.track = this.bottom + 14);
    this.cursor = this.add("line", { y1: top, y2: track, class: "cursor" });
    this.thumb = make("g", {},
      make("circle", { cy: track, r: 12, class: "ring" }),
      make("circle", { cy: track, r: 8, class: "thumb" }));
    this.slider = this.add("g", {
      "data-part": "slider", class: "slider", role: "slider", tabindex: 0,
      "aria-label": this.xlabel, "aria-valuemin": 0, "aria-valuemax": xs.length - 1,
    },
    make("line", { x1: left, x2: right, y1: track, y2: track, class: "track" }),
    ...xs.map((x) => make("line", { x1: x, x2: x, y1: track - 4, y2: track + 4, class: "notch" })),
    this.thumb);
    const texts = this.words ? this.wrapped() : this.fitting();
    texts.forEach((rows, at) => rows.forEach((text, row) =>
      this.add("text", { x: xs[at], y: track + 27 + 14 * row, class: "middle" }, text)));
    const under = track + 34 + 14 * Math.max(...texts.map((rows) => rows.length));
    this.add("text", { x: (left + right) / 2, y: under, class: "label middle" }, this.xlabel);
    set(this.svg, {
      width: this.width, height: under + 8, role: "group",
      "aria-label": `${this.ylabel} by ${this.xlabel}`,
    });
  }

  /** The words under the axis, broken between words where they are too wide. */
  wrapped() {
    const room = (this.right - this.left) / this.xs.length - 6;
    return this.written.map((text) => {
      const rows = [];
      for (const word of text.split(" ")) {
        const longer = rows.length ? `${rows.at(-1)} ${word}` : word;
        if (rows.length && this.wide(longer) <= room) rows[rows.length - 1] = longer;
        else rows.push(word);
      }
      return rows;
    });
  }

  /** The numbers under the axis: every one, or every 2nd, 5th, …, zero among them. */
  fitting() {
    const { xs, written } = this;
    const zero = Math.max(0, this.places.indexOf(0));
    for (const step of [1, 2, 5, 10, 20, 50, 100, 1000]) {
      const shown = written.map((text, at) => ((at - zero) % step ? [] : [text]));
      const ends = xs.map((x, at) => [x, shown[at].length && this.wide(written[at]) / 2])
        .filter(([, half]) => half);
      if (ends.every(([x, half], n) => !n || ends[n - 1][0] + ends[n - 1][1] + 8 < x - half)) {
        return shown;
      }
    }
    return written.map(() => []);
  }

  /** Lines whose places are words have no slope: their marks stand side by side. */
  aside(number) {
    return this.words ? 10 * (number - (this.lines.length - 1) / 2) : 0;
  }

  /** A line: its means, and from the lowest to the highest a band, or bars. */
  mark(line, number) {
    const { y } = this;
    const there = line.points.flatMap((point, at) =>
      point ? [{ ...point, x: this.xs[at] + this.aside(number) }] : []);
    const group = this.add("g", {
      class: line.dashed ? "line dashed" : "line", style: `--colour: ${line.colour}`,
    });
    if (this.words) {
      group.append(...there.map(({ x, low, high }) =>
        make("line", { x1: x, x2: x, y1: y(low), y2: y(high), class: "bar" })));
    } else {
      const edge = [
        ...there.map(({ x, high }) => `${x},${y(high)}`),
        ...there.toReversed().map(({ x, low }) => `${x},${y(low)}`),
      ];
      const d = `M${there.map(({ x, mean }) => `${x},${y(mean)}`).join("L")}`;
      group.append(
        make("polygon", { points: edge.join(" "), class: "band" }),
        make("path", { d, class: "stroke" }),
        make("path", { d, class: "touch" }));
    }
    group.append(...there.map(({ x, mean }) =>
      make("circle", { cx: x, cy: y(mean), r: 3, class: "dot" })));
    const best = line.points[line.chosen ?? -1];
    if (best) {
      const [x, up] = [this.xs[line.chosen] + this.aside(number), y(best.mean)];
      group.append(make("path", { d: `M${x},${up - 8}l8,8l-8,8l-8,-8z`, class: "diamond" }));
    }
    group.end = there.at(-1);
    return group;
  }

  /** The name of a line, which chooses it. */
  name(line, number) {
    if (this.atEnds && !this.spots) {
      const ends = this.marks.map(({ end }) => this.y(end.mean));
      const heights = apart(ends, 18, this.top + 6, this.bottom - 2);
      this.spots = heights.map((height) => ({ x: this.right + 28, y: height }));
    }
    const { x, y } = this.spots[number];
    const name = this.add("g", {
      "data-part": `line ${number}`, class: line.dashed ? "name dashed" : "name",
      role: "button", tabindex: 0,
      style: `--colour: ${line.colour}`,
    },
    make("rect", { x: x - 14, y: y - 9, width: this.wideName(line) + 18, height: 18, rx: 3 }),
    make("circle", { cx: x - 7, cy: y, r: 4, class: "dot" }),
    make("text", { x, y: y + 4 }, line.shown ?? line.name));
    if (this.atEnds) {
      const { end } = this.marks[number];
      const d = `M${end.x + 6},${this.y(end.mean)}H${this.right + 4}L${x - 12},${y}`;
      name.prepend(make("path", { d, class: "leader" }));
    }
    pressed(name, () => this.choose({ line: line.name }));
    return name;
  }

  /** The names of what can be compared with: above their lines, or below, where least is hidden. */
  compared() {
    const { left, right, references, xs, y } = this;
    const levels = references.map(([, value]) => y(value));
    const placed = [];
    references.forEach(([name], number) => {
      const wide = this.wide(name) + 8;
      const starts = [left, right - wide, ...xs.map((x) => x + 14)]
        .filter((from, at) => !at || (from > left && from + wide <= right));
      const spots = [-5, 14].flatMap((under) =>
        starts.map((from) => ({ from, to: from + wide, base: levels[number] + under })));
      const hides = ({ from, to, base }) => {
        const [up, down] = [base - 11, base + 3];
        const others = levels.filter((level, n) => n !== number && level > up && level < down);
        const names = placed.filter((one) =>
          one.to > from && one.from < to && Math.abs(one.base - base) < 14);
        const curves = this.lines.filter((_, n) =>
          this.meets(n, from - 12, to + 12, up - 4, down + 3));
        return 100 * names.length + 10 * others.length + curves.length;
      };
      const hidden = spots.map(hides);
      const spot = spots[hidden.indexOf(Math.min(...hidden))];
      placed.push(spot);
      this.add("text", { x: spot.from + 4, y: spot.base, class: "note" }, name);
    });
  }

  /** Whether a line passes through a box: its marks, or what is drawn between them. */
  meets(number, from, to, up, down) {
    const there = this.lines[number].points.flatMap((point, at) =>
      (point ? [{ x: this.xs[at] + this.aside(number), ...point }] : []));
    return there.some(({ x, mean, low, high }, n) => {
      const next = !this.words && there[n + 1];
      const on = next ? next.x : x;
      if (on < from || x > to) return false;
      const level = (at) => mean + (on > x ? ((at - x) / (on - x)) * (next.mean - mean) : 0);
      const ends = next ? [level(Math.max(from, x)), level(Math.min(to, on))] : [low, high];
      return this.y(Math.max(...ends)) < down && this.y(Math.min(...ends)) > up;
    });
  }

  /** What the learner guessed. */
  expected() {
    if (!this.guess) return;
    const [place, value, written] = this.guess;
    const x = this.xs[this.places.indexOf(place)];
    this.add("circle", { cx: x, cy: this.y(value), r: 7, class: "ghost" });
    const words = this.add("text", { class: "note middle" });
    this.beside(words, gettext("your guess {written}", { written }), x, this.y(value) + 22, this.y(value) - 13);
  }

  /** What the learner measured. */
  measured() {
    for (const [place, value, colour, as] of this.stars ?? []) {
      const [x, y] = [this.x(place), this.y(value)];
      const star = this.add("path", { d: STAR, class: "star", style: `--colour: ${colour}` });
      set(star, { transform: `translate(${x} ${y})` });
      star.append(make("title", {}, as));
    }
  }

  /** A place where nothing was measured, marked as the one that is asked about. */
  ask(place) {
    const known = place !== null && place !== undefined;
    this.question.style.display = this.unknown.style.display = known ? "" : "none";
    if (!known) return;
    const x = this.x(place);
    set(this.question, { x1: x, x2: x });
    this.beside(this.unknown, gettext("{place}: not recorded", { place }), x, this.bottom - 8);
  }

  /** Words in the middle of `x`, at the first of some heights where nothing is in the way. */
  beside(text, words, x, ...heights) {
    const half = this.wide(words) / 2 + 4;
    const free = (y) => y > this.top + 8 && y < this.bottom - 2
      && this.references.every(([, value]) => Math.abs(this.y(value) + 4 - y) > 8);
    text.textContent = words;
    set(text, {
      x: clamp(x, this.left + half, this.right - half), y: heights.find(free) ?? heights[0],
    });
  }

  /** Mouse, finger and keys. */
  touch() {
    const { svg, xs, places } = this;
    let dragged = false;
    const nearest = ({ clientX }) => {
      const x = clientX - svg.getBoundingClientRect().left;
      const far = xs.map((at) => Math.abs(at - x));
      return { value: places[far.indexOf(Math.min(...far))] };
    };
    svg.onpointerdown = (event) => {
      const { left, top } = svg.getBoundingClientRect();
      const [x, y] = [event.clientX - left, event.clientY - top];
      const inside = x > this.left - 8 && x < this.right + 8 && y > this.top && y < this.track + 14;
      if (event.button || !inside || event.target.closest(".name")) return;
      dragged = true;
      svg.setPointerCapture(event.pointerId);
      this.slider.focus({ preventScroll: true });
      const line = this.lines[this.marks.indexOf(event.target.closest(".line"))];
      this.choose({ ...nearest(event), ...(line && { line: line.name }) });
    };
    svg.onpointermove = (event) => {
      if (dragged) this.choose(nearest(event));
    };
    svg.onpointerup = svg.onpointercancel = () => {
      dragged = false;
    };
    this.slider.addEventListener("keydown", (event) => {
      const to = stepped(event, this.at, places.length);
      if (to === undefined) return;
      event.preventDefault();
      this.choose({ value: places[to] });
    });
  }

  /** Draw what is chosen; what is to be said of it. */
  move(value, name) {
    const at = (this.at = Math.max(0, this.places.indexOf(value)));
    const number = Math.max(0, this.lines.findIndex((line) => line.name === name));
    const { points, says, colour } = this.lines[number];
    const x = this.xs[at];
    set(this.cursor, { x1: x, x2: x });
    set(this.thumb, { transform: `translate(${x} 0)` });
    set(this.slider, { "aria-valuenow": at, "aria-valuetext": says[at] });
    this.marks.forEach((mark, n) => mark.classList.toggle("faded", n !== number));
    this.names.forEach((label, n) => set(label, { "aria-pressed": n === number }));
    const point = points[at];
    this.dot.style.display = this.figure.style.display = point ? "" : "none";
    if (point) {
      const [over, up] = [x + this.aside(number), this.y(point.mean)];
      set(this.dot, { cx: over, cy: up, style: `--colour: ${colour}` });
      this.beside(this.figure, point.as, over, this.y(point.high) - 12, this.y(point.low) + 22);
    }
    return says[at];
  }
}

export default { render };
