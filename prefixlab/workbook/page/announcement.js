// Announcement: words on what a panel is doing, which a screen reader says too.
//
// While it works, other buttons can be pressed than before. One that is disabled drops the focus to
// the page, where keys are commands to the notebook: the focus goes on to one that can be pressed.

function render({ model, el }) {
  el.setAttribute("role", "status");
  const draw = () => { el.innerHTML = model.get("value"); };
  model.on("change:value", draw);
  draw();

  let last = null; // of the panel's buttons that can be waited for, the one that had the focus last
  const goOn = () => {
    const lost = [document.body, last].includes(document.activeElement);
    if (!last?.disabled || !lost) return;
    const free = el.closest(".prefixlab-panel").querySelectorAll(`${ACTIONS}:not(:disabled)`);
    [...free].at(-1)?.focus({ preventScroll: true });
  };
  const changes = new MutationObserver(goOn);
  const remember = ({ target }) => {
    const panel = el.closest(".prefixlab-panel");
    last = panel?.contains(target) && target.matches(ACTIONS) ? target : null;
    changes.disconnect();
    if (last) changes.observe(panel, { subtree: true, attributeFilter: ["disabled"] });
  };
  document.addEventListener("focusin", remember);
  return () => {
    changes.disconnect();
    document.removeEventListener("focusin", remember);
  };
}

const ACTIONS = "button.prefixlab-action";

export default { render };
