// Mouse, touch and pen on the image. Left drag or one finger: window across, level up and down.
// Right or middle drag, or two fingers: move. Wheel or pinch: zoom about the pointer.

const WIDTH_PIXELS = 300; // of drag for a factor e in width
const LEVEL_PIXELS = 500; // of drag for the whole bright end

/** Let pointers on a viewer change its view. */
export function listen(viewer) {
  const { canvas, view } = viewer;
  const pointers = new Map();

  const spread = () => {
    const [a, b] = [...pointers.values()];
    return { distance: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
  };

  function drag(pointer, dx, dy) {
    if (pointer.moves) {
      const [x, y] = viewer.shareOf(dx, dy);
      view.move(-x, -y);
    } else {
      view.adjust(Math.exp(dx / WIDTH_PIXELS), dy / LEVEL_PIXELS);
    }
  }

  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    const moves = event.pointerType === "mouse" && event.button !== 0;
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY, moves });
  });

  canvas.addEventListener("pointermove", (event) => {
    const pointer = pointers.get(event.pointerId);
    if (!pointer) return;
    const before = pointers.size === 2 ? spread() : null;
    const [dx, dy] = [event.clientX - pointer.x, event.clientY - pointer.y];
    pointer.x = event.clientX;
    pointer.y = event.clientY;
    if (!before) {
      if (pointers.size === 1) drag(pointer, dx, dy);
      return;
    }
    const after = spread();
    const [x, y] = viewer.shareOf(after.x - before.x, after.y - before.y);
    view.move(-x, -y);
    if (before.distance > 0) {
      view.zoomBy(after.distance / before.distance, ...viewer.shareAt(after.x, after.y));
    }
  });

  const end = (event) => pointers.delete(event.pointerId);
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  canvas.addEventListener("lostpointercapture", end);
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("auxclick", (event) => event.preventDefault());
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode === 0 ? event.deltaY / 100 : event.deltaY / 3;
    view.zoomBy(Math.exp(-0.15 * lines), ...viewer.shareAt(event.clientX, event.clientY));
  }, { passive: false });
}
