// What every widget in the page draws with.

let spoken = {}; // what is said, in the language chosen, by what it is in English

/** Take the words that came with a widget; what was stored has none, and speaks English. */
function speak(model) {
  spoken = model.get("_words") ?? {};
}

/** A text in the language chosen, with the values put into it. */
function gettext(text, values = {}) {
  return (spoken[text] ?? text).replace(/{(\w+)}/g, (whole, name) => values[name] ?? whole);
}

const SVG = "http://www.w3.org/2000/svg";

/** An element of SVG, or of HTML where its name is written in capitals. */
function make(name, attributes = {}, ...children) {
  const html = name === name.toUpperCase();
  const made = html ? document.createElement(name) : document.createElementNS(SVG, name);
  set(made, attributes);
  made.append(...children);
  return made;
}

function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}

const pen = document.createElement("canvas").getContext("2d");

/** How wide a text is in the font of an element, in pixels. */
function widthOf(text, element) {
  const { fontWeight, fontSize, fontFamily } = getComputedStyle(element);
  pen.font = `${fontWeight} ${fontSize} ${fontFamily}`;
  return pen.measureText(text).width;
}

const LEAST_WIDTH = 240; // in less than that there is no drawing: it is scrolled

/** Draw as wide as the element is, and again whenever it has become wider or narrower. */
function fitted(element, draw) {
  let width = 0;
  const observer = new ResizeObserver(() => {
    if (element.clientWidth === width || !element.clientWidth) return;
    width = element.clientWidth;
    draw(Math.max(LEAST_WIDTH, width));
  });
  observer.observe(element);
  return () => observer.disconnect();
}

/** Do some work once the page is painted; of several calls before that, the last one's. */
function afterPaint() {
  let work = null;
  return (next) => {
    if (!work) {
      requestAnimationFrame(() => setTimeout(() => {
        const now = work;
        work = null;
        now();
      }));
    }
    work = next;
  };
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** Heights at least `gap` apart and as near to the wanted ones as that allows, within bounds. */
function apart(wanted, gap, low, high) {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b]);
  const placed = [];
  let free = low;
  for (const i of order) free = (placed[i] = Math.max(wanted[i], free)) + gap;
  let most = high;
  for (const i of order.reverse()) most = (placed[i] = Math.min(placed[i], most)) - gap;
  return placed;
}

/** Where a key on a slider goes, from place `at` of `count`; undefined where it goes nowhere. */
function stepped({ key, ctrlKey, altKey, metaKey }, at, count) {
  const far = Math.max(1, Math.round(count / 5));
  const steps = {
    ArrowRight: 1, ArrowUp: 1, PageUp: far, End: count,
    ArrowLeft: -1, ArrowDown: -1, PageDown: -far, Home: -count,
  };
  if (ctrlKey || altKey || metaKey || !(key in steps)) return undefined;
  return clamp(at + steps[key], 0, count - 1);
}

/** The state of a widget where no kernel is: what is set is kept, and those who listen hear it. */
function still(stored) {
  const state = Object.fromEntries(Object.entries(stored).map(([name, value]) =>
    [name, value?.base64 === undefined ? value : bytes(value.base64)]));
  const heard = [];
  return {
    still: true,
    get: (name) => state[name],
    set: (changes) => {
      const changed = Object.keys(changes).filter((name) => state[name] !== changes[name]);
      Object.assign(state, changes);
      for (const [names, listener] of heard) {
        if (changed.some((name) => names.includes(`change:${name}`))) listener();
      }
    },
    on: (names, listener) => heard.push([names.split(" "), listener]),
    save_changes: () => {},
  };
}

const bytes = (base64) =>
  new DataView(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer);

/** Numbers that were sent as the bytes of float32. */
const floats = ({ buffer, byteOffset, byteLength }) =>
  new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));

/** What a button does, by mouse and by keys. */
function pressed(button, act) {
  button.addEventListener("click", act);
  button.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    act();
  });
}

/** Of several buttons one is reached by Tab, the others from it by the arrow keys. */
function rove(buttons) {
  buttons.forEach((button, at) => {
    button.setAttribute("tabindex", at ? -1 : 0);
    button.addEventListener("keydown", (event) => {
      const to = stepped(event, at, buttons.length);
      if (to === undefined) return;
      event.preventDefault();
      set(button, { tabindex: -1 });
      set(buttons[to], { tabindex: 0 });
      buttons[to].focus();
    });
  });
}
