// Plot: an image that the kernel hands over.

function render({ model, el }) {
  const image = document.createElement("img");
  const draw = () => {
    image.alt = model.get("alt");
    const value = model.get("value");
    image.hidden = !value.byteLength; // nothing was drawn yet
    if (image.hidden) return;
    const address = URL.createObjectURL(new Blob([value], { type: "image/png" }));
    image.onload = () => URL.revokeObjectURL(address);
    image.src = address;
  };
  model.on("change:value change:alt", draw);
  el.append(image);
  draw();
}

export default { render };
