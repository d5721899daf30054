// Microscope: what the answer attends to, as a map of layers by positions with bars above it, and
// its probability without the positions and layers that were taken away.

const GUTTER = 70; // left of the map: the layers
const BARS = 76; // the height of the bars
const NAMES = 136; // left of the probabilities: what they are
const LEAST = 12; // the width of a position; more of them than have room are scrolled
const maps = () => ({
  after: gettext("after training"), before: gettext("before training"),
  change: gettext("what training changed"),
});

function render({ model, el }) {
  speak(model);
  el.classList.add("prefixlab-page");
  const chances = make("svg", { role: "img", class: "chances" });
  const choices = make("DIV", { class: "choices" });
  const svg = make("svg", { role: "group", "aria-label": gettext("attention by layer and position") });
  const wide = make("DIV", { class: "scrolled" }, svg);
  const said = make("P", { class: "said", "aria-live": "polite" });
  const root = make("DIV", { class: "scrolled", "data-lm-suppress-shortcuts": "true" });
  root.append(chances, choices, wide, said);
  el.append(root);
  for (const [name, colour] of Object.entries(model.get("drawing").colours)) {
    root.style.setProperty(`--${name}`, colour);
  }
  const scope = new Scope(model, chances, svg, said);
  choices.append(
    chooser(gettext("map"), Object.entries(maps()), (map) => scope.look({ map })),
    chooser(gettext("heads"), scope.heads(), (head) => scope.look({ head: Number(head) })));
  model.on("change:away change:known change:trouble", () => scope.changed());
  return fitted(root, (width) => scope.draw(width));
}

/** A list to choose one of. */
function chooser(label, options, choose) {
  const select = make("SELECT");
  select.append(...options.map(([value, text]) => make("OPTION", { value }, text)));
  select.addEventListener("change", () => choose(select.value));
  return make("LABEL", {}, `${label} `, select);
}

class Scope {
  constructor(model, chances, svg, said) {
    Object.assign(this, model.get("drawing"), { model, chances, svg, said });
    this.weights = { after: floats(model.get("after")), before: floats(model.get("before")) };
    this.seen = { map: "after", head: -1, layer: -1, column: -1 }; // -1: all of them
    this.pinned = -1; // the layer that was clicked
    this.afterwards = afterPaint();
  }

  heads() {
    const each = [...Array(this.size.heads).keys()].map(
      (head) => [head, gettext("head {head}", { head })]);
    return [[-1, gettext("mean of all {heads}", { heads: this.size.heads })], ...each];
  }

  /** The share of attention that a column gets: in one layer, or in the mean of all. */
  share(when, layer, column) {
    const { layers, heads } = this.size;
    const chosen = (one, count) => (one < 0 ? [...Array(count).keys()] : [one]);
    let [sum, count] = [0, 0];
    for (const l of chosen(layer, layers)) {
      for (const h of chosen(this.seen.head, heads)) {
        sum += this.weights[when][(l * heads + h) * this.columns.length + column];
        count += 1;
      }
    }
    return sum / count;
  }

  /** The share of all virtual positions together. */
  virtual(when, layer) {
    return this.columns.reduce(
      (sum, { virtual }, at) => sum + (virtual ? this.share(when, layer, at) : 0), 0);
  }

  look(changed) {
    Object.assign(this.seen, changed);
    this.paint();
  }

  point(layer, column) {
    Object.assign(this.seen, { layer, column });
    this.bars();
    this.say();
  }

  // What stays where it is.

  draw(width) {
    this.outer = width;
    const { layers } = this.size;
    const focused = this.svg.querySelector(":focus")?.dataset.part; // it keeps the focus
    const texts = this.columns.map(({ text }) => widthOf(text, this.svg));
    const longest = Math.max(...texts);
    this.step = Math.max(LEAST, (width - GUTTER - 6) / this.columns.length);
    this.row = clamp(Math.round(300 / layers), 9, 20);
    this.top = 26 + BARS;
    this.bottom = this.top + 8 + layers * this.row;
    const angle = this.step > longest + 6 ? 0 : this.step >= 16 ? 50 : 90;
    const under = angle ? longest * Math.sin(angle * Math.PI / 180) + 8 : 16;
    set(this.svg, {
      width: GUTTER + 6 + this.step * this.columns.length, height: this.bottom + 20 + under,
    });
    this.svg.replaceChildren();
    this.drawBars();
    this.drawMap();
    this.layerToggles = this.removable.map((layer) => this.drawLayer(layer));
    this.drawLayerNames();
    this.positionToggles = this.columns.flatMap(
      (column, at) => this.drawPosition(column, at, angle));
    rove(this.layerToggles);
    rove(this.positionToggles);
    this.changed();
    if (focused) this.svg.querySelector(`[data-part="${focused}"]`)?.focus();
  }

  add(name, attributes, ...children) {
    const made = make(name, attributes, ...children);
    this.svg.append(made);
    return made;
  }

  x(column) {
    return GUTTER + column * this.step;
  }

  y(layer) {
    return this.bottom - (layer + 1) * this.row;
  }

  drawBars() {
    const { step, top } = this;
    this.title = this.add("text", { x: 0, y: 12, class: "label" });
    this.highest = this.add("text", { x: GUTTER - 8, y: top - BARS + 8, class: "end" });
    this.add("text", { x: GUTTER - 8, y: top, class: "end" }, "0");
    const right = this.x(this.columns.length);
    this.add("line", { x1: GUTTER, x2: right, y1: top, y2: top, class: "grid" });
    if (this.outer > 600) this.drawShares();
    this.barsNow = this.columns.map(({ virtual }, at) => this.add("rect", {
      x: this.x(at) + 1.5, width: step - 3, class: virtual ? "now virtual" : "now",
    }));
    this.barsBefore = this.columns.map((_, at) => this.add("line", {
      x1: this.x(at) + 0.5, x2: this.x(at) + step - 0.5, class: "then",
    }));
  }

  /** What the depth of a colour stands for. */
  drawShares() {
    [0.01, 0.1, 0.5, 1].forEach((share, at) => {
      const x = this.outer - 206 + 56 * at;
      const look = { y: 2, width: 12, height: 12, class: "text", "fill-opacity": Math.sqrt(share) };
      this.add("rect", { x, y: 2, width: 12, height: 12, class: "none" });
      this.add("g", { class: "map" }, make("rect", { x, ...look }));
      this.add("text", { x: x + 17, y: 12 }, share);
    });
  }

  drawMap() {
    const { layers } = this.size;
    const wide = this.step * this.columns.length;
    const map = this.add("g", {
      class: "map pointed", tabindex: 0, role: "application", "data-part": "map",
      "aria-label": gettext("attention by layer and position: arrow keys move, Enter keeps a layer"),
    });
    map.append(make("rect", {
      x: GUTTER, y: this.y(layers - 1), width: wide, height: layers * this.row, class: "none",
    }));
    this.cells = [...Array(layers).keys()].map((layer) => this.columns.map((_, at) => make("rect", {
      x: this.x(at) + 0.5, y: this.y(layer) + 0.5, width: this.step - 1, height: this.row - 1,
    })));
    this.lines = {
      row: make("rect", { x: GUTTER, width: wide, height: this.row, class: "cross" }),
      column: make("rect", {
        y: this.y(layers - 1), width: this.step, height: layers * this.row, class: "cross",
      }),
    };
    map.append(...this.cells.flat(), this.lines.row, this.lines.column);
    map.onpointermove = ({ clientX, clientY }) => {
      const box = this.svg.getBoundingClientRect();
      const column = Math.floor((clientX - box.left - GUTTER) / this.step);
      const layer = Math.floor((this.bottom - (clientY - box.top)) / this.row);
      this.point(clamp(layer, 0, layers - 1), clamp(column, 0, this.columns.length - 1));
    };
    map.onpointerleave = () => this.point(this.pinned, -1);
    map.onclick = () => this.pin();
    map.onkeydown = (event) => {
      const [up, right] = {
        ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1],
      }[event.key] ?? [0, 0];
      if (event.key === "Enter" || event.key === " ") this.pin();
      else if (event.key === "Escape") this.point(this.pinned, -1);
      else if (up || right) {
        const { layer, column } = this.seen;
        this.point(clamp(layer + up, 0, layers - 1),
          clamp(column + right, 0, this.columns.length - 1));
      } else return;
      event.preventDefault();
    };
  }

  /** Keep the bars at the layer that is pointed at; a second time, let it go. */
  pin() {
    this.pinned = this.pinned === this.seen.layer ? -1 : this.seen.layer;
    this.bars();
  }

  drawLayer(layer) {
    const square = { x: GUTTER - 14, y: this.y(layer) + 1, width: 10, height: this.row - 2 };
    const wide = { x: 0, y: this.y(layer), width: GUTTER - 2, height: this.row, class: "ground" };
    return this.toggle(gettext("layer {n}", { n: layer }), "layers", layer, make("rect", wide),
      make("rect", { ...square, class: "square" }));
  }

  drawLayerNames() {
    const every = Math.ceil(14 / this.row);
    for (let layer = 0; layer < this.size.layers; layer += every) {
      this.add("text", { x: GUTTER - 20, y: this.y(layer) + this.row / 2 + 4, class: "end" },
        layer ? layer : gettext("layer {n}", { n: 0 }));
    }
  }

  /** The name of a position under its column; of a virtual one, with what takes it away. */
  drawPosition({ text, virtual, removable }, at, angle) {
    const middle = this.x(at) + this.step / 2;
    const [x, y] = angle ? [middle + 4, this.bottom + 24] : [middle, this.bottom + 30];
    const transform = `rotate(${-angle} ${x} ${y})`;
    const name = make("text", { x, y, transform, class: angle ? "end" : "middle" }, text);
    if (virtual) name.classList.add("virtual");
    if (removable === null) {
      this.svg.append(name);
      return [];
    }
    const square = {
      x: this.x(at) + 1.5, y: this.bottom + 5, width: this.step - 3, height: 10, class: "square",
    };
    const ground = { x: this.x(at), y: this.bottom, width: this.step, height: 34, class: "ground" };
    const parts = [make("rect", ground), make("rect", square), name];
    return [this.toggle(text, "positions", removable, ...parts)];
  }

  /** Something that is taken away, and given back, by a click. */
  toggle(name, kind, number, ...parts) {
    const made = this.add("g", {
      class: "toggle", role: "button", "aria-label": gettext("take away {name}", { name }), "data-part": name,
    }, ...parts);
    pressed(made, () => {
      const away = this.model.get("away");
      const others = away[kind].filter((one) => one !== number);
      const now = others.length < away[kind].length ? others : [...others, number];
      this.model.set({ away: { ...away, [kind]: now.sort((a, b) => a - b) } });
      this.afterwards(() => this.model.save_changes());
    });
    made.isAway = () => this.model.get("away")[kind].includes(number);
    return made;
  }

  // What changes.

  /** Something was taken away or given back, or the kernel has answered. */
  changed() {
    if (!this.cells) return;
    for (const one of [...this.layerToggles, ...this.positionToggles]) {
      set(one, { "aria-pressed": one.isAway() });
    }
    this.probabilities();
    this.paint();
  }

  /** The map, and the bars above it. */
  paint() {
    const { map } = this.seen;
    const away = this.model.get("away");
    this.cells.forEach((row, layer) => row.forEach((cell, at) => {
      const { virtual, removable } = this.columns[at];
      const change = map === "change";
      const value = change
        ? this.share("after", layer, at) - this.share("before", layer, at)
        : this.share(map, layer, at);
      const gone = removable !== null
        && (away.positions.includes(removable) || away.layers.includes(layer));
      const kind = change ? (value > 0 ? "more" : "less") : virtual ? "virtual" : "text";
      cell.setAttribute("class", gone ? `${kind} gone` : kind);
      cell.style.fillOpacity = Math.sqrt(Math.abs(value));
    }));
    this.bars();
    this.say();
  }

  bars() {
    const { layer, column } = this.seen;
    const now = this.columns.map((_, at) => this.share("after", layer, at));
    const then = this.columns.map((_, at) => this.share("before", layer, at));
    const most = Math.max(...now, ...then);
    this.highest.textContent = most.toFixed(2);
    const where = layer < 0 ? gettext("all layers") : gettext("layer {n}", { n: layer });
    const kept = layer >= 0 && layer === this.pinned ? gettext(", kept") : "";
    this.title.textContent =
      gettext("attention, {where}{kept} (line: before training)", { where, kept });
    now.forEach((share, at) => {
      const high = share / most * (BARS - 4);
      set(this.barsNow[at], { y: this.top - high, height: high });
      const line = this.top - then[at] / most * (BARS - 4);
      set(this.barsBefore[at], { y1: line, y2: line });
    });
    this.lines.row.style.display = layer < 0 ? "none" : "";
    this.lines.column.style.display = column < 0 ? "none" : "";
    set(this.lines.row, { y: this.y(layer) });
    set(this.lines.column, { x: this.x(column) });
  }

  say() {
    const { layer, column, head } = this.seen;
    const share = (when) => (column < 0
      ? this.virtual(when, layer)
      : this.share(when, layer, column)).toFixed(3);
    const where = layer < 0 ? gettext("All layers") : gettext("Layer {n}", { n: layer });
    const heads = head < 0 ? gettext("mean of all heads") : gettext("head {head}", { head });
    const what = column < 0
      ? gettext("the virtual positions") : gettext("“{text}”", { text: this.columns[column].text });
    const [after, before] = [share("after"), share("before")];
    this.said.textContent = this.model.get("trouble") || gettext(
      "{where}, {heads}: {after} of the attention is on {what}, {before} before training.",
      { where, heads, after, what, before });
  }

  /** P(answer) before training, now, and without what was taken away. */
  probabilities() {
    const away = this.model.get("away");
    const known = this.model.get("known");
    const names = [
      ...away.positions.map((one) => `P${one}`), ...away.layers.map((n) => gettext("layer {n}", { n })),
    ];
    const rows = [
      [gettext("before training"), this.first, "first"], [gettext("now"), known["|"], "now"],
    ];
    if (names.length) {
      const value = known[`${away.positions}|${away.layers}`];
      const all = gettext("without {parts}", { parts: names.join(", ") });
      const name = widthOf(all, this.svg) < NAMES - 8 ? all 
        : gettext("without {count} parts", { count: names.length });
      const asleep = value === undefined && this.model.still;
      rows.push([asleep ? gettext("needs a kernel") : name, value, "left"]);
    }
    const room = this.outer - NAMES - 52;
    const number = (value) => value?.toFixed(3) ?? "…"; // until the kernel has answered
    const title = gettext("P({answer}), the probability of the answer", { answer: this.answer });
    this.chances.replaceChildren(make("text", { x: 0, y: 14, class: "label" }, title));
    rows.forEach(([name, value, kind], row) => {
      const y = 24 + 22 * row;
      const bar = { x: NAMES, y, height: 16 };
      this.chances.append(
        make("text", { x: NAMES - 8, y: y + 12, class: "end" }, name),
        make("rect", { ...bar, width: room, class: "none" }),
        make("rect", { ...bar, width: room * (value ?? 0), class: `chance ${kind}` }),
        make("text", { x: NAMES + room + 6, y: y + 12, class: "label" }, number(value)));
    });
    if (!names.length) {
      const hint = gettext("Click a square beside the map: it takes a position or a layer away.");
      this.chances.append(make("text", { x: 0, y: 84 }, hint));
    }
    const words = rows.map(([name, value]) => `${name} ${number(value)}`);
    const label = [title, ...words].join(", ");
    set(this.chances, { width: this.outer, height: 96, "aria-label": label });
  }
}

export default { render };
