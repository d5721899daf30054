// Announcement: words on what a panel is doing, which a screen reader says too.
//
// While it works, other buttons can be pressed than before. One that is disabled or hidden drops the
// focus to the page, where keys are commands to the notebook: the focus goes on within the panel.

function render({ model, el }) {
  el.setAttribute("role", "status");
  const draw = () => { el.innerHTML = model.get("value"); };
  model.on("change:value", draw);
  draw();

  let last = null; // of the panel's buttons that can be waited for, the one that had the focus last
  const goOn = () => {
    const lost = [document.body, last].includes(document.activeElement);
    if (!last || !lost || ready(last)) return;
    const free = [...el.closest(".prefixlab-panel").querySelectorAll(FOCUSED)].filter(ready);
    const after = (other) => last.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING;
    const next = last.disabled ? free.filter((one) => one.matches(ACTIONS)).at(-1) : free.find(after);
    next?.focus({ preventScroll: true });
  };
  const changes = new MutationObserver(goOn);
  const remember = ({ target }) => {
    const panel = el.closest(".prefixlab-panel");
    last = panel?.contains(target) && target.matches(ACTIONS) ? target : null;
    changes.disconnect();
    if (last) changes.observe(panel, { subtree: true, attributeFilter: ["disabled", "style"] });
  };
  document.addEventListener("focusin", remember);
  return () => {
    changes.disconnect();
    document.removeEventListener("focusin", remember);
  };
}

const ACTIONS = "button.prefixlab-action";
const FOCUSED = "button, input, select, summary, [tabindex='0']";

/** Whether an element can be pressed: neither disabled nor hidden. */
const ready = (element) => !element.disabled && element.getClientRects().length > 0;

export default { render };
